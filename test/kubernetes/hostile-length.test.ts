import { describe, expect, test } from 'vitest';
import { runMain } from '../support/run-main.ts';

/* Texts of an input that are not validated may have any length: output stays short, and ends within the limit of a test. */

const node = {
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'n1' },
  status: { addresses: [{ type: 'InternalIP', address: '192.0.2.11' }] },
};

function service(selector: object): object {
  const spec = { clusterIP: '10.96.0.10', selector, ports: [{ port: 80 }] };
  return { apiVersion: 'v1', kind: 'Service', metadata: { name: 'a', namespace: 'd' }, spec };
}

function pod(labels: object, status: object, spec: object = {}): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p', namespace: 'd', labels },
    spec: { nodeName: 'n1', ...spec },
    status: { phase: 'Running', podIP: '10.42.1.9', ...status },
  };
}

function slice(...endpoints: object[]): object {
  const labels = { 'kubernetes.io/service-name': 'a' };
  const metadata = { name: 'a-1', namespace: 'd', labels };
  const kind = 'EndpointSlice';
  return { apiVersion: 'discovery.k8s.io/v1', kind, metadata, addressType: 'IPv4', ports: [{ port: 80 }], endpoints };
}

const unready = {
  addresses: ['10.42.1.9'],
  conditions: { ready: false },
  targetRef: { kind: 'Pod', namespace: 'd', name: 'p' },
};

function notReady(rest: object): object {
  return { conditions: [{ type: 'Ready', status: 'False', reason: 'ReadinessGatesNotReady' }], ...rest };
}

/** Inputs with a text in a place of its own, and what explain says about it, with the text cut. */
const places: Readonly<Record<string, (text: string) => [objects: object[], said: string]>> = {
  'the value of a selector': (text) => [[service({ app: text }), slice(), pod({ app: 'web' }, {})], 'app='],
  'the key of a selector': (text) => [[service({ [text]: 'web' }), slice(), pod({ app: 'front' }, {})], '=web'],
  'a label of a Pod': (text) => [
    [service({ app: 'web', tier: 'front' }), slice(), pod({ app: text, tier: 'front' }, {})],
    'have app=',
  ],
  'the reason of the scheduler': (text) => {
    const condition = { type: 'PodScheduled', status: 'False', reason: text, message: text };
    return [
      [service({ app: 'web' }), slice(), pod({ app: 'web' }, { phase: 'Pending', conditions: [condition] })],
      'is Pending (',
    ];
  },
  'the reason of a container': (text) => {
    const container = { name: text, ready: false, state: { waiting: { reason: text } } };
    return [
      [service({ app: 'web' }), slice(unready), pod({ app: 'web' }, notReady({ containerStatuses: [container] }))],
      'not ready',
    ];
  },
  'why a container ended': (text) => {
    const container = { name: text, ready: false, state: { terminated: { reason: text } } };
    return [
      [service({ app: 'web' }), slice(unready), pod({ app: 'web' }, notReady({ containerStatuses: [container] }))],
      'not ready',
    ];
  },
  'a readiness gate': (text) => [
    [
      service({ app: 'web' }),
      slice(unready),
      pod({ app: 'web' }, notReady({}), { readinessGates: [{ conditionType: text }] }),
    ],
    'readiness gate ',
  ],
};

describe.each(Object.entries(places))('%s', (_, place) => {
  test.each([
    ['letters', 'z'.repeat(60_000)],
    ['blanks', `x${' '.repeat(60_000)}y`],
    ['words', 'ab  '.repeat(15_000)],
    ['control characters', '\u001b[31m'.repeat(12_000)],
  ])('may be long: %s', async (__, text) => {
    const [objects, said] = place(text);
    const input = JSON.stringify({ kind: 'List', items: [node, ...objects] });
    const flags = ['--cluster-cidr', '10.42.0.0/16', '-'];
    const explained = await runMain(['explain', '--from', 'outside', '--to', 'd/a', ...flags], { input });
    expect(explained.stdout.replace(/\s+/g, ' ')).toContain(said);
    expect(explained.stdout).toContain('...');
    for (const args of [['list'], ['list', '-o', 'wide'], ['graph'], ['verify']]) {
      const { exitCode, stdout, stderr } = await runMain([...args, ...flags], { input });
      expect(exitCode).toBe(0);
      expect((stdout + stderr).length).toBeLessThan(5_000);
    }
    expect(explained.exitCode).toBe(0);
    expect((explained.stdout + explained.stderr).length).toBeLessThan(5_000);
    expect(explained.stdout).not.toContain('\u001b');
  });
});
