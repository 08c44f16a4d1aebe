// @ts-check
import { startFloor } from '../contestants/start-floor.js';
import { startProcess } from '../contestants/start-process.js';
import { kubeProxy135 } from '../layouts/kube-proxy-135.js';
import { kubeProxy138 } from '../layouts/kube-proxy-138.js';
import { formatTime, printTable } from '../tools/print-table.js';
import { median, percentile } from '../tools/statistics.js';

/** @typedef {import('../contestants/contestant.js').Contestant} Contestant */

const changes = 200;
const warmUp = 20;
/** Of kube-proxy's layouts: larger ones take minutes to load, and each change takes long. */
const peerLimit = 10_000;
const peerChanges = 40;

/**
 * Adding or removing one endpoint, until the kernel holds it and nft has returned.
 *
 * @param {number[]} sizes
 */
export async function measureChanges(sizes) {
  const rows = [];
  for (const services of sizes) {
    rows.push(await measureRow(services));
  }
  printTable(
    'One endpoint added or removed, 10 each before, all in turn. "engine": `engine.update` alone; "+ nft": that and ' +
      `\`nft -f -\`, until it has returned; ${changes} changes. "add one", "replace one": nft alone, for one element of a table of one ` +
      `set. kube-proxy: nft alone, ${peerChanges} changes, up to ${peerLimit.toLocaleString('en')} Services. Medians; "x": how many times the ` +
      'single element "+ nft" takes, and how many times "+ nft" kube-proxy takes.',
    [
      'Services',
      ...['engine', 'p99', '+ nft', 'p99', 'add one', 'x', 'replace one', 'x'],
      ...[kubeProxy138.title, 'x', kubeProxy135.title, 'x'],
    ],
    rows,
  );
}

/** @param {number} services */
async function measureRow(services) {
  const layouts = services > peerLimit ? [] : [kubeProxy138, kubeProxy135];
  const contestants = [await startFloor(changes), await startProcess(['measure-changes.js', `${services}`], changes)];
  for (const { title } of layouts) {
    contestants.push(await startProcess(['measure-peer-changes.js', `${services}`, title], peerChanges));
  }
  const [floor = [], ours = [], ...peers] = await takeTurns(contestants);
  const [add = Number.NaN, replace = Number.NaN] = [0, 1].map((kind) => median(column(floor, kind)));
  const [engine = [], whole = []] = [0, 1].map((kind) => column(ours, kind));
  return [
    services.toLocaleString('en'),
    ...[median(engine), percentile(engine, 99), median(whole), percentile(whole, 99)].map(formatTime),
    ...[add, replace].flatMap((time) => [formatTime(time), (median(whole) / time).toFixed(1)]),
    ...peers
      .map((peer) => median(column(peer, 0)))
      .flatMap((time) => [formatTime(time), (time / median(whole)).toFixed(1)]),
    ...(peers.length === 0 ? ['', '', '', ''] : []),
  ];
}

/**
 * @param {Contestant[]} contestants
 * @returns {Promise<number[][][]>} of each, the times of its changes
 */
async function takeTurns(contestants) {
  /** @type {number[][][]} */
  const times = contestants.map(() => []);
  for (let number = 0; number < warmUp + changes; number++) {
    for (const [index, { rounds, change }] of contestants.entries()) {
      if (number < warmUp + rounds) {
        times[index]?.push(await change(number));
      }
    }
  }
  for (const { close } of contestants) {
    await close();
  }
  return times.map((some) => some.slice(warmUp));
}

/**
 * @param {number[][]} rows
 * @param {number} index
 */
function column(rows, index) {
  return rows.map((row) => row[index] ?? Number.NaN);
}
