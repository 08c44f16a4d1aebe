import { describe, expect, test } from 'vitest';
import { type ServiceFields, service } from '../inspect/changes/shop.ts';
import { commandsOf, engineWith } from './worker.ts';

/** 5,000 endpoints on other nodes: 10.244.2.1 to 10.244.21.250. */
const crowd = Array.from({ length: 5_000 }, (_, index) => `${2 + Math.floor(index / 250)}.${1 + (index % 250)}`);

/** What each of several states of one Service's endpoints takes, after the crowd alone. */
function changesOf(fields: ServiceFields, states: readonly (readonly string[])[]): string[][] {
  const engine = engineWith(service('big', crowd, fields));
  return states.map((hosts) => commandsOf(engine.update({ apply: [service('big', hosts, fields)[1]] })));
}

describe('an endpoint of a Service with 5,000', () => {
  test('comes, goes, comes back; then another one goes', () => {
    const states = [[...crowd, '99.1'], crowd, [...crowd, '99.1'], [...crowd.slice(1), '99.1']];
    expect(changesOf({}, states)).toEqual([
      [
        'delete element service-ips { 10.96.0.10 . tcp . 80 }',
        'add chain tcp-cluster-5001',
        'add rule tcp-cluster-5001 dnat ip to ip daddr . tcp dport . numgen random mod 5001 map @tcp-endpoints',
        'add element service-ips { 10.96.0.10 . tcp . 80 comment "shop/big:http" : goto tcp-cluster-5001 }',
        'add element tcp-endpoints { 10.96.0.10 . 80 . 5000 : 10.244.99.1 . 8080 }',
      ],
      [
        'delete element service-ips { 10.96.0.10 . tcp . 80 }',
        'delete element tcp-endpoints { 10.96.0.10 . 80 . 5000 }',
        'add element service-ips { 10.96.0.10 . tcp . 80 comment "shop/big:http" : goto tcp-cluster-5000 }',
      ],
      // The chain is still there.
      [
        'delete element service-ips { 10.96.0.10 . tcp . 80 }',
        'add element service-ips { 10.96.0.10 . tcp . 80 comment "shop/big:http" : goto tcp-cluster-5001 }',
        'add element tcp-endpoints { 10.96.0.10 . 80 . 5000 : 10.244.99.1 . 8080 }',
      ],
      // The last one takes its place: 2610, as endpoints are sorted as text and 10.244.10.x to 10.244.19.x come first.
      [
        'delete element service-ips { 10.96.0.10 . tcp . 80 }',
        'delete element tcp-endpoints { 10.96.0.10 . 80 . 2610, 10.96.0.10 . 80 . 5000 }',
        'add element service-ips { 10.96.0.10 . tcp . 80 comment "shop/big:http" : goto tcp-cluster-5000 }',
        'add element tcp-endpoints { 10.96.0.10 . 80 . 2610 : 10.244.99.1 . 8080 }',
      ],
    ]);
  });

  test('is replaced by another one: the number stays, and so does the verdict', () => {
    expect(changesOf({}, [[...crowd.slice(1), '99.1']])).toEqual([
      [
        'delete element tcp-endpoints { 10.96.0.10 . 80 . 2610 }',
        'add element tcp-endpoints { 10.96.0.10 . 80 . 2610 : 10.244.99.1 . 8080 }',
      ],
    ]);
  });

  test('has affinity', () => {
    const states = [[...crowd, '99.1'], crowd, [...crowd, '99.1']];
    expect(changesOf({ spec: { sessionAffinity: 'ClientIP' } }, states).slice(1)).toEqual([
      [
        'delete element service-ips { 10.96.0.10 . tcp . 80 }',
        'delete element tcp-sticky-10800 { 10.96.0.10 . 80 . 10.244.99.1 . 8080 }',
        'delete element tcp-endpoints { 10.96.0.10 . 80 . 5000 }',
        'add element service-ips { 10.96.0.10 . tcp . 80 comment "shop/big:http" : goto tcp-sticky-cluster-5000 }',
      ],
      [
        'delete element service-ips { 10.96.0.10 . tcp . 80 }',
        'add element service-ips { 10.96.0.10 . tcp . 80 comment "shop/big:http" : goto tcp-sticky-cluster-5001 }',
        'add element tcp-sticky-10800 { 10.96.0.10 . 80 . 10.244.99.1 . 8080 }',
        'add element tcp-endpoints { 10.96.0.10 . 80 . 5000 : 10.244.99.1 . 8080 }',
      ],
    ]);
  });
});

const nodePort = { type: 'NodePort' };
const local = { externalTrafficPolicy: 'Local' };
const affinity = { sessionAffinity: 'ClientIP' };
const everything: ServiceFields = {
  spec: { type: 'LoadBalancer', ...local, ...affinity, externalIPs: ['198.19.0.5'] },
  port: { nodePort: 30080 },
  ingress: ['198.18.0.1'],
};

/**
 * `fresh`: no Service has had that number of endpoints yet, so that chains for it are added as well, which all Services then
 * share: up to three for a frontend (the policy's, affinity's, and the one that picks), with up to seven rules.
 * `known`: there are such chains.
 */
describe.each<{ name: string; fields: ServiceFields; frontends: number; host: string; fresh: number; known: number }>([
  { name: 'cluster IP', fields: {}, frontends: 1, host: '99.1', fresh: 5, known: 3 },
  { name: 'cluster IP, endpoint on this node', fields: {}, frontends: 1, host: '1.1', fresh: 6, known: 4 },
  { name: 'affinity', fields: { spec: affinity }, frontends: 1, host: '99.1', fresh: 9, known: 4 },
  {
    name: 'node port',
    fields: { spec: nodePort, port: { nodePort: 30080 } },
    frontends: 2,
    host: '99.1',
    fresh: 13,
    known: 6,
  },
  {
    name: 'node port with policy Local, the first endpoint on this node',
    fields: { spec: { ...nodePort, ...local }, port: { nodePort: 30080 } },
    frontends: 2,
    host: '1.1',
    fresh: 21,
    known: 9,
  },
  {
    name: 'all kinds of frontends, Local, affinity',
    fields: everything,
    frontends: 4,
    host: '1.1',
    fresh: 45,
    known: 13,
  },
])('$name', ({ fields, frontends, host, fresh, known }) => {
  test('takes few commands, however many endpoints there are', () => {
    const [come, go, comeBack] = changesOf(fields, [[...crowd, host], crowd, [...crowd, host]]).map(
      ({ length }) => length,
    );
    expect([come, go, comeBack]).toEqual([fresh, known, known]);
    expect(known / frontends).toBeLessThanOrEqual(6);
  });

  test('writes few elements', () => {
    const engine = engineWith(service('big', [...crowd, host], fields));
    const { families } = engine.update({ apply: [service('big', [...crowd.slice(1), host], fields)[1]] });
    const written = families[0]?.commands.flatMap((command) => ('elements' in command ? command.elements : [])) ?? [];
    expect(written.length).toBeGreaterThan(0);
    expect(written.length / frontends).toBeLessThanOrEqual(6);
  });
});
