import { fileURLToPath } from 'node:url';
import { loadConfigFromFile } from 'vite';
import { BaseSequencer, createVitest } from 'vitest/node';

/*
 * A process that runs the tests that a file's imports reach, with another text in place of the file. The file itself is
 * never written: vite is given the other text. Its parent sends {path, code} and gets {failed}, the first test file that
 * fails, or undefined. Modules stay loaded between the runs, and the parent ends the process where a mutant never ends.
 */

const root = fileURLToPath(new URL('../../', import.meta.url));
const nothing = { path: '', code: '' };
let planted = nothing;

const plugin = {
  name: 'plant',
  enforce: 'pre',
  load: (id) => (id === planted.path ? planted.code : undefined),
};

/** Test files by whether they pass without a mutant: only then does their failure mean anything. */
const passes = new Map();

/** Milliseconds that test files took. */
const durations = new Map();

/** Of the run that goes on: vitest's own list has the modules of earlier runs, too. */
let failedModule;

const reporter = {
  onTestModuleEnd(module) {
    durations.set(module.moduleId, module.diagnostic().duration);
    if (module.state() === 'failed') {
      failedModule ??= module.moduleId;
    }
  },
};

/** The quickest tests first, as one failure is enough. */
class QuickestFirst extends BaseSequencer {
  async sort(specifications) {
    const timeOf = ({ moduleId }) => durations.get(moduleId) ?? 0;
    return [...specifications].sort((a, b) => timeOf(a) - timeOf(b));
  }
}

const vitest = await start();
process.on('message', async (mutant) => {
  const failed = await findFailure(mutant);
  process.send({ failed }, () => undefined);
});
process.on('disconnect', () => process.exit());
process.send({ ready: true });

async function start() {
  const { config } = await loadConfigFromFile({ command: 'serve', mode: 'test' }, 'vitest.config.ts', root);
  const { projects, ...shared } = config.test;
  const unit = projects.find(({ test }) => test.name === 'unit').test;
  const options = {
    config: false,
    root,
    watch: false,
    bail: 1,
    reporters: [reporter],
    sequence: { sequencer: QuickestFirst },
  };
  return createVitest('test', { ...shared, ...unit, ...options }, { configFile: false, plugins: [plugin] });
}

async function findFailure(mutant) {
  vitest.config.related = [mutant.path];
  const related = await vitest.getRelevantTestSpecifications();
  const specifications = related.filter(
    ({ moduleId }) => !mutant.without || !new RegExp(mutant.without).test(moduleId),
  );
  // Most mutants fail near their file, so that the others need not run.
  for (let shared = 3; shared >= 0; shared--) {
    const near = specifications.filter(({ moduleId }) => foldersInCommon(moduleId, mutant.path) === shared);
    const failed = await runUntilFailure(near, mutant);
    if (failed !== undefined) {
      return failed;
    }
  }
  return undefined;
}

/** Of `test/diff/a.test.ts` and `src/diff/b.ts` 1: tests mirror src. */
function foldersInCommon(test, file) {
  const [inTest, inSource] = [test, file].map((path) => path.slice(root.length).split('/').slice(1, -1));
  const different = inSource.findIndex((folder, index) => folder !== inTest[index]);
  return different < 0 ? inSource.length : different;
}

async function runUntilFailure(specifications, mutant) {
  const trusted = specifications.filter(({ moduleId }) => passes.get(moduleId) !== false);
  const failed = await firstFailure(trusted, mutant);
  if (failed === undefined || passes.get(failed.moduleId)) {
    return failed?.moduleId.slice(root.length);
  }
  passes.set(failed.moduleId, (await firstFailure([failed], { ...nothing, path: mutant.path })) === undefined);
  if (!passes.get(failed.moduleId)) {
    console.warn(`${failed.moduleId.slice(root.length)} is left out: it fails without any mutant`);
  }
  return runUntilFailure(specifications, mutant);
}

async function firstFailure(specifications, { path, code }) {
  // A run that ended at its first failure leaves processes that would go on with the modules of the mutant before.
  await vitest.pool?.close?.();
  // Both the one that goes and the one that comes.
  vitest.invalidateFile(planted.path);
  vitest.invalidateFile(path);
  planted = code === '' ? nothing : { path, code };
  if (specifications.length === 0) {
    return undefined;
  }
  failedModule = undefined;
  const { unhandledErrors } = await vitest.runTestSpecifications(specifications);
  return unhandledErrors.length > 0
    ? specifications[0]
    : specifications.find(({ moduleId }) => moduleId === failedModule);
}
