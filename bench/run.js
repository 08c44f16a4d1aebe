// @ts-check
/**
 * `npm run bench [-- SIZE ...]`: how long compiling takes, beside how long nft takes to load the result, in turn, in one
 * run, as medians. Needs root for the loading, which happens in network namespaces of its own.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { generateCluster } from './generate-cluster.js';

const root = new URL('..', import.meta.url).pathname;
const endpoints = 10;
const requested = process.argv.slice(2).map(Number);
const sizes = requested.length > 0 ? requested : [100, 1_000, 10_000, 30_000];
const folder = mkdtempSync(join(tmpdir(), 'svc2nft-bench-'));

try {
  print([
    'Services x 10',
    'objects -> text',
    'CLI, JSON -> text',
    'CLI peak',
    'nft -f',
    'objects / nft',
    'CLI / nft',
    'chains',
  ]);
  print(Array(8).fill('---'));
  for (const services of sizes) {
    print(await measure(services));
  }
} finally {
  rmSync(folder, { recursive: true });
}

/**
 * One row of the table.
 *
 * @param {number} services
 * @returns {Promise<string[]>}
 */
async function measure(services) {
  const rounds = services > 10_000 ? 3 : 5;
  const input = join(folder, 'cluster.json');
  const output = join(folder, 'rules.nft');
  writeFileSync(input, JSON.stringify(generateCluster({ services, endpoints }), undefined, 4));
  await runCli(input, output);
  const loads = [];
  const runs = [];
  const compilations = [];
  let chains = '';
  for (let round = 0; round < rounds; round++) {
    loads.push(await timed(() => execa('unshare', ['--net', 'nft', '-f', output])));
    runs.push(await timed(() => runCli(input, output)));
    // A process of its own each time: what its collector of garbage happens to do differs more than anything else.
    const { stdout } = await execa('node', [join(root, 'bench/compile-objects.js'), `${services}`, `${endpoints}`]);
    const measured = JSON.parse(stdout);
    compilations.push(measured.milliseconds);
    chains = String(measured.chains);
  }
  const load = median(loads);
  const compilation = median(compilations);
  const peak = Number(readFileSync(join(folder, 'peak'), 'utf8')) / 1024;
  return [
    services.toLocaleString('en'),
    milliseconds(compilation),
    milliseconds(median(runs)),
    `${peak.toFixed(0)} MB`,
    milliseconds(load),
    (compilation / load).toFixed(2),
    (median(runs) / load).toFixed(2),
    chains,
  ];
}

/**
 * @param {string} input
 * @param {string} output
 */
function runCli(input, output) {
  const memory = ['--import', join(root, 'bench/report-memory.js')];
  const args = [join(root, 'bin/svc2nft.js'), 'compile', input, '--cluster-cidr', '10.128.0.0/9', '-o', output];
  return execa('node', [...memory, ...args], { env: { PEAK_MEMORY_FILE: join(folder, 'peak') } });
}

/** @param {() => Promise<unknown>} action */
async function timed(action) {
  const start = performance.now();
  await action();
  return performance.now() - start;
}

/** @param {number[]} values */
function median(values) {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** @param {number} value */
function milliseconds(value) {
  return `${value.toFixed(0)} ms`;
}

/** @param {string[]} cells */
function print(cells) {
  process.stdout.write(`| ${cells.join(' | ')} |\n`);
}
