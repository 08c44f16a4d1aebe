import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createVitest } from 'vitest/node';
import { listBlocks, recordBlocks } from './list-blocks.js';

/*
 * Which blocks of src each test file runs, so that a mutant needs only the tests that run it. It is kept in node_modules
 * for the next time. Test files that changed since are recorded again; all are, when a tenth of src has changed.
 */

const kept = fileURLToPath(new URL('../../node_modules/.cache/mutate/blocks.json', import.meta.url));

/**
 * The record: `files` has the SHA-256 of each file in src; `tests` has for each test file its own SHA-256, whether it
 * passed, its milliseconds, and for each file in src the blocks that it ran.
 */
export async function readRecord({ options, sources, tests }) {
  const files = Object.fromEntries(sources.map((path) => [path, hashOf(path)]));
  const record = readKept();
  const changed = sources.filter((path) => record.files[path] !== files[path]);
  const isOld = changed.length > sources.length / 10;
  const missing = tests.filter((path) => isOld || record.tests[path]?.hash !== hashOf(path));
  if (missing.length === 0) {
    return record;
  }
  const recorded = await runAndRecord({ options, sources, tests: missing });
  // Blocks of a file that has changed have other numbers in what was recorded before, and a new file has none there.
  const marks = changed.flatMap((path) => (record.files[path] ? [[path, 'changed']] : []));
  const renewed = isOld
    ? { files, tests: recorded }
    : { files: { ...record.files, ...Object.fromEntries(marks) }, tests: { ...record.tests, ...recorded } };
  mkdirSync(dirname(kept), { recursive: true });
  writeFileSync(kept, JSON.stringify(renewed));
  return renewed;
}

function readKept() {
  try {
    return JSON.parse(readFileSync(kept, 'utf8'));
  } catch {
    return { files: {}, tests: {} };
  }
}

/** Whether a test file runs a block of a file; true if it may. */
export function mayRun(record, { test, path, block }) {
  const { blocks } = record.tests[test] ?? {};
  if (!blocks || !record.files[path]) {
    return true;
  }
  const isCurrent = record.files[path] === hashOf(path);
  return Boolean(isCurrent ? blocks[path]?.includes(block) : blocks[path]);
}

function hashOf(path) {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}

async function runAndRecord({ options, sources, tests }) {
  console.log(`recording what ${tests.length} test files run`);
  const folder = mkdtempSync(join(tmpdir(), 'mutate-'));
  const first = new Map();
  let size = 0;
  for (const path of sources) {
    first.set(path, size);
    size += listBlocks(readFileSync(path, 'utf8')).length;
  }
  const plugin = {
    name: 'record',
    enforce: 'pre',
    load: (id) => (first.has(id) ? recordBlocks(readFileSync(id, 'utf8'), first.get(id)) : undefined),
  };
  const recorded = {};
  const reporter = {
    onTestModuleEnd(module) {
      const { duration } = module.diagnostic();
      const hash = hashOf(module.moduleId);
      recorded[module.moduleId] = { hash, passes: module.state() !== 'failed', duration };
    },
  };
  const setupFiles = [fileURLToPath(new URL('save-blocks-run.js', import.meta.url)), ...options.setupFiles];
  const provide = { blocks: { size, folder } };
  // Without isolation, what one test file has loaded or compiled would not run in the next.
  const vitest = await createVitest(
    'test',
    { ...options, isolate: true, setupFiles, provide, reporters: [reporter] },
    { configFile: false, plugins: [plugin] },
  );
  const specifications = await vitest.globTestSpecifications();
  await vitest.runTestSpecifications(specifications.filter(({ moduleId }) => tests.includes(moduleId)));
  await vitest.close();
  for (const [test, entry] of Object.entries(recorded)) {
    entry.blocks = readBlocks(join(folder, createHash('sha256').update(test).digest('hex')), { first, size });
  }
  rmSync(folder, { recursive: true });
  return recorded;
}

/** Undefined if the test file has written nothing: it may run anything. */
function readBlocks(path, { first, size }) {
  let bits;
  try {
    bits = readFileSync(path);
  } catch {
    return undefined;
  }
  const paths = [...first.keys()];
  const ofFile = (path, index) => bits.subarray(first.get(path), first.get(paths[index + 1]) ?? size);
  const blocks = paths.map((path, index) => [
    path,
    [...ofFile(path, index)].flatMap((bit, block) => (bit ? [block] : [])),
  ]);
  return Object.fromEntries(blocks.filter(([, run]) => run.length > 0));
}
