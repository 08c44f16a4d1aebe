// @ts-check
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dump } from 'js-yaml';
import { generateCluster } from '../generate-cluster.js';
import { measureProcess } from '../tools/measure-process.js';
import { formatTime, printTable } from '../tools/print-table.js';
import { median } from '../tools/statistics.js';
import { withFolder } from '../tools/with-folder.js';

const program = new URL('../read-text.js', import.meta.url).pathname;
const rounds = 5;

/**
 * The same cluster as different texts. The anchor is one that nothing refers to, so it changes nothing but the parser.
 *
 * @type {readonly { name: string, print: (cluster: object) => string, task?: 'position' }[]}
 */
const texts = [
  { name: 'JSON', print: (cluster) => JSON.stringify(cluster, undefined, 4) },
  { name: 'YAML', print: printYaml },
  { name: 'YAML, one position', print: printYaml, task: 'position' },
  { name: 'YAML with an anchor', print: (cluster) => printYaml(cluster).replace('kind: List', 'kind: &kind List') },
];

/**
 * How long reading texts takes, how long processors work on it, which other programs change less, and the peak of the
 * process's memory.
 *
 * @param {number[]} sizes
 */
export async function measureReading(sizes) {
  /** @type {string[][]} */
  const rows = [];
  await withFolder(async (folder) => {
    for (const services of sizes) {
      for (const { name, print, task } of texts) {
        const text = print(generateCluster({ services, endpoints: 10 }));
        const file = join(folder, 'cluster');
        writeFileSync(file, text);
        rows.push([services.toLocaleString('en'), name, ...(await measureText(file, text.length / 1e6, task))]);
      }
    }
  });
  printTable(
    `Reading what kubectl prints, 10 endpoints each, without compiling it: medians of ${rounds} processes.`,
    ['Services', 'text', 'size', 'time', 'MB/s', 'CPU', 'peak'],
    rows,
  );
}

/**
 * @param {string} file
 * @param {number} size in megabytes
 * @param {string | undefined} task
 */
async function measureText(file, size, task) {
  /** @type {{ milliseconds: number, work: number, megabytes: number }[]} */
  const runs = [];
  for (let round = 0; round < rounds; round++) {
    const { stdout, megabytes } = await measureProcess(['node', program, file, ...(task ? [task] : [])]);
    runs.push({ ...JSON.parse(stdout), megabytes });
  }
  const milliseconds = median(runs.map((run) => run.milliseconds));
  const peak = median(runs.map((run) => run.megabytes));
  const speed = (size / milliseconds) * 1000;
  const work = formatTime(median(runs.map((run) => run.work)));
  return [`${size.toFixed(1)} MB`, formatTime(milliseconds), speed.toFixed(1), work, `${peak.toFixed(0)} MB`];
}

/**
 * With sorted keys, lists that are not indented, and no folded lines.
 *
 * @param {object} cluster
 */
function printYaml(cluster) {
  return dump(cluster, { seqNoIndent: true, lineWidth: -1, sortKeys: true });
}
