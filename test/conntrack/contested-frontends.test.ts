import { describe, expect, it } from 'vitest';
import { expectUdp } from '../../src/conntrack/expect-udp.ts';
import { conditions, service, slice, viewOf } from './support.ts';

describe('a frontend that two service ports want', () => {
  const winner = service('winner', { clusterIP: '10.96.60.1', externalIPs: ['198.19.5.1'] });
  const loser = service('loser', { clusterIP: '10.96.60.2', externalIPs: ['198.19.5.1', '10.96.60.1'] });
  const older = { metadata: { creationTimestamp: '2024-01-01T00:00:00Z' } };
  const winning = slice('winner', { '10.244.1.10': conditions.ready });
  const losing = slice('loser', { '10.244.1.20': conditions.ready });

  function answeringAt(place: string, objects: readonly unknown[]): ReadonlySet<string> | undefined {
    return expectUdp(viewOf(objects), [], []).endpointAddresses.get(place);
  }

  it('belongs to the cluster IP before an external IP, even of an older Service', () => {
    const old = service('loser', { clusterIP: '10.96.60.2', externalIPs: ['10.96.60.1'] }, older);
    const objects = [old, winner, winning, losing];
    expect(answeringAt('10.96.60.1:4000', objects)).toEqual(new Set(['10.244.1.10:4001']));
    expect(answeringAt('10.96.60.2:4000', objects)).toEqual(new Set(['10.244.1.20:4001']));
  });

  it('belongs to the older Service', () => {
    const old = service('winner', { clusterIP: '10.96.60.1', externalIPs: ['198.19.5.1'] }, older);
    expect(answeringAt('198.19.5.1:4000', [loser, old, winning, losing])).toEqual(new Set(['10.244.1.10:4001']));
  });

  it('belongs to the first by name when nothing else tells them apart', () => {
    expect(answeringAt('198.19.5.1:4000', [winner, loser, winning, losing])).toEqual(new Set(['10.244.1.20:4001']));
  });

  it('belongs to the one that has endpoints', () => {
    expect(answeringAt('198.19.5.1:4000', [winner, loser, winning])).toEqual(new Set(['10.244.1.10:4001']));
  });

  it('does not concern other protocols', () => {
    const tcp = service(
      'aaa',
      { clusterIP: '10.96.60.3', externalIPs: ['198.19.5.1'], ports: [{ port: 4000 }] },
      older,
    );
    const objects = [tcp, slice('aaa', { '10.244.1.30': conditions.ready }), winner, winning];
    expect(answeringAt('198.19.5.1:4000', objects)).toEqual(new Set(['10.244.1.10:4001']));
  });

  it('may be a node port', () => {
    const ports = [{ protocol: 'UDP', port: 4000, nodePort: 30400 }];
    const first = service('winner', { type: 'NodePort', clusterIP: '10.96.60.1', ports }, older);
    const second = service('loser', { type: 'NodePort', clusterIP: '10.96.60.2', ports });
    const { nodePorts } = expectUdp(viewOf([second, first, winning, losing]), [], []);
    expect(nodePorts).toEqual(new Map([[30400, new Set(['10.244.1.10:4001'])]]));
  });
});
