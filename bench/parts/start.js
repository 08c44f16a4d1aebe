// @ts-check
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateCluster } from '../generate-cluster.js';
import { clusterCIDR } from '../layouts/write-fixed-part.js';
import { measureProcess } from '../tools/measure-process.js';
import { openNamespace } from '../tools/open-namespace.js';
import { printMeasuredRows } from '../tools/print-measured-rows.js';
import { formatTime } from '../tools/print-table.js';
import { median } from '../tools/statistics.js';

const program = new URL('../../bin/svc2nft.js', import.meta.url).pathname;
const rounds = 3;

/** Stands for nft: runs it, and writes down the peak of its memory, in kilobytes. */
const measuringNft = (/** @type {string} */ log) => `#!/usr/bin/env python3
import os, sys
child = os.posix_spawn("/usr/sbin/nft", ["nft", *sys.argv[1:]], os.environ)
_, status, usage = os.wait4(child, 0)
with open("${log}", "a") as log:
    print(usage.ru_maxrss, file=log)
sys.exit(os.waitstatus_to_exitcode(status))
`;

/**
 * The first \`svc2nft apply\` on a node, from the start of the process to its end, and the peaks of its memory and of nft's.
 *
 * @param {number[]} sizes with 10 endpoints each; 44,125 Services have one
 */
export async function measureStarts(sizes) {
  await printMeasuredRows(
    `\`svc2nft apply\` of a cluster for which there is no table yet: medians of ${rounds} processes.`,
    ['Services', 'endpoints', 'time', 'peak of svc2nft', 'peak of nft'],
    sizes,
    (folder, services) => measureRow(folder, services, services === 44_125 ? 1 : 10),
  );
}

/**
 * `svc2nft apply` of a cluster that the table holds already, beside what nft alone takes to list that table, in turn.
 *
 * @param {number[]} sizes with 10 endpoints each
 */
export async function measureUnchanged(sizes) {
  await printMeasuredRows(
    `\`svc2nft apply\` of an unchanged cluster, 10 endpoints each, beside \`nft -j list table\`: medians of ${rounds} rounds in ` +
      'turn. "CPU" is how long processors worked, for apply on svc2nft and its nft together.',
    ['Services', 'apply', 'CPU', 'peak', 'nft -j list', 'CPU', 'peak', 'apply / nft -j list'],
    sizes,
    measureUnchangedRow,
  );
}

/**
 * @param {string} folder
 * @param {number} services
 */
async function measureUnchangedRow(folder, services) {
  const input = join(folder, 'cluster.json');
  const output = join(folder, 'rules.nft');
  writeFileSync(input, JSON.stringify(generateCluster({ services, endpoints: 10 }), undefined, 4));
  const flags = [input, '--cluster-cidr', clusterCIDR];
  await measureProcess(['node', program, 'compile', ...flags, '--file', output]);
  const node = await openNamespace();
  /** @type {Record<string, import('../tools/measure-process.js').Measured[]>} */
  const runs = { apply: [], list: [] };
  try {
    node.run(['nft', '-f', output]);
    for (let round = 0; round < rounds; round++) {
      runs['list']?.push(
        await measureProcess(['nft', '-j', 'list', 'table', 'ip', 'svc2nft'], { namespace: node.path }),
      );
      runs['apply']?.push(await measureProcess(['node', program, 'apply', ...flags], { namespace: node.path }));
    }
  } finally {
    await node.close();
  }
  const [apply, list] = [runs['apply'] ?? [], runs['list'] ?? []];
  const time = (/** @type {typeof apply} */ some) => median(some.map(({ milliseconds }) => milliseconds));
  const cells = (/** @type {typeof apply} */ some) => [
    formatTime(time(some)),
    formatTime(median(some.map(({ cpu }) => cpu))),
    `${median(some.map(({ megabytes }) => megabytes)).toFixed(0)} MB`,
  ];
  return [services.toLocaleString('en'), ...cells(apply), ...cells(list), (time(apply) / time(list)).toFixed(2)];
}

/**
 * @param {string} folder
 * @param {number} services
 * @param {number} endpoints
 */
async function measureRow(folder, services, endpoints) {
  const input = join(folder, 'cluster.json');
  const log = join(folder, `nft-${services}`);
  writeFileSync(input, JSON.stringify(generateCluster({ services, endpoints }), undefined, 4));
  writeFileSync(join(folder, 'nft'), measuringNft(log), { mode: 0o755 });
  const apply = ['node', program, 'apply', input, '--cluster-cidr', clusterCIDR];
  const runs = [];
  for (let round = 0; round < rounds; round++) {
    runs.push(await measureProcess(apply));
  }
  // Not while the time is measured: starting Python takes some, too.
  await measureProcess(['env', `PATH=${folder}:${process.env['PATH']}`, ...apply]);
  const peaks = readFileSync(log, 'utf8').trim().split('\n').map(Number);
  return [
    services.toLocaleString('en'),
    `${endpoints}`,
    formatTime(median(runs.map(({ milliseconds }) => milliseconds))),
    `${median(runs.map(({ megabytes }) => megabytes)).toFixed(0)} MB`,
    `${(Math.max(...peaks) / 1024).toFixed(0)} MB`,
  ];
}
