import { request } from 'node:http';
import type { Mapping } from '../lib/unknown-values.ts';
import { familyOfAddress } from '../net/address.ts';
import { mustRun, runIp } from './lab-process.ts';
import { balancedNodes, listBalancedAddresses, nextHopOf } from './load-balancer.ts';
import { type BalancedTarget, balancedRouteLines, balancerRules } from './network-commands.ts';
import type { LabNode } from './plan-lab.ts';

/** A node, and its number in the lab. */
interface NumberedNode {
  readonly number: number;
  readonly node: LabNode;
}

/** The load balancer of a lab at work, in the network namespace of this process. */
export interface Balancer {
  /** Follows a change of the objects, once nodes have the rules for it. */
  update(objects: readonly Mapping[], nodes: readonly NumberedNode[]): Promise<void>;
  /** Its addresses, and the names of nodes that each uses now. */
  status(): BalancerStatus[];
}

interface BalancerStatus {
  readonly address: string;
  readonly service: string;
  readonly mode: BalancedTarget['mode'];
  readonly nodes: readonly string[];
}

/** In milliseconds, from the end of a health check to the next one. */
const period = 1_000;

/** In milliseconds: a health check without an answer has failed. Long enough for a busy machine. */
const longestCheck = 3_000;

/** @param outside the own addresses, from which connections come. */
export function openBalancer(outside: readonly string[]): Balancer {
  let objects: readonly Mapping[] = [];
  let nodes: readonly NumberedNode[] = [];
  let targets: readonly BalancedTarget[] = [];
  let rules = balancerRules([]);
  let routes = new Map<string, string>();
  let timer: NodeJS.Timeout | undefined;
  let last: Promise<void> = Promise.resolve();

  const check = async (): Promise<void> => {
    targets = await findTargets(objects, nodes);
    const nextRoutes = new Map(
      targets.map(({ address, hops }) => [address, balancedRouteLines(address, hops, outside).join('\n')]),
    );
    const gone = [...routes.keys()].filter((address) => !nextRoutes.has(address));
    const changed = [...nextRoutes].filter(([address, line]) => routes.get(address) !== line);
    await runIp([...gone.map((address) => `route del ${address}`), ...changed.map(([, line]) => line)]);
    routes = nextRoutes;
    const nextRules = balancerRules(targets);
    if (nextRules !== rules) {
      await mustRun('nft', ['-f', '-'], nextRules);
      rules = nextRules;
    }
  };
  const checkInOrder = (): Promise<void> => {
    const result = last.then(check);
    last = result.catch((error: Error) => void process.stderr.write(`load balancer: ${error.message}\n`));
    return result;
  };
  const schedule = (): void => {
    clearTimeout(timer);
    const isChecking = targets.some(({ healthCheckPort }) => healthCheckPort > 0);
    const again = (): void => void checkInOrder().then(schedule, schedule);
    timer = isChecking ? setTimeout(again, period).unref() : undefined;
  };
  return {
    update: async (nextObjects, nextNodes) => {
      objects = nextObjects;
      nodes = [...nextNodes].sort((a, b) => a.number - b.number);
      await checkInOrder();
      schedule();
    },
    status: () =>
      targets.map(({ address, service, mode, hops }) => ({
        ...{ address, service, mode },
        nodes: hops.flatMap(({ number }) => nodes.find((one) => one.number === number)?.node.name ?? []),
      })),
  };
}

async function findTargets(objects: readonly Mapping[], nodes: readonly NumberedNode[]): Promise<BalancedTarget[]> {
  const services = objects.filter(({ kind }) => kind === 'Service');
  const eligible = balancedNodes(
    objects.filter(({ kind }) => kind === 'Node'),
    nodes.map(({ node }) => node),
  );
  const usable = nodes.filter(({ node }) => eligible.includes(node));
  // The address of a node may be an external IP, too; there is a way to it already.
  const taken = new Set(nodes.flatMap(({ node }) => node.addresses));
  const addresses = listBalancedAddresses(services).filter(({ address }) => !taken.has(address));
  const isHealthy = await checkHealth(addresses, usable);
  return addresses.map((one) => {
    const family = familyOfAddress(one.address);
    const healthy = usable.filter(({ node }) => one.healthCheckPort === 0 || isHealthy(node, one.healthCheckPort));
    return { ...one, hops: healthy.flatMap(({ number, node }) => nextHopOf(node, number, family)) };
  });
}

/** Asks every node at every port for health checks, all at once. */
async function checkHealth(
  addresses: readonly { readonly healthCheckPort: number }[],
  nodes: readonly NumberedNode[],
): Promise<(node: LabNode, port: number) => boolean> {
  const ports = new Set(addresses.map(({ healthCheckPort }) => healthCheckPort).filter((port) => port > 0));
  const healthy = new Set<string>();
  const checks = [...ports].flatMap((port) =>
    nodes.map(
      async ({
        node: {
          name,
          addresses: [address = ''],
        },
      }) => {
        if (await answersWell(address, port)) {
          healthy.add(`${port} ${name}`);
        }
      },
    ),
  );
  await Promise.all(checks);
  return ({ name }, port) => healthy.has(`${port} ${name}`);
}

function answersWell(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const asked = request({ host, port, path: '/', timeout: longestCheck, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    asked.on('timeout', () => asked.destroy()).on('error', () => resolve(false));
    asked.end();
  });
}
