import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { compileRulesets } from '../../../src/compile.ts';
import { deriveExpectations } from '../../../src/inspect/verify/derive-expectations.ts';
import { type ExpectedFate, expectFate } from '../../../src/inspect/verify/expect-fate.ts';
import type { Expectations } from '../../../src/inspect/verify/expectations.ts';
import { sortAddresses } from '../../../src/net/address.ts';
import { readDocuments } from '../../../src/phases/1-read/read-documents.ts';
import { validate } from '../../../src/phases/2-validate/validate.ts';
import { listFixtures, loadFixture } from '../../support/fixture.ts';
import type { Packet } from '../../support/packets.ts';

/** The second derivation by itself, without a ruleset: its fates are those written down in the fixtures. */
describe.each(listFixtures())('%s', (name) => {
  const expectations = expectationsOf(name);

  test.each(loadFixture(name).packets)('$name', (packet) => {
    const fate = fateOf(packet, expectations);
    if (typeof packet.expect === 'string') {
      expect(fate?.verdict ?? 'untouched').toBe(packet.expect);
      return;
    }
    expect(fate?.verdict).toBe('translated');
    expect(sortAddresses((fate?.endpoints ?? []).map(({ text }) => text))).toEqual(packet.expect);
    for (const endpoint of packet.masqueraded === undefined ? [] : (fate?.endpoints ?? [])) {
      const wanted =
        typeof packet.masqueraded === 'boolean' ? packet.masqueraded : packet.masqueraded?.includes(endpoint.text);
      expect(fate?.isMasqueraded(endpoint), endpoint.text).toBe(wanted);
    }
    expect(fate?.frontend?.service.affinitySeconds !== 0).toBe(packet.sticky);
  });
});

function expectationsOf(name: string): Expectations[] {
  const { snapshotFile, options } = loadFixture(name);
  const { documents } = readDocuments([{ file: snapshotFile, content: readFileSync(snapshotFile) }]);
  const { snapshot } = validate(documents);
  const { views } = compileRulesets(documents, options);
  const { masqueradeAll, masqueradeBit } = options;
  return views.map((node) => deriveExpectations(snapshot, { node, masqueradeAll, masqueradeBit }));
}

/** Undefined in a family without a table. */
function fateOf({ from, to, via }: Packet, expectations: readonly Expectations[]): ExpectedFate | undefined {
  const ofFamily = expectations.find(({ family }) => (family === 'ip6') === to.address.includes(':'));
  const isPod = from.startsWith('10.') || from.startsWith('fd00:10:244:');
  const inputInterface = via ?? (isPod ? 'pod0' : 'out0');
  const packet = { source: from, destination: to.address, protocol: to.protocol, port: to.port, inputInterface };
  return ofFamily && expectFate(packet, ofFamily);
}
