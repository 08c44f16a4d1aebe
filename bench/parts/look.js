// @ts-check
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateCluster } from '../generate-cluster.js';
import { clusterCIDR } from '../layouts/write-fixed-part.js';
import { measureProcess } from '../tools/measure-process.js';
import { formatTime, printTable } from '../tools/print-table.js';
import { median } from '../tools/statistics.js';
import { withFolder } from '../tools/with-folder.js';

const program = new URL('../../bin/svc2nft.js', import.meta.url).pathname;
const rounds = 5;

/** The arguments that each has besides the snapshot; the name begins with that of the command. */
const commands = new Map([
  ['compile', ['--file', '/dev/null']],
  ['explain', ['--from', '10.128.0.5', '--to', 'service:namespace-0/service-0']],
  ['list', []],
  ['list -o wide', ['-o', 'wide']],
  ['verify', []],
  ['graph -o html', ['-o', 'html']],
]);

/**
 * How long the commands that look at rules take, from a file of JSON, whole processes, in turn with compile.
 *
 * @param {number[]} sizes
 */
export async function measureLooks(sizes) {
  /** @type {string[][]} */
  const rows = [];
  await withFolder(async (folder) => {
    for (const services of sizes) {
      rows.push(...(await measureSize(folder, services)));
    }
  });
  printTable(
    `Inspecting rules, 10 endpoints each, every tenth Service with affinity, from a file of JSON: medians of ${rounds} rounds ` +
      'of whole processes, in turn.',
    ['Services', 'command', 'time', 'peak', 'relative to compile'],
    rows,
  );
}

/**
 * @param {string} folder
 * @param {number} services
 */
async function measureSize(folder, services) {
  const input = join(folder, 'cluster.json');
  writeFileSync(input, JSON.stringify(generateCluster({ services, endpoints: 10 }), undefined, 4));
  /** @type {Map<string, { milliseconds: number, megabytes: number }[]>} */
  const runs = new Map([...commands.keys()].map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const [name, args] of commands) {
      const [command = ''] = name.split(' ');
      const run = await measureProcess(['node', program, command, input, '--cluster-cidr', clusterCIDR, ...args]);
      runs.get(name)?.push(run);
    }
  }
  const compiling = median((runs.get('compile') ?? []).map(({ milliseconds }) => milliseconds));
  return [...runs].map(([name, measured]) => {
    const time = median(measured.map(({ milliseconds }) => milliseconds));
    const peak = median(measured.map(({ megabytes }) => megabytes));
    return [
      services.toLocaleString('en'),
      name,
      formatTime(time),
      `${peak.toFixed(0)} MB`,
      (time / compiling).toFixed(2),
    ];
  });
}
