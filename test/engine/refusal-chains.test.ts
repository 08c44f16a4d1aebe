import { describe, expect, test } from 'vitest';
import { compile } from '../../src/compile.ts';
import type { Changes, Engine } from '../../src/engine/engine.ts';
import type { CompileOptions } from '../../src/options.ts';
import { documentsOf } from '../../src/phases/1-read/read-documents.ts';
import { service } from '../inspect/changes/shop.ts';
import { comparableRuleset } from '../support/comparable-ruleset.ts';
import { commandsOf, engineWith, node, serviceCidr, serviceNamed, workerOptions } from './worker.ts';

/** Services by their names: `cart` at 10.96.0.10 is always there, with a pod. */
const [cart, cartSlice] = service('cart', ['1.10']);
const at = (name: string, clusterIP: string, spec: object = {}, port: object = {}): readonly object[] => {
  const [object] = service(name, [], { spec: { clusterIP, ...spec }, port });
  return [object ?? {}];
};
const sliceOf = (name: string, addresses: readonly string[], port = 8080): object => {
  const [, slice] = service(name, ['1.1'], { targetPort: port });
  return { ...slice, endpoints: addresses.map((address) => ({ addresses: [address] })) };
};

/** The commands that add or delete the filter chains; none if they stay. */
function filterCommands(commands: readonly string[]): string[] {
  return commands.filter((command) => /(?:chain|rule) filter-/.test(command));
}

const filtersAdded = [
  ...['input', 'forward', 'output'].map(
    (hook) => `add chain filter-${hook} { type filter hook ${hook} priority 0; policy accept; }`,
  ),
  'add rule filter-input ct state new jump incoming-refusals',
  'add rule filter-forward ct state new jump incoming-refusals',
  'add rule filter-output ct state new jump outgoing-refusals',
];
const filtersDeleted = ['flush', 'delete'].flatMap((word) =>
  ['input', 'forward', 'output'].map((hook) => `${word} chain filter-${hook}`),
);

/** What a compilation of all objects gives; the engine must agree after every change. */
function expectCompiled(engine: Engine, objects: readonly object[]): void {
  const { rulesets } = compile(documentsOf([node(), ...objects]), { ...workerOptions, keepGoing: true });
  expect(engine.rulesets().map(comparableRuleset)).toEqual(rulesets?.map(comparableRuleset));
}

