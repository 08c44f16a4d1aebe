import { describe, expect, test } from 'vitest';
import { emptyMemory } from '../../../src/apply/apply-tables.ts';
import { addCleanupOfSync, cleanUdpFlows } from '../../../src/apply/pending-cleanup.ts';
import { describeChanges } from '../../../src/inspect/changes/describe-changes.ts';
import type { ProgramResult, RunProgram } from '../../../src/kernel/run-program.ts';
import { endpointText, type Family } from '../../../src/net/network.ts';
import type { Ruleset } from '../../../src/nft/ruleset.ts';
import { type CompileOptions, withDefaults } from '../../../src/options.ts';
import type { NodeView } from '../../../src/phases/3-model/model.ts';
import { selectView } from '../../../src/phases/4-select/select-endpoints.ts';
import { planRuleset } from '../../../src/phases/5-plan/plan-ruleset.ts';
import { line, result } from '../../conntrack/fake-conntrack.ts';
import { conditions, nodeOptions, service, slice, viewOf } from '../../conntrack/support.ts';

const { ready, draining, dying, unready, servingUnready } = conditions;
const here = { nodeName: 'worker-1' };
const there = { nodeName: 'worker-2' };

interface Side {
  readonly objects: readonly object[];
  readonly options?: Partial<CompileOptions>;
}

/** What changes, and for which endpoints flows are stale then, by frontend. */
interface Case {
  readonly name: string;
  readonly before: Side;
  readonly after: Side;
  readonly stale: Readonly<Record<string, readonly string[]>>;
  readonly family?: Family;
}

const clusterIP = { clusterIP: '10.96.0.53' };
const nodePorts = { type: 'NodePort', ports: [{ protocol: 'UDP', port: 4000, nodePort: 30053 }] };
const two = slice('dns', { '10.244.1.6': { ...ready, ...here }, '10.244.2.7': { ...ready, ...there } });
const one = slice('dns', { '10.244.2.7': { ...ready, ...there } });

const [first, second] = [4000, 5000].map((port) => ({ name: `p${port}`, protocol: 'UDP', port }));
const twoPorts = slice(
  'dns',
  { '10.244.1.6': ready, '10.244.2.7': ready },
  ['p4000', 'p5000'].map((name) => ({ name, protocol: 'UDP', port: 4001 })),
);

/** Service dns with both endpoints before, and this slice after it. */
function sliceTurns(into: object, spec: object = {}): Pick<Case, 'before' | 'after'> {
  const dns = service('dns', { ...clusterIP, ...spec });
  return { before: { objects: [dns, two] }, after: { objects: [dns, into] } };
}

function becomes(state: object): object {
  return slice('dns', { '10.244.1.6': { ...state, ...here }, '10.244.2.7': { ...ready, ...there } });
}

