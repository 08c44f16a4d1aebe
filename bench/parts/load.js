// @ts-check
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateCluster } from '../generate-cluster.js';
import { kubeProxy135 } from '../layouts/kube-proxy-135.js';
import { kubeProxy138 } from '../layouts/kube-proxy-138.js';
import { writeFlatRuleset, writePeerRuleset } from '../layouts/write-ruleset.js';
import { measureProcess } from '../tools/measure-process.js';
import { printMeasuredRows } from '../tools/print-measured-rows.js';
import { formatTime } from '../tools/print-table.js';
import { median } from '../tools/statistics.js';

/** @typedef {import('../tools/measure-process.js').Measured} Measured */

const peers = [kubeProxy138, kubeProxy135];
const endpoints = 10;
/** Seconds for one load, and for all loads of one ruleset: slow ones are loaded less often. */
const limit = 60;
const budget = 15;

/**
 * Full loads in turn: our ruleset and those of kube-proxy, each into an empty network namespace.
 *
 * @param {number[]} sizes
 */
export async function measureLoads(sizes) {
  await printMeasuredRows(
    `Full load with \`nft -f\`, one transaction, ${endpoints} endpoints each, no affinity: medians of up to 5 rounds in turn, ` +
      `fewer where they take more than ${budget} s together; stopped after ${limit} s. Memory is the peak of nft.`,
    ['Services', 'svc2nft', 'memory', ...peers.flatMap(({ title }) => [title, 'memory', 'x'])],
    sizes,
    measureRow,
  );
}

/**
 * @param {string} folder
 * @param {number} services
 */
async function measureRow(folder, services) {
  const { items } = generateCluster({ services, endpoints, affinity: false });
  const files = [writeFlatRuleset(items), ...peers.map((layout) => writePeerRuleset(layout, items))].map(
    (text, index) => {
      const file = join(folder, `${index}.nft`);
      writeFileSync(file, text);
      return file;
    },
  );
  const [ours = [], ...others] = await measureInTurn(files);
  return [
    services.toLocaleString('en'),
    ...describeLoads(ours),
    ...others.flatMap((other) => [...describeLoads(other), describeRatio(other, ours)]),
  ];
}

/**
 * @param {string[]} files
 * @returns {Promise<Measured[][]>} for each file
 */
async function measureInTurn(files) {
  /** @type {Measured[][]} */
  const loads = files.map(() => []);
  for (let round = 0; round < 5; round++) {
    for (const [index, file] of files.entries()) {
      const earlier = loads[index] ?? [];
      const spent = earlier.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
      if (spent < budget * 1000) {
        earlier.push(await measureProcess(['nft', '-f', file], { limit }));
      }
    }
  }
  return loads;
}

/** @param {Measured[]} loads */
function describeLoads(loads) {
  const memory = `${median(loads.map(({ megabytes }) => megabytes)).toFixed(0)} MB`;
  return [wasStopped(loads) ? `> ${limit} s` : formatTime(time(loads)), memory];
}

/**
 * @param {Measured[]} loads
 * @param {Measured[]} ours
 */
function describeRatio(loads, ours) {
  const ratio = (time(loads) / time(ours)).toFixed(1);
  return wasStopped(loads) ? `> ${ratio}` : ratio;
}

/** @param {Measured[]} loads */
function time(loads) {
  return median(loads.map(({ milliseconds }) => milliseconds));
}

/** @param {Measured[]} loads */
function wasStopped(loads) {
  return loads.some(({ stopped }) => stopped);
}
