// @ts-check
import { setTimeout } from 'node:timers/promises';
import { startAgent, startWithCluster } from '../contestants/start-proxies.js';
import { expectInSync, lastCommit } from '../tools/expect-in-sync.js';
import { watchCommits } from '../tools/open-cluster.js';
import { printMeasuredRows } from '../tools/print-measured-rows.js';
import { formatTime } from '../tools/print-table.js';
import { median } from '../tools/statistics.js';

const rounds = 20;
/** In milliseconds: `nft monitor` has read the table by then. */
const monitorStart = 5_000;

/** What other programs do to the agent's table. */
const damages = [
  ['flush', 'ruleset'],
  ['delete', 'table', 'ip', 'svc2nft'],
  ['delete', 'element', 'ip', 'svc2nft', 'cluster-ips', '{ 10.96.0.7 }'],
  ['insert', 'rule', 'ip', 'svc2nft', 'services', 'ip', 'daddr', '203.0.113.9', 'drop'],
];

/**
 * From what another program does to the agent's table until that has its rules again.
 *
 * @param {number[]} sizes with 10 endpoints each
 */
export async function measureRepairs(sizes) {
  await printMeasuredRows(
    `From another program's transaction until the agent has repaired it: median / largest of ${rounds}. After each kind, the tables held what a fresh ` +
      'compilation says.',
    ['Services', ...damages.map((command) => `\`nft ${command.join(' ')}\``)],
    sizes,
    async (folder, services) => [services.toLocaleString('en'), ...(await measureRow(folder, services))],
  );
}

/**
 * @param {string} folder
 * @param {number} services
 */
async function measureRow(folder, services) {
  const { cluster, close } = await startWithCluster((started) => startAgent(started, folder), services);
  const commits = await watchCommits(cluster.node, 'poll');
  await setTimeout(monitorStart);
  const cells = [];
  for (const damage of damages) {
    const times = [];
    for (let round = 0; round < rounds; round++) {
      const before = commits.times.length;
      cluster.node.run(['nft', ...damage]);
      const last = await lastCommit(commits.times);
      if (commits.times.length - before < 2) {
        throw new Error(`the agent has not repaired nft ${damage.join(' ')}`);
      }
      times.push(last - (commits.times[before] ?? Number.NaN));
    }
    await expectInSync(cluster, folder);
    cells.push(`${formatTime(median(times))} / ${formatTime(Math.max(...times))}`);
  }
  await commits.close();
  await close();
  return cells;
}
