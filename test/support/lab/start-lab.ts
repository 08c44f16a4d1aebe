import type { NftVersion } from '../nft-versions.ts';
import type { Packet } from '../packets.ts';
import { LabUnavailable } from './lab-unavailable.ts';
import { type Observation, observeAttempts } from './observe-attempts.ts';
import { type PlannedPacket, planAttempts } from './plan-attempts.ts';
import { type Agent, type AttemptResult, type Served, startAgent } from './start-agent.ts';
import {
  interceptedPort,
  nodeAddressChanges,
  nodeLinks,
  nodeRules,
  sysctls,
  worldRoutes,
  worldRules,
} from './topology.ts';

/** A node and the world around it, each in a network namespace of its own. */
export interface Lab {
  /** Runs what is under test. It has no ruleset but the laboratory's own table, `lab`. */
  readonly node: Agent;
  /** All pods, clients and servers of the outside: every address answers at every port. */
  readonly world: Agent;
  /** Gives the node these addresses beside loopback, and endpoints that answer there, in place of those before. */
  equip(addresses: readonly string[], served: readonly Served[]): Promise<void>;
  /** Forgets all connections and rulesets; addresses and endpoints stay. */
  clear(): Promise<void>;
  /** Sends the packets and returns what became of each, in their order. */
  send(packets: readonly Packet[]): Promise<Observation[]>;
  close(): Promise<void>;
}

/** Sets up a laboratory, whose node has this nft. Throws {@link LabUnavailable} where this machine cannot do that. */
export async function startLab(nft?: NftVersion): Promise<Lab> {
  const started = await Promise.allSettled([startAgent(nft), startAgent()]);
  const agents = started.filter((one) => one.status === 'fulfilled').map((one) => one.value);
  const close = async () => {
    await Promise.all(agents.map((agent) => agent.close()));
  };
  try {
    const [node, world] = agents;
    if (!node || !world) {
      throw started.find((one) => one.status === 'rejected')?.reason;
    }
    await setUp(node, world);
    return { ...labOf(node, world), close };
  } catch (error) {
    await close();
    throw error;
  }
}

function labOf(node: Agent, world: Agent): Omit<Lab, 'close'> {
  let nodeAddresses: readonly string[] = [];
  return {
    node,
    world,
    equip: async (addresses, served) => {
      const input = nodeAddressChanges(nodeAddresses, addresses);
      nodeAddresses = addresses;
      await node.request({ do: 'run', command: ['ip', '-batch', '-'], input });
      await node.request({ do: 'await', addresses: addresses.filter((address) => address.includes(':')) });
      await loadRules(node, nodeRules(served));
      await node.request({ do: 'serve', endpoints: served });
    },
    clear: async () => {
      await loadRules(node, 'flush ruleset');
      await node.request({ do: 'forget' });
    },
    send: async (packets) => {
      const plans = packets.map((packet) => planAttempts(packet, nodeAddresses));
      const [fromNode, fromWorld] = await Promise.all([probe(node, 'node', plans), probe(world, 'world', plans)]);
      const results = new Map([...fromNode, ...fromWorld]);
      return plans.map((plan) => observeAttempts(results.get(plan) ?? []));
    },
  };
}

/** Loads a text with nft. Throws an Error with nft's words if it refuses the text. */
export async function loadRules(agent: Agent, text: string): Promise<void> {
  const { nft: [answer] = [] } = await agent.request({ do: 'nft', commands: [{ text }] });
  if (!answer || 'complaint' in answer) {
    throw new Error(`nft: ${answer?.complaint}`);
  }
}

async function setUp(node: Agent, world: Agent): Promise<void> {
  try {
    await Promise.all([node.request({ do: 'configure', sysctls }), world.request({ do: 'configure', sysctls })]);
    await node.request({ do: 'run', command: ['ip', '-batch', '-'], input: nodeLinks(world.processId) });
    for (const flag of ['-4', '-6']) {
      await world.request({ do: 'run', command: ['ip', flag, '-batch', '-'], input: worldRoutes(flag === '-6') });
    }
    await loadRules(world, worldRules);
    await node.request({ do: 'intercept', port: 0 });
    await world.request({ do: 'intercept', port: interceptedPort });
    await node.request({ do: 'forget' });
  } catch (error) {
    throw new LabUnavailable(`the network cannot be set up: ${String(error)}`, { cause: error });
  }
}

/** How many connections a namespace has open at once. */
const attemptsAtOnce = 512;

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