describe('endpoints that are refused themselves: filter chains refuse translated connections', () => {
  const pod = sliceOf('odd', ['10.244.1.20', '10.244.1.21']);
  const odd = at('odd', '10.96.0.20');
  const oddNode = at('odd', '10.96.0.20', {}, { nodePort: 30080 });

  test.each<[what: string, before: readonly object[], change: Changes, back: Changes]>([
    [
      'at a cluster IP in use',
      [...odd, pod],
      { apply: [sliceOf('odd', ['10.244.1.20', '10.96.0.10'])] },
      { apply: [pod] },
    ],
    [
      'at its own cluster IP',
      [...odd, pod],
      { apply: [sliceOf('odd', ['10.96.0.20'])] },
      { remove: [{ kind: 'EndpointSlice', namespace: 'shop', name: 'odd-x' }] },
    ],
    [
      'at the cluster IP of a Service that comes later',
      [...odd, sliceOf('odd', ['10.96.0.30'])],
      { apply: at('late', '10.96.0.30') },
      { remove: [serviceNamed('late')] },
    ],
    [
      'in the ranges of cluster IPs',
      [...odd, sliceOf('odd', ['10.200.0.1'])],
      { apply: [serviceCidr('more', '10.192.0.0/10')] },
      { apply: [serviceCidr('more', '10.128.0.0/10')] },
    ],
    [
      'in ranges that are there',
      [...odd, pod, serviceCidr('more', '172.16.0.0/12'), serviceCidr('most', '10.96.0.0/16')],
      { apply: [sliceOf('odd', ['172.31.255.255'])] },
      { apply: [sliceOf('odd', ['172.32.0.0'])] },
    ],
    [
      'at an external IP that loses its endpoints',
      [
        ...odd,
        sliceOf('odd', ['198.19.0.1']),
        ...at('edge', '10.96.0.40', { externalIPs: ['198.19.0.1'] }),
        sliceOf('edge', ['10.244.1.30']),
      ],
      { apply: [sliceOf('edge', [])] },
      { apply: [sliceOf('edge', ['10.244.1.31'])] },
    ],
    [
      'at a node port that loses its endpoints',
      [
        ...odd,
        sliceOf('odd', ['10.244.2.20'], 30080),
        ...at('edge', '10.96.0.40', {}, { nodePort: 30080 }),
        sliceOf('edge', ['10.244.1.30']),
      ],
      { apply: [sliceOf('edge', [])] },
      { remove: [serviceNamed('edge')] },
    ],
    [
      'at its own node port, with other endpoints not ready',
      [...oddNode, sliceOf('odd', ['10.244.1.20'], 30080)],
      {
        apply: [
          { ...sliceOf('odd', [], 30080), endpoints: [{ addresses: ['10.244.1.20'], conditions: { ready: false } }] },
        ],
      },
      { apply: [sliceOf('odd', ['10.244.1.20'], 30080)] },
    ],
  ])('%s', (_what, before, change, back) => {
    const known = new Map<string, object>();
    const learn = ({ apply = [], remove = [] }: Changes): object[] => {
      for (const { kind, name } of remove) {
        known.delete(`${kind} ${name}`);
      }
      for (const object of apply as readonly { kind: string; metadata: { name: string } }[]) {
        known.set(`${object.kind} ${object.metadata.name}`, object);
      }
      return [...known.values()];
    };
    const first = { apply: [cart, cartSlice, ...before] as object[] };
    const engine = engineWith(first.apply);
    expectCompiled(engine, learn(first));
    expect(filterCommands(commandsOf(engine.update(change)))).toEqual(filtersAdded);
    expectCompiled(engine, learn(change));
    expect(filterCommands(commandsOf(engine.update(back)))).toEqual(filtersDeleted);
    expectCompiled(engine, learn(back));
  });

  test('several: the last one counts', () => {
    const engine = engineWith([cart, cartSlice, ...odd, sliceOf('odd', ['10.96.0.10', '10.96.0.20'])]);
    const two = [...at('two', '10.96.0.21'), sliceOf('two', ['10.96.0.10'])];
    expect(filterCommands(commandsOf(engine.update({ apply: two })))).toEqual([]);
    expect(filterCommands(commandsOf(engine.update({ remove: [serviceNamed('odd')] })))).toEqual([]);
    expect(filterCommands(commandsOf(engine.update({ remove: [serviceNamed('two')] })))).toEqual(filtersDeleted);
  });

  test('another node keeps them', () => {
    const engine = engineWith([cart, cartSlice, ...odd, sliceOf('odd', ['10.96.0.10'])]);
    expect(filterCommands(commandsOf(engine.update({ apply: [node({ address: '192.0.2.12' })] })))).toEqual([]);
    expect(filterCommands(commandsOf(engine.update({ apply: [pod] })))).toEqual(filtersDeleted);
  });
});

