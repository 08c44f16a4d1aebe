// @ts-check

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { generateCluster } from '../generate-cluster.js';
import { clusterCIDR } from '../layouts/write-fixed-part.js';
import { measureProcess } from '../tools/measure-process.js';
import { printMeasuredRows } from '../tools/print-measured-rows.js';
import { formatTime } from '../tools/print-table.js';
import { median } from '../tools/statistics.js';

const root = new URL('../..', import.meta.url).pathname;
const endpoints = 10;

/**
 * How long compiling takes, beside how long nft takes to load the result, in turn.
 *
 * @param {number[]} sizes
 */
export async function measureCompilations(sizes) {
  await printMeasuredRows(
    `Compiling beside loading, ${endpoints} endpoints each, every tenth Service with affinity: medians of 5 rounds in turn (3 ` +
      'above 10,000), each in a process of its own. "objects -> text" is `compile` on parsed objects, validation included; ' +
      '"CLI" the whole process, from a file of JSON to a file.',
    ['Services', 'objects -> text', 'CLI', 'CLI peak', 'nft -f', 'objects / nft', 'CLI / nft', 'chains'],
    sizes,
    measureRow,
  );
}

/**
 * @param {string} folder
 * @param {number} services
 */
async function measureRow(folder, services) {
  const input = join(folder, 'cluster.json');
  const output = join(folder, 'rules.nft');
  writeFileSync(input, JSON.stringify(generateCluster({ services, endpoints }), undefined, 4));
  const cli = ['node', join(root, 'bin/svc2nft.js'), 'compile', input, '--cluster-cidr', clusterCIDR, '--file', output];
  await measureProcess(cli);
  const loads = [];
  const runs = [];
  const compilations = [];
  let chains = '';
  for (let round = 0; round < (services > 10_000 ? 3 : 5); round++) {
    loads.push(await measureProcess(['nft', '-f', output]));
    runs.push(await measureProcess(cli));
    // A process of its own each time: what its garbage collector happens to do differs more than anything else.
    const { stdout } = await execa('node', [join(root, 'bench/compile-objects.js'), `${services}`, `${endpoints}`]);
    const measured = JSON.parse(stdout);
    compilations.push(measured.milliseconds);
    chains = String(measured.chains);
  }
  const load = median(loads.map(({ milliseconds }) => milliseconds));
  const run = median(runs.map(({ milliseconds }) => milliseconds));
  const compilation = median(compilations);
  return [
    services.toLocaleString('en'),
    formatTime(compilation),
    formatTime(run),
    `${median(runs.map(({ megabytes }) => megabytes)).toFixed(0)} MB`,
    formatTime(load),
    (compilation / load).toFixed(2),
    (run / load).toFixed(2),
    chains,
  ];
}
