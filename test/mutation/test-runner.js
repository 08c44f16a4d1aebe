import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadConfigFromFile } from 'vite';
import { BaseSequencer, createVitest } from 'vitest/node';
import { blockOf, listBlocks } from './list-blocks.js';
import { mayRun, readRecord } from './record-blocks.js';

/*
 * A process that runs the tests that run a part of a file, with another text in place of the file. The file itself is
 * never written: vite is given the other text. Its parent sends {path, code, start, end} and gets {failed}, the first test
 * file that fails, or undefined. Modules stay loaded between the runs, and the parent ends the process where a mutant
 * never ends.
 */

const root = fileURLToPath(new URL('../../', import.meta.url));
const nothing = { path: '', code: '' };
const without = process.argv[2] ? new RegExp(process.argv[2]) : undefined;
let planted = nothing;

const plugin = {
  name: 'plant',
  enforce: 'pre',
  load: (id) => (id === planted.path ? planted.code : undefined),
};

/** Test files that fail without a mutant: their failure means nothing. */
const failing = new Set();

/** Test files that passed in this process, without or with a mutant. */
const passed = new Set();

/** Of the run that goes on: vitest's own list has the modules of earlier runs, too. */
let failedModule;
const ended = new Set();

const reporter = {
  onTestModuleEnd(module) {
    if (module.state() === 'failed') {
      failedModule ??= module.moduleId;
    } else if (module.state() === 'passed') {
      passed.add(module.moduleId);
      ended.add(module.moduleId);
    }
  },
};

/** The tests in the order given. */
class AsGiven extends BaseSequencer {
  sort(specifications) {
    return specifications;
  }
}

const options = await readOptions();
const vitest = await createVitest('test', options, { configFile: false, plugins: [plugin] });
const specifications = (await vitest.globTestSpecifications()).filter(({ moduleId }) => !without?.test(moduleId));
const record = await readRecord({
  options: { ...options, bail: 0 },
  sources: execFileSync('git', ['ls-files', '--', 'src'], { cwd: root, encoding: 'utf8' })
    .split('\n')
    .filter((file) => file.endsWith('.ts') && !file.endsWith('/compiled-schemas.ts'))
    .map((file) => join(root, file)),
  tests: specifications.map(({ moduleId }) => moduleId),
});
for (const { moduleId } of specifications) {
  const { passes } = record.tests[moduleId] ?? {};
  if (passes) {
    passed.add(moduleId);
  } else if (passes === false) {
    leaveOut(moduleId);
  }
}
process.on('message', async (mutant) => {
  const failed = await findFailure(mutant);
  process.send({ failed }, () => undefined);
});
process.on('disconnect', () => process.exit());
process.send({ ready: true });

async function readOptions() {
  const { config } = await loadConfigFromFile({ command: 'serve', mode: 'test' }, 'vitest.config.ts', root);
  const { projects, ...shared } = config.test;
  const unit = projects.find(({ test }) => test.name === 'unit').test;
  return {
    ...shared,
    ...unit,
    config: false,
    root,
    watch: false,
    bail: 1,
    // One failure is enough, so that tests that run side by side would mostly run for nothing.
    maxWorkers: 1,
    reporters: [reporter],
    sequence: { sequencer: AsGiven },
  };
}

function leaveOut(moduleId) {
  failing.add(moduleId);
  console.warn(`${moduleId.slice(root.length)} is left out: it fails without any mutant`);
}

/** Tests that run the mutant, the nearest first and the quickest of them, as most mutants fail there. */
async function findFailure(mutant) {
  const block = blockOf(listBlocks(readFileSync(mutant.path, 'utf8')), mutant);
  const runsIt = ({ moduleId }) => mayRun(record, { test: moduleId, path: mutant.path, block });
  const rank = ({ moduleId }) => [
    -foldersInCommon(moduleId, mutant.path),
    record.tests[moduleId]?.duration ?? Number.POSITIVE_INFINITY,
  ];
  const ranked = specifications.filter(runsIt).map((specification) => ({ specification, rank: rank(specification) }));
  const [near, duration] = [0, 1];
  ranked.sort((a, b) => a.rank[near] - b.rank[near] || a.rank[duration] - b.rank[duration]);
  return runUntilFailure(
    ranked.map(({ specification }) => specification),
    mutant,
  );
}

/** Of `test/diff/a.test.ts` and `src/diff/b.ts` 1: tests mirror src. */
function foldersInCommon(test, file) {
  const [inTest, inSource] = [test, file].map((path) => path.slice(root.length).split('/').slice(1, -1));
  const different = inSource.findIndex((folder, index) => folder !== inTest[index]);
  return different < 0 ? inSource.length : different;
}

async function runUntilFailure(chosen, mutant) {
  const trusted = chosen.filter(({ moduleId }) => !failing.has(moduleId));
  const failed = await firstFailure(trusted, mutant);
  if (failed === undefined || passed.has(failed.moduleId)) {
    return failed?.moduleId.slice(root.length);
  }
  if ((await firstFailure([failed], { ...nothing, path: mutant.path })) !== undefined) {
    leaveOut(failed.moduleId);
  }
  passed.add(failed.moduleId);
  return runUntilFailure([failed, ...chosen.filter((specification) => specification !== failed)], mutant);
}

async function firstFailure(chosen, { path, code }) {
  // A run that ended at its first failure leaves processes that would go on with the modules of the mutant before.
  await vitest.pool?.close?.();
  // Both the one that goes and the one that comes.
  vitest.invalidateFile(planted.path);
  vitest.invalidateFile(path);
  planted = code === '' ? nothing : { path, code };
  if (chosen.length === 0) {
    return undefined;
  }
  failedModule = undefined;
  ended.clear();
  const { unhandledErrors } = await vitest.runTestSpecifications(chosen);
  if (unhandledErrors.length > 0) {
    return chosen[0];
  }
  const failed = chosen.find(({ moduleId }) => moduleId === failedModule);
  const skipped = chosen.filter(({ moduleId }) => !ended.has(moduleId));
  if (!failed && skipped.length > 0) {
    console.warn(`not run: ${skipped.map(({ moduleId }) => moduleId.slice(root.length)).join(' ')}`);
  }
  return failed;
}