describe('source ranges', () => {
  const lb = (name: string, clusterIP: string, ip: string, ranges: readonly string[], createdAt = ''): object => {
    const spec = { clusterIP, loadBalancerSourceRanges: ranges };
    const [object] = service(name, [], { spec, ingress: [ip] });
    const metadata = { namespace: 'shop', name, ...(createdAt && { creationTimestamp: createdAt }) };
    return { ...object, metadata };
  };
  const firewall = (commands: readonly string[]): string[] =>
    commands.filter((command) => / (?:set|chain) firewall-/.test(command));
  const added = [
    'add set firewall-ips',
    'add set firewall-sources',
    'add chain firewall-check',
    'add chain firewall-prerouting',
    'add chain firewall-output',
  ];
  const deleted = [
    'flush chain firewall-check',
    'flush chain firewall-prerouting',
    'flush chain firewall-output',
    'delete set firewall-ips',
    'delete set firewall-sources',
    'delete chain firewall-check',
    'delete chain firewall-prerouting',
    'delete chain firewall-output',
  ];
  const starts = (commands: readonly string[]): string[] => commands.map((command) => command.split(' {')[0] ?? '');

  test('come with the first Service that has some, and go with the last', () => {
    const engine = engineWith([cart, cartSlice]);
    const one = lb('one', '10.96.0.20', '198.18.0.1', ['203.0.113.0/24']);
    const two = lb('two', '10.96.0.21', '198.18.0.2', ['192.0.2.0/24']);
    expect(starts(firewall(commandsOf(engine.update({ apply: [one] }))))).toEqual(added);
    expectCompiled(engine, [cart, cartSlice, one] as object[]);
    expect(firewall(commandsOf(engine.update({ apply: [two] })))).toEqual([]);
    expect(firewall(commandsOf(engine.update({ apply: [lb('one', '10.96.0.20', '198.18.0.1', [])] })))).toEqual([]);
    expect(firewall(commandsOf(engine.update({ remove: [serviceNamed('two')] })))).toEqual(deleted);
    expectCompiled(engine, [cart, cartSlice, lb('one', '10.96.0.20', '198.18.0.1', [])] as object[]);
  });

  test('move from one Service to another in one change', () => {
    const engine = engineWith([cart, cartSlice, lb('one', '10.96.0.20', '198.18.0.1', ['203.0.113.0/24'])]);
    const two = lb('two', '10.96.0.21', '198.18.0.1', ['192.0.2.0/24']);
    expect(firewall(commandsOf(engine.update({ apply: [two], remove: [serviceNamed('one')] })))).toEqual([]);
    expectCompiled(engine, [cart, cartSlice, two] as object[]);
  });

  test('of a Service that does not get its address count for nothing', () => {
    const older = lb('older', '10.96.0.20', '198.18.0.1', [], '2026-01-01T00:00:00Z');
    const younger = lb('younger', '10.96.0.21', '198.18.0.1', ['203.0.113.0/24'], '2026-02-01T00:00:00Z');
    const engine = engineWith([older]);
    expect(firewall(commandsOf(engine.update({ apply: [younger] })))).toEqual([]);
    expectCompiled(engine, [older, younger]);
    expect(starts(firewall(commandsOf(engine.update({ remove: [serviceNamed('older')] }))))).toEqual(added);
    expectCompiled(engine, [younger]);
    expect(firewall(commandsOf(engine.update({ apply: [older] })))).toEqual(deleted);
    expectCompiled(engine, [older, younger]);
  });

  test('for another family only are none', () => {
    const engine = engineWith([cart, cartSlice]);
    const six = lb('one', '10.96.0.20', '198.18.0.1', ['2001:db8::/32']);
    expect(firewall(commandsOf(engine.update({ apply: [six] })))).toEqual([]);
    expectCompiled(engine, [cart, cartSlice, six] as object[]);
  });
});

