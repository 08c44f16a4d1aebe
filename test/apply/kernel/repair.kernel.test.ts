import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { probeNft } from '../../../src/kernel/probe-nft.ts';
import { applyTestsRun } from './apply-tests.ts';
import { damages } from './damages.ts';
import { snapshotFlags } from './manifests.ts';
import { openNode, type TestNode } from './open-node.ts';
import { richSnapshot } from './rich-snapshot.ts';

/** Tables of other programs, some with a similar name. */
const foreignTables = `
  add table ip other
  add set ip other cluster-ips { type ipv4_addr; elements = { 10.96.0.10 }; }
  add chain ip other services { type filter hook input priority 7; }
  add rule ip other services ip saddr @cluster-ips drop
  add table ip6 svc2nft-2
  add chain ip6 svc2nft-2 services
  add table inet svc2nft
  add chain inet svc2nft services { type filter hook forward priority 7; }
  add rule inet svc2nft services counter
`;
describe.skipIf(!applyTestsRun)('a table that another program has changed', () => {
  let node: TestNode;
  let compiled: string;
  let fresh: ReadonlyMap<string, readonly string[]>;

  beforeAll(async () => {
    node = await openNode();
    const probe = await probeNft(node.run);
    const target = 'targetNft' in probe ? probe.targetNft : '';
    const { stdout } = await node.svc2nft(['compile', ...snapshotFlags, '--target-nft', target], richSnapshot);
    compiled = stdout;
    await node.nft(`${foreignTables}\n${compiled}`);
    fresh = await tablesOf(node);
  });

  afterAll(async () => {
    await node.close();
  });

  beforeEach(async () => {
    await node.nft(`flush ruleset\n${foreignTables}\n${compiled}`);
  });

  test('differs from an unchanged one', async () => {
    expect(await node.apply(richSnapshot)).toEqual({
      exitCode: 0,
      stdout: 'table ip svc2nft: up to date\ntable ip6 svc2nft: up to date\n',
      stderr: '',
    });
    expect([...fresh.keys()].sort()).toEqual([
      'table inet svc2nft {',
      'table ip other {',
      'table ip svc2nft {',
      'table ip6 svc2nft {',
      'table ip6 svc2nft-2 {',
    ]);
    expect(fresh.get('table ip svc2nft {')?.length).toBeGreaterThan(200);
  });

  test.each(damages)('is repaired: $name', async ({ commands, said }) => {
    await node.nft(commands);
    const { exitCode, stdout, stderr } = await node.apply(richSnapshot);
    expect(`${exitCode} ${stderr}`).toBe('0 ');
    expect(stdout).toMatch(said);
    expect(await tablesOf(node)).toEqual(fresh);
  });

  test('is repaired when the whole ruleset was flushed', async () => {
    await node.nft('flush ruleset');
    const { exitCode, stdout } = await node.apply(richSnapshot);
    expect(`${exitCode} ${stdout}`).toMatch(/^0 table ip svc2nft: created [\s\S]*^table ip6 svc2nft: created /m);
    await node.nft(foreignTables);
    expect(await tablesOf(node)).toEqual(fresh);
  });
});

/** All tables, line by line and element by element, in an order of their own: chains come in the order of their making. */
async function tablesOf(node: TestNode): Promise<Map<string, string[]>> {
  const listing = await node.print('--stateless', 'list', 'ruleset');
  const tables = listing.split(/^(?=table )/m).map((text) => {
    const [name = '', ...lines] = text.split(/[\n,]/).map((line) => line.replace('elements = {', '').trim());
    return [name, lines.sort()] as const;
  });
  return new Map(tables);
}
