import { describe, expect, test } from 'vitest';
import { documentsOf } from '../../../src/phases/1-read/read-documents.ts';
import { service, slice } from '../../support/small-cluster.ts';
import { addChains, changeElements, type Plant, statements } from './plant.ts';
import { linesOf, type Side, sidesOf } from './verify-objects.ts';

/** A node port with affinity, and a Service without at its number and with the same endpoints, over both families. */
function sidesWith(
  plain: Record<string, unknown>,
  nodePortAddresses: readonly string[],
  timeoutSeconds = 10_800,
): Side[] {
  const objects = [
    { clusterIP: '10.96.0.1', other: '10.96.0.2', endpoints: ['10.244.1.10', '10.244.2.20'] },
    { clusterIP: 'fd00:10:96::1', other: 'fd00:10:96::2', endpoints: ['fd00:10:244:1::10', 'fd00:10:244:2::20'] },
  ].flatMap(({ clusterIP, other, endpoints }, index) => [
    service(`sticky-${index}`, {
      type: 'NodePort',
      clusterIP,
      sessionAffinity: 'ClientIP',
      sessionAffinityConfig: { clientIP: { timeoutSeconds } },
      ports: [{ port: 80, nodePort: 30001 + index }],
    }),
    slice(`sticky-${index}`, endpoints, endpoints[0]),
    service(`plain-${index}`, { clusterIP: other, ports: [{ port: 30001 + index }], ...plain }),
    slice(`plain-${index}`, endpoints, endpoints[0]),
  ]);
  return sidesOf(documentsOf(objects), {
    nodeName: 'worker-1',
    nodeAddresses: ['192.0.2.11', '2001:db8:a::11'],
    clusterCIDRs: ['10.244.0.0/16', 'fd00:10:244::/48'],
    targetNft: '1.1.3',
    nodePortAddresses,
  });
}

const elsewhere = { externalIPs: ['198.51.100.2', '2001:db8:e::2'] };
const atNode = { externalIPs: ['192.0.2.11', '2001:db8:a::11'] };

describe('pins that no chain reads are correct', () => {
  test.each([
    ['at an address of the node', atNode, []],
    ['at an address of the node, all of which accept node ports', atNode, ['all']],
    ['at an address elsewhere, if all of the node accept node ports', elsewhere, ['all']],
  ])('%s', (_what, plain, nodePortAddresses) => {
    expect(sidesWith(plain, nodePortAddresses).flatMap((side) => linesOf(side))).toEqual([]);
  });

  test.each([1, 86_400])('that last %i s', (seconds) => {
    expect(sidesWith(atNode, [], seconds).flatMap((side) => linesOf(side))).toEqual([]);
  });
});

/** Writes the pins of node ports wherever the number is right. */
const atAnyAddress: Plant = statements('pin-tcp', 'match-set', (each) =>
  'set' in each && each.key.length === 1 ? [] : [each],
);

test('pins of a node port at other addresses are a fault', () => {
  const [side] = sidesWith(elsewhere, []) as [Side];
  const lines = linesOf({ ...side, ruleset: atAnyAddress(side.ruleset) });
  expect(lines).toContain(
    'wrong-affinity shop/plain-0 198.51.100.2:30001/tcp: pods, the node and external clients are pinned to their endpoint, but the Service has no affinity',
  );
});

test('pins that a chain reads are a fault', () => {
  const [side] = sidesWith(atNode, []) as [Side];
  const follow = side.ruleset.chains.find(({ name }) => name === 'tcp-sticky-cluster-2');
  const marking = side.ruleset.chains.find(({ name }) => name === 'tcp-external-2');
  const name = 'tcp-sticky-external-2';
  const rules = [...(marking?.rules.slice(0, 1) ?? []), ...(follow?.rules ?? [])];
  const readAll = changeElements('service-ips', '192.0.2.11 ', (one) => ({
    ...one,
    value: { kind: 'goto', chain: name },
  }));
  const ruleset = readAll(addChains({ name, rules })(side.ruleset));
  expect(linesOf({ ...side, ruleset }).filter((line) => line.startsWith('wrong-affinity'))).toEqual([
    'wrong-affinity shop/plain-0 192.0.2.11:30001/tcp: pods, the node and external clients are pinned to their endpoint, but the Service has no affinity',
  ]);
});
