import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compile } from '../../src/compile.ts';
import type { CompileOptions } from '../../src/options.ts';
import { documentsOf } from '../../src/phases/1-read/read-documents.ts';
import { linesOf, sidesOf } from '../inspect/verify/verify-objects.ts';
import { arbitraryCluster, type Manifest, nodeName } from '../support/arbitrary-cluster.ts';
import { type Explainer, explainerFor } from '../support/explainer.ts';
import { keepClusters } from '../support/keep-clusters.ts';
import { kernelTestsRun } from '../support/kernel-tests.ts';
import { judge } from '../support/lab/judge.ts';
import { runPackets } from '../support/lab/run-packets.ts';
import { type Packet, parsePackets } from '../support/packets.ts';
import { packetOf, walkerFor } from '../support/walk-fixture.ts';

const nodeAddresses = ['192.0.2.11', '2001:db8:a::11'];
const settings: readonly Partial<CompileOptions>[] = [
  {},
  { masqueradeAll: true },
  { detectLocalMode: 'InterfaceNamePrefix', detectLocalInterface: 'pod' },
  { nodePortAddresses: ['all'] },
  { masqueradeBit: 31, clusterCIDRs: [] },
];

/** Clients and the addresses that the random clusters use, by family. */
const parties = [
  {
    clients: ['10.244.1.50', '203.0.113.9', '203.0.113.200', '192.0.2.11', '192.0.2.77'],
    addresses: ['10.96.0.1', '10.96.0.2', '198.18.0.1', '198.18.0.2', '198.19.0.1', '198.19.0.2'],
    node: '192.0.2.11',
  },
  {
    clients: ['fd00:10:244:1::50', '2001:db8:ff::9', '2001:db8:fe::9', '2001:db8:a::11'],
    addresses: ['[fd00:10:96::1]', '[fd00:10:96::2]', '[2001:db8:1b::1]', '[2001:db8:e::1]'],
    node: '[2001:db8:a::11]',
  },
];

const questions = parties.flatMap(({ clients, addresses, node }) =>
  clients.flatMap((from) =>
    ['tcp', 'udp', 'sctp'].flatMap((protocol) => [
      ...addresses.flatMap((address) => [80, 81].map((port) => ({ from, to: `${address}:${port}/${protocol}` }))),
      ...[30000, 30001, 30002].map((port) => ({ from, to: `${node}:${port}/${protocol}` })),
    ]),
  ),
);

/** More for a long look: RUNS=100. */
const runs = Number(process.env['RUNS'] ?? 2 * settings.length);

/** Without expectations written in advance: explain, verify, walker and kernel must agree about the same packets. */
describe.skipIf(!kernelTestsRun)(
  'explain, verify, walker and kernel agree about random clusters',
  { concurrent: true },
  () => {
    const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);
    const clusters = fc.sample(arbitraryCluster, { numRuns: runs, seed });

    const cases = clusters.map((cluster, number) => ({ cluster, number }));
    test.for(cases)(`SEED=${seed}, number $number`, async (one, { onTestFailed }) => {
      onTestFailed(() => keepClusters(one.cluster));
      expect(await disagreements(one.cluster, one.number)).toEqual([]);
    });
  },
);

async function disagreements(cluster: readonly Manifest[], number: number): Promise<string[]> {
  const options = {
    nodeName,
    clusterCIDRs: ['10.244.0.0/16', 'fd00:10:244::/48'],
    ...settings[number % settings.length],
  };
  const documents = documentsOf(cluster);
  const faults = sidesOf(documents, options).flatMap((side) => linesOf(side));
  const { rulesets = [], text = '' } = compile(documents, options);
  const walk = walkerFor(rulesets, nodeAddresses);
  const { explain } = explainerFor(documents, options, nodeAddresses);
  const asked = questions.filter((_, index) => (index + number) % 4 === 0);
  const packets = asked.flatMap(({ from, to }) => {
    const [packet] = parsePackets(JSON.stringify([{ name: `${from} ${to}`, from, to, expect: 'untouched' }]));
    return packet ? [{ ...packet, ...expectationOf(packet, walk, explain) }] : [];
  });
  const seen = await runPackets({ ruleset: text, nodeAddresses, packets });
  const problems = packets.flatMap((packet, index) => {
    const observation = seen[index];
    return (observation ? judge(packet, observation) : `${packet.name}: nothing was seen`) ?? [];
  });
  return [...faults, ...problems];
}

function expectationOf(
  packet: Packet,
  walk: ReturnType<typeof walkerFor>,
  explain: Explainer['explain'],
): Pick<Packet, 'expect' | 'sticky'> & { masqueraded?: readonly string[] } {
  const { first, next } = walk(packet);
  const { verdict, rejectedWith, endpoints, masqueraded } = explain(packetOf(packet));
  const shown = endpoints.map((one) => ({ endpoint: one.endpoint, share: one.share, masqueraded: one.masqueraded }));
  const answer = rejectedWith ?? undefined;
  expect({ verdict, rejectedWith: answer, endpoints: shown, masqueraded }, packet.name).toEqual(first);
  if (verdict !== 'translated') {
    return { expect: verdict === 'mixed' ? [] : verdict, sticky: false };
  }
  return {
    expect: endpoints.map(({ endpoint }) => endpoint),
    masqueraded: endpoints.filter((one) => one.masqueraded).map(({ endpoint }) => endpoint),
    sticky: endpoints.length > 1 && next.every((summary) => summary.endpoints.length === 1),
  };
}
