import { execa } from 'execa';
import { nodeInside, type TestNode } from '../apply/kernel/open-node.ts';
import { type Agent, startAgent } from '../support/lab/start-agent.ts';
import { sysctls } from '../support/lab/topology.ts';

/** Nodes that reach each other over one network, and what is outside of the cluster. */
export interface Network {
  readonly nodes: readonly ClusterNode[];
  /** Has the API server, and clients that are no Pods. */
  readonly outside: TestNode;
  close(): Promise<void>;
}

/** A node with a network namespace of its own, in which Pods get addresses. */
export interface ClusterNode extends TestNode {
  readonly name: string;
  /** At eth0, an IPv4 and an IPv6 address. */
  readonly addresses: readonly [string, string];
  /** The addresses of the Pod with this number, which is at least 1. */
  podAddresses(number: number): readonly [string, string];
  /** Connects a process, which has a network namespace of its own, to the node. */
  connectPod(processId: number, number: number): Promise<void>;
  /** Ends the connection, and with it the way to the Pod's addresses. */
  disconnectPod(number: number): Promise<void>;
}

/** What is outside has these. */
export const outsideAddresses = ['192.0.2.1', '2001:db8:a::1'] as const;

/** By which Pods reach their node; the same at each. */
const gateways = ['169.254.1.1', 'fe80::1'] as const;

/** Makes so many nodes, `worker-1` and so on, whose Pods reach each other. */
export async function openNodes(count: number): Promise<Network> {
  const agents = await Promise.all(Array.from({ length: count + 1 }, () => startAgent()));
  await Promise.all(agents.map((agent) => agent.request({ do: 'configure', sysctls })));
  const [outsideAgent, ...nodeAgents] = agents as [Agent, ...Agent[]];
  await configure(outsideAgent, [
    'link set lo up',
    'link add br0 type bridge',
    ...outsideAddresses.map((address) => `addr add ${withLength(address, 24, 64)} dev br0`),
    'link set br0 up',
  ]);
  for (const [index, agent] of nodeAgents.entries()) {
    await configure(outsideAgent, [
      `link add node${index + 1} type veth peer name eth0 netns ${agent.processId}`,
      `link set node${index + 1} master br0 up`,
    ]);
    await configure(agent, [
      'link set lo up',
      ...addressesOf(index + 1).map((address) => `addr add ${withLength(address, 24, 64)} dev eth0`),
      'link set eth0 up',
      `route add default via ${outsideAddresses[0]}`,
      `route add ::/0 via ${outsideAddresses[1]}`,
      ...nodeAgents.flatMap((_, other) => (other === index ? [] : routesTo(other + 1))),
    ]);
  }
  const [outside, ...nodes] = await Promise.all(agents.map((agent) => nodeInside(agent)));
  return {
    outside: outside as TestNode,
    nodes: nodes.map((node, index) => clusterNode(node, nodeAgents[index] as Agent, index + 1)),
    close: async () => {
      await Promise.all([outside, ...nodes].map((node) => node?.close()));
      await Promise.all(agents.map((agent) => agent.close()));
    },
  };
}

function clusterNode(node: TestNode, agent: Agent, id: number): ClusterNode {
  const podAddresses = (number: number): readonly [string, string] => [
    `10.244.${id}.${number}`,
    `fd00:10:244:${id}::${number.toString(16)}`,
  ];
  return {
    ...node,
    name: `worker-${id}`,
    addresses: addressesOf(id),
    podAddresses,
    connectPod: async (processId, number) => {
      const link = `pod${number}`;
      await configure(agent, [
        `link add ${link} type veth peer name eth0 netns ${processId}`,
        `addr add ${gateways[0]}/32 dev ${link}`,
        `addr add ${gateways[1]}/64 dev ${link} nodad`,
        `link set ${link} up`,
      ]);
      await ip(`/proc/${processId}/ns/net`, [
        'link set lo up',
        ...podAddresses(number).map((address) => `addr add ${withLength(address, 32, 128)} dev eth0`),
        'link set eth0 up',
        `route add ${gateways[0]}/32 dev eth0`,
        `route add default via ${gateways[0]} dev eth0`,
        `route add ::/0 via ${gateways[1]} dev eth0`,
      ]);
      await configure(
        agent,
        podAddresses(number).map((address) => `route add ${address} dev ${link}`),
      );
    },
    disconnectPod: async (number) => {
      // The end of the process may have ended it.
      await configure(agent, [`link del pod${number}`]).catch(() => undefined);
    },
  };
}

function addressesOf(id: number): readonly [string, string] {
  return [`192.0.2.1${id}`, `2001:db8:a::1${id}`];
}

function routesTo(id: number): string[] {
  const [address4, address6] = addressesOf(id);
  return [`route add 10.244.${id}.0/24 via ${address4}`, `route add fd00:10:244:${id}::/64 via ${address6}`];
}

function withLength(address: string, length4: number, length6: number): string {
  return address.includes(':') ? `${address}/${length6} nodad` : `${address}/${length4}`;
}

async function configure({ processId }: Agent, lines: readonly string[]): Promise<void> {
  await ip(`/proc/${processId}/ns/net`, lines);
}

/** Runs `ip` with these lines in a network namespace. */
async function ip(namespace: string, lines: readonly string[]): Promise<void> {
  await execa('nsenter', [`--net=${namespace}`, 'ip', '-batch', '-'], {
    input: `${lines.join('\n')}\n`,
    env: { PATH: `${process.env['PATH']}:/usr/sbin:/sbin` },
  });
}
