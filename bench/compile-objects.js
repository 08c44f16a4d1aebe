// @ts-check
/** Times `compile` on parsed objects: `node compile-objects.js SERVICES ENDPOINTS` prints the median of five, warmed up. */
import { Bench } from 'tinybench';
import { compile, documentsOf } from '../dist/index.js';
import { generateCluster } from './generate-cluster.js';

const [services = 0, endpoints = 0] = process.argv.slice(2).map(Number);
const { items } = generateCluster({ services, endpoints });
const bench = new Bench({ iterations: 5, time: 0, warmupIterations: 2, warmupTime: 0 });
let chains = 0;
bench.add('compile', () => {
  const { rulesets, text } = compile(documentsOf(items), { clusterCIDRs: ['10.128.0.0/9'] });
  if (!text || !rulesets) {
    throw new Error('the generated cluster does not compile');
  }
  chains = rulesets[0]?.chains.length ?? 0;
});
await bench.run();
const result = bench.tasks[0]?.result;
if (!result || !('latency' in result)) {
  throw new Error('no measurement');
}
process.stdout.write(JSON.stringify({ milliseconds: result.latency.p50, chains }));
