import { describe, expect, test } from 'vitest';
import { readRulesetText } from '../../../src/cli/input/load-tables.ts';
import type { ListedTable } from '../../../src/nft/listed-table.ts';
import { compileFixture } from '../../support/compile-fixture.ts';
import { listFixtures } from '../../support/fixture.ts';
import { kernelTestsRun } from '../../support/kernel-tests.ts';
import { usualNft } from '../../support/nft-versions.ts';
import { expectRuleset } from './expect-ruleset.ts';
import { intrudedTables } from './intruded-tables.ts';
import { printInKernel } from './print-in-kernel.ts';

const ours = { family: 'ip', table: 'svc2nft' } as const;

function readOne(text: string, name: { family: 'ip' | 'ip6'; table: string }): ListedTable | undefined {
  const tables = readRulesetText(text, { file: 'listed', names: [name] });
  return 'code' in tables ? undefined : tables.tables[0];
}

describe.skipIf(!kernelTestsRun)('what nft prints of a loaded ruleset reads as it was compiled', () => {
  // test/nft/json/round-trip.kernel.test.ts shows that the JSON of each reads as it was compiled.
  test('every golden, as text', async () => {
    await expectListings(listFixtures(), ['list ruleset']);
  });

  test('a few goldens, with all flags of nft that leave numbers as they are', async () => {
    const names = [
      'client-affinity-over-udp-and-sctp',
      'client-affinity-over-ipv6',
      'interface-prefix-detection-looks-at-the-start-of-the-name',
      'masquerade-bit-may-be-the-highest-of-the-mark',
      'node-ports-on-all-addresses-leave-out-loopback',
      'source-ranges-and-external-policy-local-hold-together',
    ];
    await expectListings(names, ['-n list ruleset', '-y -p -a -s list ruleset', '-j list ruleset', '-nj list ruleset']);
  });

  test('text and JSON have the same deviations', async () => {
    const [[text = '', json = ''] = []] = await printInKernel(
      [intrudedTables],
      ['-n list ruleset', '-nj list ruleset'],
    );
    const [fromText, fromJson] = [readOne(text, ours), readOne(json, ours)];
    const messages = fromJson?.deviations.map(({ message }) => message) ?? [];
    // nft 1.0 leaves these out of its JSON.
    const newInJson = ['chain services: unexpected comment', 'set merging: unexpected auto-merge'];
    const onlyInText = usualNft.version.startsWith('1.0.') ? newInJson : [];
    expect(messages).toHaveLength(30 - onlyInText.length);
    expect(fromText?.deviations.map(({ message }) => message).sort()).toEqual([...messages, ...onlyInText].sort());
    expect(fromText?.ruleset).toEqual(fromJson?.ruleset);
    expect(withoutTime(fromText)).toEqual(withoutTime(fromJson));
    expect(fromText?.dynamic.get('udp-pins')).toEqual([
      {
        key: '10.1.1.1 . 10.96.0.1 . 53',
        value: { address: '10.2.2.2', port: 53 },
        timeoutSeconds: 93630,
        expiresSeconds: expect.any(Number),
      },
    ]);
  });

  test('a dormant table says so', async () => {
    const table = 'table ip svc2nft {\nflags dormant\nchain services { drop; }\n}';
    const [[text = '', terse = ''] = []] = await printInKernel([table], ['list ruleset', '-t list ruleset']);
    for (const listing of [readOne(text, ours), readOne(terse, ours)]) {
      expect(listing?.isDormant).toBe(true);
      expect(listing?.deviations.map(({ message }) => message)).toEqual([
        'table ip svc2nft is dormant: none of its rules are in force',
      ]);
    }
  });

  test('a listing without elements asks for -t', async () => {
    const { text } = compileFixture('dual-stack-service-has-endpoints-of-each-family');
    const [printed = []] = await printInKernel([text], ['list ruleset', '-t list ruleset', '-t -j list ruleset']);
    expect(printed.map((one) => readOne(one, ours)?.deviations.map(({ message }) => message))).toEqual([
      [],
      ['table ip svc2nft: the sets have no elements; was it listed with -t?'],
      ['table ip svc2nft: the sets have no elements; was it listed with -t?'],
    ]);
  });

  test('ports by name are an error at their place', async () => {
    const table = (body: string) => `table ip svc2nft {\n${body}\n}`;
    const texts = [
      'set s { type inet_proto . inet_service; elements = { tcp . 80 }; }',
      'chain c { meta l4proto tcp dnat to 10.0.0.1:80; }',
    ];
    const printed = await printInKernel(texts.map(table), ['-S list ruleset']);
    const errors = printed.map(([text = '']) => {
      try {
        return readOne(text, ours);
      } catch (error) {
        return error;
      }
    });
    const message = 'the port "http" is given by name; call nft without -S';
    expect(errors).toEqual([
      expect.objectContaining({ name: 'TextError', message, line: 4, column: 22 }),
      expect.objectContaining({ name: 'TextError', message, line: 3, column: 37 }),
    ]);
  });
});

/** Time passes between two listings. */
function withoutTime(listing: ListedTable | undefined): unknown {
  return [...(listing?.dynamic ?? [])].map(([name, elements]) => [
    name,
    elements.map(({ expiresSeconds: _, ...element }) => element),
  ]);
}

/** Loads goldens beside a table of another program, and reads what the commands print. */
async function expectListings(names: readonly string[], commands: readonly string[]): Promise<void> {
  const fixtures = names.map(compileFixture);
  const other = 'table inet other { chain one { tcp dport { 80, 443 } accept comment "} {"; }\n}';
  const printed = await printInKernel(
    fixtures.map(({ text }) => `${other}\n${text}`),
    commands,
  );
  expect(printed).toHaveLength(fixtures.length);
  for (const [index, { name, rulesets }] of fixtures.entries()) {
    expect(printed[index], name).toHaveLength(commands.length);
    for (const [number, command] of commands.entries()) {
      for (const ruleset of rulesets) {
        expectRuleset(readOne(printed[index]?.[number] ?? '', ruleset), ruleset, `${name}: ${command}`);
      }
    }
  }
}