const cases: readonly Case[] = [
  { name: 'an endpoint that terminates and serves', ...sliceTurns(becomes(draining)), stale: {} },
  { name: 'an endpoint that is not ready but serves', ...sliceTurns(becomes(servingUnready)), stale: {} },
  {
    name: 'an endpoint that terminates and no longer serves',
    ...sliceTurns(becomes(dying)),
    stale: { '10.96.0.53:4000/udp': ['10.244.1.6:4001'] },
  },
  {
    name: 'an endpoint that is not ready',
    ...sliceTurns(becomes(unready)),
    stale: { '10.96.0.53:4000/udp': ['10.244.1.6:4001'] },
  },
  { name: 'an endpoint that is gone', ...sliceTurns(one), stale: { '10.96.0.53:4000/udp': ['10.244.1.6:4001'] } },
  {
    name: 'all endpoints, of which one serves until it ends',
    ...sliceTurns(slice('dns', { '10.244.1.6': { ...draining, ...here }, '10.244.2.7': { ...dying, ...there } })),
    stale: { '10.96.0.53:4000/udp': ['10.244.2.7:4001'] },
  },
  {
    name: 'an endpoint with another port',
    ...sliceTurns(
      slice('dns', { '10.244.1.6': ready, '10.244.2.7': ready }, [{ name: '', protocol: 'UDP', port: 4002 }]),
    ),
    stale: { '10.96.0.53:4000/udp': ['10.244.1.6:4001', '10.244.2.7:4001'] },
  },
  {
    name: 'a removed port',
    before: { objects: [service('dns', { ...clusterIP, ports: [first, second] }), twoPorts] },
    after: { objects: [service('dns', { ...clusterIP, ports: [first] }), twoPorts] },
    stale: { '10.96.0.53:5000/udp': ['10.244.1.6:4001', '10.244.2.7:4001'] },
  },
  {
    name: 'a deleted Service, though its endpoints serve',
    before: { objects: [service('dns', { ...clusterIP, ...nodePorts }), two] },
    after: { objects: [] },
    stale: {
      '10.96.0.53:4000/udp': ['10.244.1.6:4001', '10.244.2.7:4001'],
      '*:30053/udp': ['10.244.1.6:4001', '10.244.2.7:4001'],
    },
  },
  {
    name: 'UDP that becomes TCP',
    before: { objects: [service('dns', clusterIP), two] },
    after: { objects: [service('dns', { ...clusterIP, ports: [{ protocol: 'TCP', port: 4000 }] }), two] },
    stale: { '10.96.0.53:4000/udp': ['10.244.1.6:4001', '10.244.2.7:4001'] },
  },
  {
    name: 'TCP',
    before: { objects: [service('dns', { ...clusterIP, ports: [{ port: 4000 }] }), two] },
    after: { objects: [] },
    stale: {},
  },
  {
    name: 'another traffic policy',
    before: { objects: [service('dns', clusterIP), two] },
    after: { objects: [service('dns', { ...clusterIP, internalTrafficPolicy: 'Local' }), two] },
    stale: {},
  },
  {
    name: 'another traffic policy, and an endpoint gone at once',
    before: { objects: [service('dns', clusterIP), two] },
    after: { objects: [service('dns', { ...clusterIP, internalTrafficPolicy: 'Local' }), one] },
    stale: { '10.96.0.53:4000/udp': ['10.244.1.6:4001'] },
  },
  {
    name: 'policy Local, and no endpoint left here that is ready',
    ...sliceTurns(becomes(draining), { ...nodePorts, externalTrafficPolicy: 'Local' }),
    stale: {},
  },
  {
    name: 'policy Local, and the endpoint here gone',
    ...sliceTurns(one, { ...nodePorts, externalTrafficPolicy: 'Local' }),
    stale: { '10.96.0.53:4000/udp': ['10.244.1.6:4001'], '*:30053/udp': ['10.244.1.6:4001'] },
  },
  {
    name: 'a node port where the addresses of the node are not known: these flows stay',
    before: { objects: [service('dns', { ...clusterIP, ...nodePorts }), two], options: { nodeAddresses: [] } },
    after: { objects: [service('dns', { ...clusterIP, ...nodePorts }), one], options: { nodeAddresses: [] } },
    stale: { '10.96.0.53:4000/udp': ['10.244.1.6:4001'] },
  },
  {
    name: 'another node port',
    before: { objects: [service('dns', { ...clusterIP, ...nodePorts }), two] },
    after: {
      objects: [
        service('dns', { ...clusterIP, ...nodePorts, ports: [{ protocol: 'UDP', port: 4000, nodePort: 30054 }] }),
        two,
      ],
    },
    stale: { '*:30053/udp': ['10.244.1.6:4001', '10.244.2.7:4001'] },
  },
  {
    name: 'an address that another Service takes over, with one endpoint in common',
    before: { objects: [service('dns', clusterIP), two] },
    after: {
      objects: [service('other', clusterIP), slice('other', { '10.244.2.7': ready, '10.244.3.8': ready })],
    },
    stale: { '10.96.0.53:4000/udp': ['10.244.1.6:4001'] },
  },
  {
    name: 'IPv6',
    family: 'ip6',
    before: {
      objects: [
        service('dns', { clusterIP: 'fd00:10:96::53', ipFamilies: ['IPv6'], ...nodePorts }),
        slice('dns', { 'fd00:10:244::6': ready, 'fd00:10:244::7': ready, 'fd00:10:244::8': ready }),
      ],
    },
    after: {
      objects: [
        service('dns', { clusterIP: 'fd00:10:96::53', ipFamilies: ['IPv6'], ...nodePorts }),
        slice('dns', { 'fd00:10:244::6': draining, 'fd00:10:244::7': dying, 'fd00:10:244::8': ready }),
      ],
    },
    stale: { '[fd00:10:96::53]:4000/udp': ['[fd00:10:244::7]:4001'], '[*]:30053/udp': ['[fd00:10:244::7]:4001'] },
  },
];

