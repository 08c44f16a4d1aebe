// @ts-check
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateCluster } from '../generate-cluster.js';
import { clusterCIDR } from '../layouts/write-fixed-part.js';
import { measureProcess } from '../tools/measure-process.js';
import { printMeasuredRows } from '../tools/print-measured-rows.js';

const root = new URL('../..', import.meta.url).pathname;

/**
 * Peak memory of our processes, and of nft when it loads our ruleset. For kube-proxy's rulesets see the loads.
 *
 * @param {number[]} sizes
 */
export async function measureMemory(sizes) {
  await printMeasuredRows(
    'Peak memory of a process, 10 endpoints each, every tenth Service with affinity. "engine": takes all objects at once, then ' +
      '1,000 changes; its peak has the objects in it, "held" is what the engine keeps on the heap without them.',
    ['Services', 'CLI, JSON -> text', 'engine', 'engine, held', 'nft -f'],
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
  writeFileSync(input, JSON.stringify(generateCluster({ services, endpoints: 10 }), undefined, 4));
  const cli = ['node', join(root, 'bin/svc2nft.js'), 'compile', input, '--cluster-cidr', clusterCIDR, '--file', output];
  const compiled = await measureProcess(cli);
  const engine = await measureProcess(['node', '--expose-gc', join(root, 'bench/measure-engine.js'), `${services}`]);
  const loaded = await measureProcess(['nft', '-f', output]);
  const { held } = JSON.parse(engine.stdout);
  return [
    services.toLocaleString('en'),
    ...[compiled.megabytes, engine.megabytes, held, loaded.megabytes].map((megabytes) => `${megabytes.toFixed(0)} MB`),
  ];
}
