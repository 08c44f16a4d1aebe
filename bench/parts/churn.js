// @ts-check
import { readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { startAgent, startWithCluster } from '../contestants/start-proxies.js';
import { expectInSync, lastCommit } from '../tools/expect-in-sync.js';
import { watchCommits } from '../tools/open-cluster.js';
import { printMeasuredRows } from '../tools/print-measured-rows.js';
import { formatTime } from '../tools/print-table.js';
import { median } from '../tools/statistics.js';

const steady = { count: 50_000, perSecond: 500 };
const burst = 20_000;
/** In milliseconds: what a program does after its start is over by then. */
const calm = 2_000;

/**
 * @typedef {import('../tools/open-cluster.js').Cluster} Cluster
 * @typedef {{ cluster: Cluster, commits: number[], log: string }} Running
 */

/**
 * `svc2nft agent` while endpoints are replaced all the time.
 *
 * @param {number[]} sizes with 10 endpoints each
 */
export async function measureChurn(sizes) {
  await printMeasuredRows(
    `${steady.count.toLocaleString('en')} replaced endpoints, ${steady.perSecond} a second, then ${burst.toLocaleString('en')} as fast as they come. "age": of the ` +
      'oldest change of a transaction, as the agent logs it; "last": how long after the last event its change was in force. Memory of the agent, medians of ' +
      'the first and the last fifth. After both, the tables held what a fresh compilation says.',
    ['Services', 'age, median', 'largest', 'last', 'memory', 'then', 'x', 'burst', 'a second', 'transactions'],
    sizes,
    async (folder, services) => [services.toLocaleString('en'), ...(await measureRow(folder, services))],
  );
}

/**
 * @param {string} folder
 * @param {number} services
 */
async function measureRow(folder, services) {
  const { cluster, proxy, close } = await startWithCluster((started) => startAgent(started, folder), services);
  const commits = await watchCommits(cluster.node, 'events');
  const running = { cluster, commits: commits.times, log: proxy.log };
  await setTimeout(calm);
  /** @type {number[]} */
  const memory = [];
  const sampler = setInterval(() => memory.push(proxy.memory().own), 100);
  const slow = await replaceMany(running, { first: 0, ...steady });
  clearInterval(sampler);
  await expectInSync(cluster, folder);
  const fast = await replaceMany(running, { first: steady.count, count: burst, perSecond: null });
  await expectInSync(cluster, folder);
  await commits.close();
  await close();
  const fifth = Math.floor(memory.length / 5);
  const [first, last] = [median(memory.slice(0, fifth)), median(memory.slice(-fifth))];
  return [
    ...[median(slow.ages), Math.max(...slow.ages), slow.last].map(formatTime),
    ...[first, last].map((megabytes) => `${megabytes.toFixed(0)} MB`),
    (last / first).toFixed(2),
    formatTime(fast.time),
    (burst / (fast.time / 1_000)).toFixed(0),
    `${fast.transactions}`,
  ];
}

/**
 * Waits until nothing more comes into force, too.
 *
 * @param {Running} running
 * @param {{ first: number, count: number, perSecond: number | null }} how
 */
async function replaceMany({ cluster, commits, log }, how) {
  const before = { commits: commits.length, log: readFileSync(log, 'utf8').length };
  const { begin, end } = await cluster.call('replaceMany', how);
  const last = await lastCommit(commits);
  const lines = readFileSync(log, 'utf8').slice(before.log).trim().split('\n');
  return {
    ages: lines.map((line) => JSON.parse(line).ageMs).filter((age) => age !== undefined),
    last: last - end,
    time: last - begin,
    transactions: commits.length - before.commits,
  };
}
