import { describe, expect, test } from 'vitest';
import { resolveObjects } from '../../src/control-plane/resolve-objects.ts';
import { type LabChange, planSteps, podChanges } from '../../src/lab/plan-steps.ts';
import { isMapping, listIn, type Mapping, mappingIn, textIn } from '../../src/lib/unknown-values.ts';
import { parseCidr } from '../../src/net/address.ts';
import { documentsOf } from '../../src/phases/1-read/read-documents.ts';

const workload = (kind: string, name: string, replicas: number) => ({
  apiVersion: 'apps/v1',
  kind,
  metadata: { name },
  spec: {
    ...(kind !== 'DaemonSet' && { replicas }),
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: { containers: [{ name: 'web', ports: [{ containerPort: 80 }] }] },
    },
  },
});

const service = (name: string) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name },
  spec: { selector: { app: name }, ports: [{ port: 80 }] },
});

const range = (text: string) => parseCidr(text) ?? [];

function clusterOf(kind: string, replicas: number): readonly Mapping[] {
  return resolveObjects(documentsOf([workload(kind, 'web', replicas), service('web')]), {
    serviceCIDRs: [range('10.96.0.0/12')].flat(),
    podCIDRs: [range('10.244.0.0/16')].flat(),
    loadBalancerCIDRs: [],
    nodes: 3,
  }).objects;
}

/** `web-0`, and whether new connections go to it. */
function endpoints(objects: readonly Mapping[]): string[] {
  return objects
    .filter(({ kind }) => kind === 'EndpointSlice')
    .flatMap((slice) => listIn(slice, 'endpoints').filter(isMapping))
    .map((endpoint) => {
      const { ready, terminating } = mappingIn(endpoint, 'conditions');
      return `${textIn(mappingIn(endpoint, 'targetRef'), 'name')}${ready ? '' : ' not ready'}${terminating ? ' terminating' : ''}`;
    });
}

function stepsOf(objects: readonly Mapping[], change: LabChange): (readonly Mapping[])[] {
  const planned = planSteps(objects, change);
  return 'steps' in planned ? [...planned.steps] : [];
}

const named = (kind: string) => ({ kind, name: 'web' });

describe('steps', () => {
  test('of more replicas are one: the new Pods are there', () => {
    const steps = stepsOf(clusterOf('Deployment', 1), { kind: 'scale', workload: named('Deployment'), replicas: 3 });
    expect(steps.map(endpoints)).toEqual([['web-0', 'web-1', 'web-2']]);
  });

  test('of fewer replicas let Pods terminate before they are gone', () => {
    const steps = stepsOf(clusterOf('Deployment', 2), { kind: 'scale', workload: named('Deployment'), replicas: 1 });
    expect(steps.map(endpoints)).toEqual([['web-0', 'web-1 not ready terminating'], ['web-0']]);
  });

  test('of a rollout add a Pod, then let an old one terminate, so that a Pod is always ready', () => {
    const steps = stepsOf(clusterOf('Deployment', 1), { kind: 'roll', workload: named('Deployment') });
    expect(steps.map(endpoints)).toEqual([['web-0', 'web-1'], ['web-1', 'web-0 not ready terminating'], ['web-1']]);
  });

  test('of a rollout of a StatefulSet keep names, so the old Pod goes first', () => {
    const before = clusterOf('StatefulSet', 2);
    const steps = stepsOf(before, { kind: 'roll', workload: named('StatefulSet') });
    expect(steps.map((objects) => endpoints(objects).sort())).toEqual([
      ['web-0 not ready terminating', 'web-1'],
      ['web-1'],
      ['web-0', 'web-1'],
      ['web-0', 'web-1 not ready terminating'],
      ['web-0'],
      ['web-0', 'web-1'],
    ]);
  });

  test('of a rollout of a DaemonSet leave each node with one Pod', () => {
    const before = clusterOf('DaemonSet', 3);
    const after = stepsOf(before, { kind: 'roll', workload: named('DaemonSet') }).at(-1) ?? [];
    const nodesOf = (objects: readonly Mapping[]): string[] =>
      objects.filter(({ kind }) => kind === 'Pod').map((pod) => textIn(mappingIn(pod, 'spec'), 'nodeName'));
    expect(nodesOf(after).sort()).toEqual(['node-1', 'node-2', 'node-3']);
    expect(podChanges(before, after).added).toHaveLength(3);
  });

  test('of the sudden end of a Pod are one, with another Pod', () => {
    const before = clusterOf('Deployment', 1);
    const steps = stepsOf(before, { kind: 'kill', pod: { kind: 'Pod', namespace: 'default', name: 'web-0' } });
    expect(steps.map(endpoints)).toEqual([['web-1']]);
  });

  test('of the sudden end of a Pod of a StatefulSet replace it under its name', () => {
    const before = clusterOf('StatefulSet', 1);
    const pod = { kind: 'Pod', namespace: 'default', name: 'web-0' };
    const after = stepsOf(before, { kind: 'kill', pod }).at(-1) ?? [];
    const name = expect.stringMatching(/^default\/web-0 on node-\d$/);
    expect(podChanges(before, after)).toEqual({ added: [name], removed: [name] });
    expect(podChanges(after, after)).toEqual({ added: [], removed: [] });
  });

  test('of a drained node move its Pods, and uncordon lets it have some again', () => {
    const before = clusterOf('Deployment', 3);
    const drained = stepsOf(before, { kind: 'drain', node: 'node-2' }).at(-1) ?? [];
    const nodeOf = (objects: readonly Mapping[]) =>
      objects.find((one) => textIn(mappingIn(one, 'metadata'), 'name') === 'node-2');
    expect(mappingIn(nodeOf(drained) ?? {}, 'spec')['unschedulable']).toBe(true);
    expect(
      drained.filter(({ kind, spec }) => kind === 'Pod' && isMapping(spec) && spec['nodeName'] === 'node-2'),
    ).toEqual([]);
    const again = stepsOf(drained, { kind: 'uncordon', node: 'node-2' })[0] ?? [];
    expect(nodeOf(again)).toEqual(nodeOf(before));
  });

  test.each<[LabChange, RegExp]>([
    [{ kind: 'kill', pod: { kind: 'Pod', namespace: 'default', name: 'nope' } }, /no Pod "nope"/],
    [{ kind: 'roll', workload: { kind: 'Deployment', name: 'nope' } }, /no Deployment "nope"/],
    [{ kind: 'uncordon', node: 'nope' }, /no Node "nope"/],
  ])('%j is a problem in words', (change, message) => {
    expect(planSteps(clusterOf('Deployment', 1), change)).toEqual({ problem: expect.stringMatching(message) });
  });
});