describe('the UDP flows that diff calls stale are those that apply deletes', () => {
  test.each(cases)('$name', async ({ before, after, stale, family = 'ip' }) => {
    const [{ ruleset: old }, { ruleset: now, view }] = [planSide(before, family), planSide(after, family)];
    const { staleUdpFlows } = describeChanges(old, now, { view });
    expect(Object.fromEntries(staleUdpFlows.map((flows) => [flows.frontend, flows.endpoints]))).toEqual(stale);
    expect(await deletedFlows(old, now, view)).toEqual(stale);
  });
});

function planSide({ objects, options = {} }: Side, family: Family): { view: NodeView; ruleset: Ruleset } {
  const view = viewOf(objects, family, options);
  const { ruleset } = planRuleset(selectView(view), withDefaults({ ...nodeOptions, families: [family], ...options }));
  return { view, ruleset };
}

/** What the cleanup of apply deletes where every endpoint of before has flows at every frontend, as `describeChanges` writes it. */
async function deletedFlows(
  old: Ruleset,
  now: Ruleset,
  view: NodeView,
): Promise<Readonly<Record<string, readonly string[]>>> {
  const six = view.family === 'ip6';
  const [address, node, any] = six ? ['fd00:10:96::53', 'fd00::11', '[*]'] : ['10.96.0.53', '192.0.2.11', '*'];
  const endpoints = six ? ['fd00:10:244::6', 'fd00:10:244::7', 'fd00:10:244::8'] : ['10.244.1.6', '10.244.2.7'];
  const destinations = [4000, 5000, 30053].map((port) => ({ address: port === 30053 ? node : address, port }));
  const flows = destinations.flatMap(({ address: destination, port }) =>
    endpoints.map((endpoint) => line(destination ?? '', port, endpoint, 4001)),
  );
  const deleted: Record<string, string[]> = {};
  const run: RunProgram = async (program, args): Promise<ProgramResult> => {
    expect(program).toBe('conntrack');
    if (args[0] === '-D') {
      const flag = (name: string): string => args[args.indexOf(name) + 1] ?? '';
      const port = Number(flag('--orig-port-dst'));
      const frontend = port === 30053 ? `${any}:30053` : endpointText({ address: flag('--orig-dst'), port });
      const endpoint = { address: flag('--reply-src'), port: Number(flag('--reply-port-src')) };
      deleted[`${frontend}/udp`] = [...(deleted[`${frontend}/udp`] ?? []), endpointText(endpoint)];
    }
    return result({ stdout: args[0] === '-L' ? flows.join('') : '' });
  };
  const { pending } = emptyMemory();
  const before = { isDormant: false, ruleset: old, dynamic: new Map(), deviations: [] };
  const { family, table } = now;
  const outcome = { family, table, before, after: now, commands: [], findings: [], rejectedServices: [] };
  addCleanupOfSync(pending, { ...outcome, result: 'changed', error: undefined }, now);
  await cleanUdpFlows(pending, [view], { run });
  return deleted;
}
