// @ts-check
/**
 * `node bench/read-text.js FILE [position]`: reads a file of objects, and finds the position of the last one's kind if
 * asked. Prints how long it took, in milliseconds, and how long processors worked on it.
 */

import { readFileSync } from 'node:fs';
import { readDocuments } from '../dist/index.js';

const [file = '', task] = process.argv.slice(2);
const content = readFileSync(file);
const start = performance.now();
const startOfWork = process.cpuUsage();
const { documents, diagnostics } = readDocuments([{ file, content }]);
const last = documents.at(-1);
if (diagnostics.length > 0 || !last) {
  throw new Error(`${file} is not read as it should be`);
}
if (task === 'position') {
  last.source.locate([...last.path, 'kind']);
}
const { user, system } = process.cpuUsage(startOfWork);
process.stdout.write(JSON.stringify({ milliseconds: performance.now() - start, work: (user + system) / 1000 }));
