// @ts-check
import { printTable } from './print-table.js';
import { withFolder } from './with-folder.js';

/**
 * Measures a row for each number of Services, and prints the table of them.
 *
 * @param {string} text
 * @param {string[]} heading
 * @param {number[]} sizes
 * @param {(folder: string, services: number) => Promise<string[]>} measureRow gets a folder for temporary files, one for all rows.
 */
export async function printMeasuredRows(text, heading, sizes, measureRow) {
  /** @type {string[][]} */
  const rows = [];
  await withFolder(async (folder) => {
    for (const services of sizes) {
      rows.push(await measureRow(folder, services));
    }
  });
  printTable(text, heading, rows);
}