describe('the range of pods: connections of pods to themselves are looked up in it alone', () => {
  const here = { ...node(), spec: { podCIDRs: ['10.244.1.0/24'] } };
  const hairpins = (commands: readonly string[]): string[] =>
    commands.filter((command) => command.startsWith('add rule nat-postrouting') && command.includes('hairpin'));
  const rule = (range: string): string =>
    `add rule nat-postrouting ${range}ct status dnat ip saddr . ip daddr @hairpin-connections masquerade fully-random`;
  const limited = [rule('ip daddr 10.244.1.0/24 ')];
  const unlimited = [rule('')];
  const sliceAt = (...endpoints: readonly (readonly [address: string, nodeName?: string])[]): object => {
    const [, slice] = service('cart', ['1.1']);
    return { ...slice, endpoints: endpoints.map(([address, nodeName]) => ({ addresses: [address], nodeName })) };
  };
  const inRange = sliceAt(['10.244.1.10', 'worker-1'], ['10.244.2.20', 'worker-2']);

  function started(options: Partial<CompileOptions> = {}): Engine {
    const engine = engineWith([], options);
    expect(hairpins(commandsOf(engine.update({ apply: [here, cart, inRange] })))).toEqual(limited);
    return engine;
  }

  function expectSame(engine: Engine, objects: readonly unknown[], options: Partial<CompileOptions> = {}): void {
    const { rulesets } = compile(documentsOf(objects), { ...workerOptions, ...options, keepGoing: true });
    expect(engine.rulesets().map(comparableRuleset)).toEqual(rulesets?.map(comparableRuleset));
  }

  test.each<[what: string, slice: object, options: Partial<CompileOptions>]>([
    ['a pod of this node is elsewhere', sliceAt(['10.244.1.10', 'worker-1'], ['10.244.99.9', 'worker-1']), {}],
    ['all pods are elsewhere', sliceAt(['10.250.0.1', 'worker-1']), {}],
    ['the node itself, whose connections keep their source', sliceAt(['192.0.2.11', 'worker-1']), { clusterCIDRs: [] }],
    ['the node itself, though no slice says so', sliceAt(['192.0.2.11']), { clusterCIDRs: [] }],
    ['the node itself, which counts as a pod', sliceAt(['192.0.2.11', 'worker-1']), { clusterCIDRs: ['192.0.0.0/8'] }],
    [
      'the node itself, which counts as a pod, whatever else is masqueraded',
      sliceAt(['192.0.2.11', 'worker-1']),
      { clusterCIDRs: ['192.0.0.0/8'], masqueradeAll: true },
    ],
  ])('not if %s', (_what, slice, options) => {
    const engine = started(options);
    expect(hairpins(commandsOf(engine.update({ apply: [slice] })))).toEqual(unlimited);
    expectSame(engine, [here, cart, slice], options);
    expect(hairpins(commandsOf(engine.update({ apply: [inRange] })))).toEqual(limited);
    expectSame(engine, [here, cart, inRange], options);
  });

  test.each<[what: string, slice: object, options: Partial<CompileOptions>]>([
    ['pods of other nodes are elsewhere', sliceAt(['10.250.0.1', 'worker-2']), {}],
    ['endpoints that no slice places are elsewhere', sliceAt(['10.244.1.10', 'worker-1'], ['198.51.100.7']), {}],
    ['the node is an endpoint, and no pod', sliceAt(['192.0.2.11', 'worker-1']), {}],
    [
      'the node is an endpoint, and all is masqueraded',
      sliceAt(['192.0.2.11']),
      { clusterCIDRs: [], masqueradeAll: true },
    ],
    [
      'the node is an endpoint, and pods are known by their interface',
      sliceAt(['192.0.2.11', 'worker-1']),
      { detectLocalMode: 'InterfaceNamePrefix', detectLocalInterface: 'cali' },
    ],
  ])('as well if %s', (_what, slice, options) => {
    const engine = started(options);
    expect(hairpins(commandsOf(engine.update({ apply: [slice] })))).toEqual([]);
    expectSame(engine, [here, cart, slice], options);
  });

  test('it comes, changes and goes with the Node', () => {
    const engine = engineWith([cart, inRange]);
    expect(hairpins(commandsOf(engine.update({ apply: [here] })))).toEqual(limited);
    const other = { ...node(), spec: { podCIDRs: ['fd00::/64', '10.244.1.8/29'] } };
    expect(hairpins(commandsOf(engine.update({ apply: [other] })))).toEqual([rule('ip daddr 10.244.1.8/29 ')]);
    expectSame(engine, [other, cart, inRange]);
    expect(
      hairpins(commandsOf(engine.update({ apply: [{ ...node(), spec: { podCIDRs: ['10.244.7.0/24'] } }] }))),
    ).toEqual(unlimited);
    expect(hairpins(commandsOf(engine.update({ apply: [here] })))).toEqual(limited);
    expect(hairpins(commandsOf(engine.update({ apply: [node()] })))).toEqual(unlimited);
    expectSame(engine, [node(), cart, inRange]);
  });
});
