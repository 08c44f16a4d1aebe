// @ts-check
/**
 * `node --expose-gc measure-engine.js SERVICES`: an engine that takes a whole cluster at once and then 1,000 changes.
 * Prints megabytes as JSON: what lives on the heap before the objects are there, and at the end without them.
 */
import { createEngine } from '../dist/index.js';
import { generateCluster } from './generate-cluster.js';
import { compileOptions } from './layouts/write-ruleset.js';
import { randomChanges } from './tools/random-changes.js';

const [services = 0] = process.argv.slice(2).map(Number);
const engine = createEngine(compileOptions);
const before = heap();
run();
process.stdout.write(JSON.stringify({ held: heap() - before, chains: engine.rulesets()[0]?.chains.length }));

/** In a function of its own, so that nothing else keeps the objects. */
function run() {
  const { items } = generateCluster({ services, endpoints: 10 });
  engine.update({ apply: items, complete: true });
  const next = randomChanges(items);
  for (let number = 0; number < 1_000; number++) {
    engine.update(next());
  }
}

function heap() {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed / 2 ** 20;
}
