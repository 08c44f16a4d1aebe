// @ts-check
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { clusterCIDR } from '../layouts/write-fixed-part.js';
import { openCluster, watchCommits } from '../tools/open-cluster.js';

const program = new URL('../../bin/svc2nft.js', import.meta.url).pathname;

/**
 * A program that follows an API server and keeps a node's rules.
 *
 * @typedef {object} Proxy
 * @property {() => boolean} isComplete whether the rules of the whole cluster are in force
 * @property {() => { own: number, children: number }} memory of the process and of those it keeps, in megabytes
 * @property {string} log a file with what it says
 * @property {() => Promise<void>} close
 *
 * @typedef {import('../tools/open-cluster.js').Cluster} Cluster
 */

/**
 * @param {Cluster} cluster
 * @param {{ folder: string, services: number }} where
 * @returns {Proxy}
 */
export function startAgent({ node, url }, { folder, services }) {
  const flags = ['--server', url, '--node', 'worker-1', '--cluster-cidr', clusterCIDR];
  return start(node, ['node', program, 'agent', ...flags], {
    log: join(folder, 'agent.log'),
    // The base chains come into force last, with everything else.
    isComplete: () =>
      holds(node, 'svc2nft', services) && lists(node, ['list', 'chain', 'ip', 'svc2nft', 'nat-prerouting']),
  });
}

/**
 * @param {Cluster} cluster
 * @param {{ folder: string, services: number, binary: string }} where
 * @returns {Proxy}
 */
export function startKubeProxy({ node, url }, { folder, services, binary }) {
  const kubeconfig = join(folder, 'kubeconfig.json');
  const named = (/** @type {string} */ kind, /** @type {object} */ value) => ({ name: 'bench', [kind]: value });
  writeFileSync(
    kubeconfig,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [named('cluster', { server: url })],
      users: [named('user', {})],
      contexts: [named('context', { cluster: 'bench', user: 'bench' })],
      'current-context': 'bench',
    }),
  );
  const config = join(folder, 'kube-proxy.json');
  writeFileSync(
    config,
    JSON.stringify({
      apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
      kind: 'KubeProxyConfiguration',
      mode: 'nftables',
      hostnameOverride: 'worker-1',
      clusterCIDR,
      clientConnection: { kubeconfig, acceptContentTypes: 'application/json', contentType: 'application/json' },
      // Settings of the machine, which stay as they are.
      conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: '0s', tcpCloseWaitTimeout: '0s' },
    }),
  );
  return start(node, [binary, `--config=${config}`], {
    log: join(folder, 'kube-proxy.log'),
    isComplete: () => holds(node, 'kube-proxy', services),
  });
}

/**
 * @param {import('../tools/open-namespace.js').Namespace} node
 * @param {string[]} command
 * @param {Pick<Proxy, 'log' | 'isComplete'>} rest
 * @returns {Proxy}
 */
function start(node, command, { log, isComplete }) {
  const output = openSync(log, 'w');
  const child = spawn('nsenter', [`--net=${node.path}`, ...command], { stdio: ['ignore', output, output] });
  closeSync(output);
  const ended = once(child, 'exit');
  return {
    log,
    isComplete: () => {
      if (child.exitCode !== null) {
        throw new Error(`${command.join(' ')} has ended: ${readFileSync(log, 'utf8').slice(-2_000)}`);
      }
      return isComplete();
    },
    memory: () => {
      const pid = child.pid ?? 0;
      const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean);
      return {
        own: residentMemory(pid),
        children: children.map(Number).reduce((sum, id) => sum + residentMemory(id), 0),
      };
    },
    close: async () => {
      child.kill();
      await ended;
    },
  };
}

/**
 * Starts a program on a node of its own.
 *
 * @param {(cluster: Cluster) => Proxy} start
 * @param {number} services
 */
export async function startWithCluster(start, services) {
  const cluster = await openCluster(services);
  const commits = await watchCommits(cluster.node, 'poll');
  await setTimeout(200);
  const begin = now();
  const proxy = start(cluster);
  const complete = await firstComplete(proxy, commits.times);
  await commits.close();
  return {
    cluster,
    proxy,
    /** From its start until all rules were in force, in milliseconds. */
    time: complete - begin,
    close: async () => {
      await proxy.close();
      await cluster.close();
    },
  };
}

/**
 * When all rules came into force.
 *
 * @param {Proxy} proxy
 * @param {number[]} commits
 */
async function firstComplete(proxy, commits) {
  for (let seen = 0; ; await setTimeout(5)) {
    const isNew = commits.length > seen;
    seen = commits.length;
    if (isNew && proxy.isComplete()) {
      // What came while nft looked counts, too.
      await setTimeout(20);
      return commits.at(-1) ?? Number.NaN;
    }
  }
}

/** In milliseconds, of the clock of watch-commits.py. */
function now() {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** Whether the last Service is in a table. @type {(node: Cluster['node'], table: string, services: number) => boolean} */
function holds(node, table, services) {
  const address = [24, 16, 8, 0].map((shift) => ((0x0a600000 + services - 1) >>> shift) & 255).join('.');
  return lists(node, ['get', 'element', 'ip', table, 'service-ips', `{ ${address} . tcp . 80 }`]);
}

/** Whether nft can do what it is told. @type {(node: Cluster['node'], command: string[]) => boolean} */
function lists(node, command) {
  try {
    node.run(['nft', ...command]);
    return true;
  } catch {
    return false;
  }
}

/** In megabytes. @param {number} pid */
function residentMemory(pid) {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes ?? 0) / 1024;
}
