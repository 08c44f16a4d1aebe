// @ts-check
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { clusterCIDR } from '../layouts/write-fixed-part.js';

const program = new URL('../../bin/svc2nft.js', import.meta.url).pathname;
/** In milliseconds. */
const calm = 2_000;

/**
 * Waits until nothing has come into force for two seconds.
 *
 * @param {number[]} commits of watchCommits
 * @returns {Promise<number>} when the last ruleset came into force
 */
export async function lastCommit(commits) {
  for (let seen = -1; seen !== commits.length; ) {
    seen = commits.length;
    await setTimeout(calm);
  }
  return commits.at(-1) ?? Number.NaN;
}

/**
 * @param {import('./open-cluster.js').Cluster} cluster
 * @param {string} folder
 * @throws {Error} when the tables differ from a fresh compilation of the objects that the API server has
 */
export async function expectInSync({ node, call }, folder) {
  const input = join(folder, 'objects.json');
  writeFileSync(input, JSON.stringify({ apiVersion: 'v1', kind: 'List', items: await call('objects') }));
  node.run(['node', program, 'diff', input, '--node', 'worker-1', '--cluster-cidr', clusterCIDR]);
}
