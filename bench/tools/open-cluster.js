// @ts-check
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { openNamespace } from './open-namespace.js';

const server = new URL('../serve-cluster.js', import.meta.url).pathname;
const watcher = new URL('watch-commits.py', import.meta.url).pathname;

/**
 * A node, a network namespace with an API server inside; both stay until they are closed.
 *
 * @typedef {Awaited<ReturnType<typeof openCluster>>} Cluster
 * @param {number} services
 */
export async function openCluster(services) {
  const node = await openNamespace();
  node.run(['ip', 'link', 'set', 'lo', 'up']);
  const child = spawn('nsenter', [`--net=${node.path}`, process.execPath, server, `${services}`], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const ended = once(child, 'exit');
  /**
   * Calls what serve-cluster.js offers, one at a time.
   *
   * @param {[method: string, argument?: unknown]} call
   * @returns {Promise<any>}
   */
  const call = async (...call) => {
    child.send(call);
    const [answer] = await Promise.race([once(child, 'message'), ended]);
    if (child.exitCode !== null) {
      throw new Error('the API server has ended');
    }
    return answer;
  };
  return {
    node,
    call,
    url: /** @type {string} */ (await call('url')),
    close: async () => {
      child.disconnect();
      await ended;
      await node.close();
    },
  };
}

/**
 * Watches what nftables puts in force in a namespace.
 *
 * @param {import('./open-namespace.js').Namespace} node
 * @param {'events' | 'poll'} how see watch-commits.py
 */
export async function watchCommits({ path }, how) {
  const child = spawn('nsenter', [`--net=${path}`, 'python3', watcher, how], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  /** @type {number[]} */
  const times = [];
  createInterface({ input: child.stdout }).on('line', (line) => times.push(Number(line)));
  return {
    /** When rulesets came into force, in milliseconds of the monotonic clock. */
    times,
    close: async () => {
      child.kill();
      await once(child, 'exit');
    },
  };
}
