import { judge } from '../../support/lab/judge.ts';
import { observeAttempts } from '../../support/lab/observe-attempts.ts';
import { planAttempts } from '../../support/lab/plan-attempts.ts';
import { type Agent, type AttemptResult, type AttemptSpec, startAgent } from '../../support/lab/start-agent.ts';
import { interceptedPort, nodeLinks, nodeRules, sysctls, worldRoutes, worldRules } from '../../support/lab/topology.ts';
import type { Packet } from '../../support/packets.ts';
import { nodeAddresses } from './manifests.ts';
import { nodeInside, type TestNode } from './open-node.ts';

/** A node and the world around it: all pods, clients and servers. Every address of the world answers at every port. */
export interface Lab {
  readonly node: TestNode;
  /** By which the world's namespace is found. */
  readonly worldProcessId: number;
  /** Sends packets; a sentence for each that did not go where it should. */
  problems(packets: readonly Packet[]): Promise<string[]>;
  /**
   * Opens one connection after the other. The endpoint that answered each, or what happened in its place: `silent` also
   * when the first packet was lost and only a second one would have been answered.
   */
  connect(connections: readonly Connection[]): Promise<string[]>;
  close(): Promise<void>;
}

/** Who connects, and to what; all addresses are those of the world's side. */
export interface Connection {
  readonly source: string;
  readonly protocol: 'tcp' | 'udp';
  readonly address: string;
  readonly port: number;
}

/** The laboratory of the packet tests, without a ruleset: that is for the test to apply, and to apply again. */
export async function openLab(): Promise<Lab> {
  const [nodeAgent, world] = await Promise.all([startAgent(), startAgent()]);
  const node = await nodeInside(nodeAgent);
  const agents: Agents = { node: nodeAgent, world };
  await setUp(agents);
  return {
    node,
    worldProcessId: world.processId,
    problems: (packets) => findProblems(packets, agents),
    connect: async (connections) => {
      const attempts = connections.map((connection) => ({ ...connection, mark: 0, patience: shorterThanRetry }));
      const { results = [] } = await world.request({ do: 'probe', attempts, atOnce: 1 });
      return results.map(textOf);
    },
    close: async () => {
      await Promise.all([nodeAgent.close(), world.close()]);
      await node.close();
    },
  };
}

interface Agents {
  readonly node: Agent;
  readonly world: Agent;
}

const podNetworks = ['10.0.0.0/8', 'fd00:10:244::/48'];

/** In seconds; TCP sends its first packet again after one. */
const shorterThanRetry = 0.8;

async function setUp({ node, world }: Agents): Promise<void> {
  await Promise.all([node.request({ do: 'configure', sysctls }), world.request({ do: 'configure', sysctls })]);
  const links = nodeLinks(world.processId, nodeAddresses, podNetworks);
  await node.request({ do: 'run', command: ['ip', '-batch', '-'], input: links });
  for (const flag of ['-4', '-6']) {
    const input = worldRoutes(flag === '-6', podNetworks);
    await world.request({ do: 'run', command: ['ip', flag, '-batch', '-'], input });
  }
  await world.request({ do: 'run', command: ['nft', '-f', '-'], input: worldRules });
  await node.request({ do: 'run', command: ['nft', '-f', '-'], input: nodeRules([]) });
  await node.request({ do: 'serve', endpoints: [], interceptedPort: 0 });
  await world.request({ do: 'serve', endpoints: [], interceptedPort });
}

async function findProblems(packets: readonly Packet[], agents: Agents): Promise<string[]> {
  const plans = packets.map((packet) => ({ packet, ...planAttempts(packet, nodeAddresses, podNetworks) }));
  const groups = (['node', 'world'] as const).map(async (where) => {
    const problems: string[] = [];
    for (const inTurn of [false, true]) {
      const chosen = plans.filter((plan) => plan.where === where && plan.inTurn === inTurn);
      const attempts: AttemptSpec[] = chosen.flatMap((plan) => plan.attempts);
      const { results = [] } = await agents[where].request({ do: 'probe', attempts, atOnce: inTurn ? 1 : 512 });
      let start = 0;
      for (const { packet, attempts: own } of chosen) {
        const problem = judge(packet, observeAttempts(results.slice(start, start + own.length)));
        problems.push(...(problem === undefined ? [] : [problem]));
        start += own.length;
      }
    }
    return problems;
  });
  return (await Promise.all(groups)).flat();
}

function textOf(result: AttemptResult): string {
  if ('at' in result) {
    return result.at;
  }
  return 'silent' in result ? 'silent' : JSON.stringify(result);
}
