// @ts-check
/**
 * `node measure-random.js SERVICES CHANGES`: changes of all sorts in a row, each until nft has returned. Prints the
 * milliseconds of every change as JSON: in `engine.update` alone, and with nft.
 */
import { createEngine } from '../dist/index.js';
import { generateCluster } from './generate-cluster.js';
import { compileOptions } from './layouts/write-ruleset.js';
import { openNamespace } from './tools/open-namespace.js';
import { randomChanges } from './tools/random-changes.js';
import { timeUpdate } from './tools/time-update.js';

const [services = 0, changes = 0] = process.argv.slice(2).map(Number);
const { items } = generateCluster({ services, endpoints: 10 });
const engine = createEngine(compileOptions);
const node = await openNamespace();
timeUpdate(engine, node, { apply: items, complete: true });
const next = randomChanges(items);
const times = [];
for (let number = 0; number < changes; number++) {
  times.push(timeUpdate(engine, node, next()));
}
await node.close();
process.stdout.write(JSON.stringify(times));
