import { judge } from '../../support/lab/judge.ts';
import type { AttemptResult } from '../../support/lab/start-agent.ts';
import { startLab } from '../../support/lab/start-lab.ts';
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
  const lab = await startLab();
  await lab.equip(nodeAddresses, []);
  const node = await nodeInside(lab.node);
  return {
    node,
    worldProcessId: lab.world.processId,
    problems: async (packets) => {
      const seen = await lab.send(packets);
      return packets.flatMap((packet, index) => {
        const observation = seen[index];
        return (observation ? judge(packet, observation) : `${packet.name}: nothing was seen`) ?? [];
      });
    },
    connect: async (connections) => {
      const attempts = connections.map((connection) => ({ ...connection, mark: 0, patience: shorterThanRetry }));
      const { results = [] } = await lab.world.request({ do: 'probe', attempts, atOnce: 1 });
      return results.map(textOf);
    },
    close: async () => {
      await lab.close();
      await node.close();
    },
  };
}

/** In seconds; TCP sends its first packet again after one. */
const shorterThanRetry = 0.8;

function textOf(result: AttemptResult): string {
  if ('at' in result) {
    return result.at;
  }
  return 'silent' in result ? 'silent' : JSON.stringify(result);
}
