import { describe, expect, test } from 'vitest';
import type { Source } from '../../src/diagnostics/document.ts';
import { noDesiredParts, noTable } from '../../src/diff/table-state.ts';
import { emptyFamily, type PlannedPort } from '../../src/engine/family-state.ts';
import { applyObject, emptyStore, noneTouched, removeObject } from '../../src/engine/object-store.ts';
import { replaceServices } from '../../src/engine/replace-services.ts';
import type { Namespaced } from '../../src/kubernetes/namespaced-map.ts';
import type { SetDeclaration } from '../../src/nft/ruleset.ts';
import type { ServicePort } from '../../src/phases/3-model/model.ts';
import type { Claim, PlanContext } from '../../src/phases/5-plan/fragment.ts';
import { service } from '../inspect/changes/shop.ts';
import { engineWith, saidBy, serviceNamed } from './worker.ts';

// Each of these takes seconds, and would take hours if the time grew with the square of the number.
const crowd = Array.from({ length: 60_000 }, (_, index) => `s${String(index).padStart(5, '0')}`);

const source: Source = { file: 'objects', locate: () => undefined };

const context: PlanContext = {
  family: 'ip',
  mark: 0x4000,
  masqueradeAll: false,
  detector: undefined,
  nodePortAddresses: { kind: 'all' },
  localhostNodePorts: 'untouched',
  primaryAddress: undefined,
  podCIDR: undefined,
  isStray: () => false,
  sharedAffinity: true,
  counters: false,
};

function servicePort(name: string): ServicePort {
  return {
    ...{ namespace: 'shop', name, portName: '', protocol: 'tcp', port: 80, clusterIP: '10.96.0.1', nodePort: 0 },
    ...{ externalIPs: ['198.19.0.5'], loadBalancerIPs: [], sourceRanges: [], affinitySeconds: 0, createdAt: '' },
    ...{ internalPolicy: 'Cluster', externalPolicy: 'Cluster', endpoints: [], index: 0 },
    document: { value: undefined, source, path: [] },
  };
}

const set: SetDeclaration = { name: 'places', comment: '', key: ['address'] };

/** A port with the shared element `one` of the set, and a comment by which to tell whose it is. */
function sharing(name: string): PlannedPort {
  const port = servicePort(name);
  const element = { key: 'one', comment: name };
  const shared = [{ set, elements: [element] }];
  const fragment = { shared, claims: [], hasStrays: false, affinitySets: [], affinityChains: [] };
  const drops = { dropsInternal: false, dropsExternal: false };
  return { servicePort: port, fragment, sharers: [{ servicePort: port, set, element }], ...drops };
}

/** A port that claims 198.19.0.5:80. */
function claiming(name: string): PlannedPort {
  const port = servicePort(name);
  const element = { key: '198.19.0.5 . tcp . 80', comment: name };
  const claim: Claim = {
    ...{ verdictKey: element.key, kind: 'ExternalIP', address: '198.19.0.5', servicePort: port, served: true },
    ...{ placements: [{ set, elements: [element] }], chain: undefined, affinity: undefined },
  };
  return {
    servicePort: port,
    fragment: { shared: [], claims: [claim], hasStrays: false, affinitySets: [], affinityChains: [] },
    sharers: [],
    dropsInternal: false,
    dropsExternal: false,
  };
}

describe.each([
  ['the same element', sharing, 0],
  ['the same address', claiming, 1],
])('60,000 Services with %s', (_, planned, warningsEach) => {
  /** Steps of changes; after each one, the Service that has the element, and the number of warnings. */
  const results = (steps: readonly Namespaced<readonly PlannedPort[]>[]): [string | undefined, number][] => {
    const state = emptyFamily(noTable('ip', 'svc2nft'));
    return steps.map((plans) => {
      const desired = noDesiredParts();
      const { diagnostics } = replaceServices(state, context, plans, desired);
      const [element] = [...(desired.elements.get('places')?.values() ?? [])];
      return [element?.comment, diagnostics.length];
    });
  };
  const plansOf = (
    names: readonly string[],
    plan: (name: string) => readonly PlannedPort[],
  ): Namespaced<readonly PlannedPort[]> => new Map([['shop', new Map(names.map((name) => [name, plan(name)]))]]);
  const all = plansOf(crowd, (name) => [planned(name)]);

  test('come, change and go at once', () => {
    const none = plansOf(crowd, () => []);
    expect(results([all, all, none])).toEqual([
      ['s00000', warningsEach * (crowd.length - 1)],
      // Kept as it is, or deleted and added.
      [warningsEach === 0 ? 's00000' : undefined, 0],
      [undefined, 0],
    ]);
  });

  test('go one by one', () => {
    const holders = results([all, ...crowd.map((name) => plansOf([name], () => []))]).map(([holder]) => holder);
    expect(holders.slice(0, 3)).toEqual(['s00000', 's00001', 's00002']);
    expect(holders.slice(-2)).toEqual(['s59999', undefined]);
  });
});

describe('many slices of one Service', () => {
  test('come and go', () => {
    const store = emptyStore();
    const touched = noneTouched();
    for (const name of crowd) {
      const [, slice] = service('web', ['2.1']);
      const metadata = { namespace: 'shop', name, labels: { 'kubernetes.io/service-name': 'web' } };
      applyObject(store, { value: { ...slice, metadata }, source, path: [] }, touched);
    }
    expect(store.slicesByService.get('shop')?.get('web')?.size).toBe(crowd.length);
    for (const name of crowd) {
      removeObject(store, { kind: 'EndpointSlice', namespace: 'shop', name }, touched);
    }
    expect(store.slicesByService.size).toBe(0);
  });
});

describe('many Services with one node port that is a port for health checks', () => {
  const names = crowd.slice(0, 3_000);
  const spec = { type: 'LoadBalancer', externalTrafficPolicy: 'Local', healthCheckNodePort: 31_000 };

  test('are each named once, and removed', () => {
    const objects = names.flatMap((name) => service(name, ['2.1'], { spec, port: { nodePort: 31_000 } }));
    const engine = engineWith([]);
    const said = saidBy(engine.update({ apply: objects })).filter((line) => line.includes('healthCheckNodePort'));
    expect(said.length).toBe(names.length);
    expect(saidBy(engine.update({ remove: names.map(serviceNamed) }))).toEqual([]);
  });
});
