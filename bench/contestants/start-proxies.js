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
 * @property {(isNew: boolean) => boolean} isComplete whether the rules of the whole cluster are in force, as far as that is known; told
 *   whether anything has come into force since the last call
 * @property {() => { own: number, children: number }} memory of the process and of those it keeps, in megabytes
 * @property {string} log a file with what it says
 * @property {() => Promise<void>} close
 *
 * @typedef {import('../tools/open-cluster.js').Cluster} Cluster
 */

/**
 * @param {Cluster} cluster
 * @param {string} folder
 * @returns {Proxy}
 */
export function startAgent({ node, url }, folder) {
  const flags = ['--server', url, '--node', 'worker-1', '--cluster-cidr', clusterCIDR];
  const log = join(folder, 'agent.log');
  return start(node, ['node', program, 'agent', ...flags], {
    log,
    // nft would take a good part of the time that is measured.
    isComplete: () => readFileSync(log, 'utf8').includes('"synced"'),
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
    isComplete: (isNew) => isNew && holds(node, services),
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
    isComplete: (isNew) => {
      if (child.exitCode !== null) {
        throw new Error(`${command.join(' ')} has ended: ${readFileSync(log, 'utf8').slice(-2_000)}`);
      }
      return isComplete(isNew);
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
    if (proxy.isComplete(isNew)) {
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

/** Whether the last Service is in kube-proxy's table. @type {(node: Cluster['node'], services: number) => boolean} */
function holds(node, services) {
  const address = [24, 16, 8, 0].map((shift) => ((0x0a600000 + services - 1) >>> shift) & 255).join('.');
  try {
    node.run(['nft', 'get', 'element', 'ip', 'kube-proxy', 'service-ips', `{ ${address} . tcp . 80 }`]);
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
