// @ts-check
/**
 * `npm run bench [-- [PART ...] [SERVICES ...]]`: each part prints a table in Markdown; docs/performance.md explains them.
 * Without a part all are run; sizes alone are those of `compile`. Needs root: whatever is loaded goes into network
 * namespaces of its own.
 */

import { cpus, release } from 'node:os';
import { execa } from 'execa';
import { measureAgents } from './parts/agent.js';
import { measureChanges } from './parts/change.js';
import { measureChurn } from './parts/churn.js';
import { measureCompilations } from './parts/compile.js';
import { measureDns } from './parts/dns.js';
import { measureLoads } from './parts/load.js';
import { measureLooks } from './parts/look.js';
import { measureMemory } from './parts/memory.js';
import { measurePackets } from './parts/packet.js';
import { measureRandomChanges } from './parts/random.js';
import { measureReading } from './parts/read.js';
import { measureRepairs } from './parts/repair.js';
import { measureStarts, measureUnchanged } from './parts/start.js';

/** @type {Record<string, { sizes: number[], measure: (sizes: number[]) => Promise<void> }>} */
const parts = {
  read: { sizes: [1_000, 6_000], measure: measureReading },
  compile: { sizes: [100, 1_000, 10_000, 30_000], measure: measureCompilations },
  load: { sizes: [1_000, 2_000, 5_000, 10_000], measure: measureLoads },
  start: { sizes: [10_000, 30_000, 44_125], measure: measureStarts },
  unchanged: { sizes: [10_000], measure: measureUnchanged },
  change: { sizes: [1_000, 10_000, 30_000], measure: measureChanges },
  look: { sizes: [1_000, 10_000], measure: measureLooks },
  packet: { sizes: [5_000, 30_000], measure: measurePackets },
  memory: { sizes: [10_000, 30_000], measure: measureMemory },
  agent: { sizes: [1_000, 5_000, 10_000, 30_000], measure: measureAgents },
  churn: { sizes: [10_000], measure: measureChurn },
  repair: { sizes: [1_000, 10_000], measure: measureRepairs },
  random: { sizes: [10_000], measure: measureRandomChanges },
  dns: { sizes: [1_000, 10_000], measure: measureDns },
};

const sizes = process.argv.slice(2).filter((argument) => /^\d+$/.test(argument));
const named = process.argv.slice(2).filter((argument) => !sizes.includes(argument));
const unknown = named.filter((name) => !Object.hasOwn(parts, name));
if (unknown.length > 0) {
  process.stderr.write(`no such part: ${unknown.join(', ')}; there are ${Object.keys(parts).join(', ')}\n`);
  process.exit(2);
}
if (process.getuid?.() !== 0) {
  process.stderr.write('root is needed to create network namespaces\n');
  process.exit(2);
}
await describeMachine();
for (const name of choose()) {
  const part = parts[name];
  await part?.measure(sizes.length > 0 ? sizes.map(Number) : part.sizes);
}

function choose() {
  if (named.length > 0) {
    return named;
  }
  return sizes.length > 0 ? ['compile'] : Object.keys(parts);
}

async function describeMachine() {
  const { stdout } = await execa('nft', ['--version']);
  const nft = /v([\d.]+)/.exec(stdout)?.[1];
  const machine = `${cpus().length} cores, Linux ${release()}, nft ${nft}, Node ${process.versions.node}`;
  process.stdout.write(`${machine}, ${new Date().toISOString().slice(0, 10)}\n\n`);
}
