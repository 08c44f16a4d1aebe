// @ts-check
import { execa } from 'execa';
import { formatTime, printTable } from '../tools/print-table.js';
import { percentile } from '../tools/statistics.js';

const program = new URL('../measure-random.js', import.meta.url).pathname;
const changes = 10_000;

/**
 * Many changes of all sorts, one after the other.
 *
 * @param {number[]} sizes
 */
export async function measureRandomChanges(sizes) {
  const rows = [];
  for (const services of sizes) {
    const { stdout } = await execa('node', [program, `${services}`, `${changes}`], { maxBuffer: 2 ** 30 });
    /** @type {[number, number][]} */
    const times = JSON.parse(stdout);
    const columns = [times.map(([engine]) => engine), times.map(([, whole]) => whole)];
    rows.push([
      services.toLocaleString('en'),
      ...columns.flatMap((column) => [50, 99, 100].map((percent) => formatTime(percentile(column, percent)))),
    ]);
  }
  printTable(
    `${changes.toLocaleString('en')} changes in a row, 10 endpoints each at first, every tenth Service with affinity: in 10 of 100 a Service ` +
      'added again, in 10 removed with its slice, else one endpoint added, removed, made unready or ready. "engine": ' +
      '`engine.update` alone; "+ nft": that and `nft -f -`, until it has returned.',
    ['Services', 'engine', 'p99', 'worst', '+ nft', 'p99', 'worst'],
    rows,
  );
}
