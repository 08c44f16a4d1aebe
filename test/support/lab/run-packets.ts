import { canonicalAddress } from '../../../src/net/address.ts';
import { type Packet, parseEndpoint } from '../packets.ts';
import { LabUnavailable } from './lab-unavailable.ts';
import { type Observation, observeAttempts } from './observe-attempts.ts';
import { type PlannedPacket, planAttempts } from './plan-attempts.ts';
import { type Agent, type AttemptResult, type Served, startAgent } from './start-agent.ts';
import { interceptedPort, nodeLinks, nodeRules, sysctls, worldRoutes, worldRules } from './topology.ts';

/** What one run of the laboratory needs. */
export interface LabRun {
  /** nft text that the node loads; its tables must not be called `lab`. */
  readonly ruleset: string;
  /** All addresses of the node but loopback. */
  readonly nodeAddresses: readonly string[];
  readonly packets: readonly Packet[];
  /** CIDRs of the networks at the node's interface pod0; all else is at out0. */
  readonly podNetworks?: readonly string[];
}

/**
 * Sends the packets through the real kernel of a node that has loaded the ruleset, and returns what became of each, in
 * their order. The node is one network namespace; all pods, clients and servers of the outside are a second one, and
 * both vanish at the end. Throws {@link LabUnavailable} where this machine cannot do that, and an Error with nft's
 * words if it refuses the ruleset.
 */
export async function runPackets(run: LabRun): Promise<Observation[]> {
  const { ruleset, packets, podNetworks = defaultPodNetworks } = run;
  const nodeAddresses = run.nodeAddresses.map((address) => canonicalAddress(address) ?? address);
  const plans = packets.map((packet) => planAttempts(packet, nodeAddresses, podNetworks));
  const served = findServedByNode(packets, nodeAddresses);
  return withAgents(async (node, world) => {
    await setUp(node, world, nodeAddresses, podNetworks, served);
    await node.request({ do: 'run', command: ['nft', '-f', '-'], input: ruleset });
    const [fromNode, fromWorld] = await Promise.all([probe(node, 'node', plans), probe(world, 'world', plans)]);
    const results = new Map([...fromNode, ...fromWorld]);
    return plans.map((plan) => observeAttempts(results.get(plan) ?? []));
  });
}

/** Why this machine cannot run the laboratory, or undefined if it can. */
export async function findLabProblem(): Promise<string | undefined> {
  try {
    await runPackets({ ruleset: '', nodeAddresses: [], packets: [] });
    return undefined;
  } catch (error) {
    if (error instanceof LabUnavailable) {
      return error.message;
    }
    throw error;
  }
}

const defaultPodNetworks = ['10.0.0.0/8', 'fd00:10:244::/48'];

/** How many connections a namespace has open at once. */
const attemptsAtOnce = 512;

async function withAgents<Result>(use: (node: Agent, world: Agent) => Promise<Result>): Promise<Result> {
  const started = await Promise.allSettled([startAgent(), startAgent()]);
  const agents = started.filter((one) => one.status === 'fulfilled').map((one) => one.value);
  try {
    const [node, world] = agents;
    if (!node || !world) {
      throw started.find((one) => one.status === 'rejected')?.reason;
    }
    return await use(node, world);
  } finally {
    await Promise.all(agents.map((agent) => agent.close()));
  }
}

async function setUp(
  node: Agent,
  world: Agent,
  nodeAddresses: readonly string[],
  podNetworks: readonly string[],
  served: readonly Served[],
): Promise<void> {
  const nft = ['nft', '-f', '-'];
  try {
    await Promise.all([node.request({ do: 'configure', sysctls }), world.request({ do: 'configure', sysctls })]);
    await node.request({
      do: 'run',
      command: ['ip', '-batch', '-'],
      input: nodeLinks(world.processId, nodeAddresses, podNetworks),
    });
    for (const flag of ['-4', '-6']) {
      const input = worldRoutes(flag === '-6', podNetworks);
      await world.request({ do: 'run', command: ['ip', flag, '-batch', '-'], input });
    }
    await world.request({ do: 'run', command: nft, input: worldRules });
    await node.request({ do: 'run', command: nft, input: nodeRules(served) });
    await node.request({ do: 'serve', endpoints: served, interceptedPort: 0 });
    await world.request({ do: 'serve', endpoints: [], interceptedPort });
  } catch (error) {
    throw new LabUnavailable(`the network cannot be set up: ${String(error)}`, { cause: error });
  }
}

/** Endpoints that the packets expect at addresses of the node's own (host network). */
function findServedByNode(packets: readonly Packet[], nodeAddresses: readonly string[]): Served[] {
  const found = new Map<string, Served>();
  for (const { to, expect } of packets) {
    for (const endpoint of typeof expect === 'string' ? [] : expect) {
      const served = { protocol: to.protocol, ...parseEndpoint(endpoint) };
      if (nodeAddresses.includes(served.address)) {
        found.set(`${to.protocol} ${endpoint}`, served);
      }
    }
  }
  return [...found.values()];
}

/** Opens the connections that start in one namespace: first all that may run at once, then those in turn. */
async function probe(
  agent: Agent,
  where: PlannedPacket['where'],
  plans: readonly PlannedPacket[],
): Promise<Map<PlannedPacket, AttemptResult[]>> {
  const found = new Map<PlannedPacket, AttemptResult[]>();
  for (const inTurn of [false, true]) {
    const chosen = plans.filter((plan) => plan.where === where && plan.inTurn === inTurn);
    const attempts = chosen.flatMap((plan) => plan.attempts);
    const atOnce = inTurn ? 1 : attemptsAtOnce;
    const { results = [] } = await agent.request({ do: 'probe', attempts, atOnce });
    let start = 0;
    for (const plan of chosen) {
      found.set(plan, results.slice(start, start + plan.attempts.length));
      start += plan.attempts.length;
    }
  }
  return found;
}
