import { execFileSync, fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { listMutants } from './list-mutants.js';

/*
 * Plants single faults in src, one at a time, and lists those that no unit test notices: `npm run mutate -- src/diff --count 20`.
 * Without paths it draws from all of src. Nothing is written: tests get the changed text in place of the file's.
 */

const root = fileURLToPath(new URL('../../', import.meta.url));

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    count: { type: 'string', default: '20' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    /** A regular expression: test files that are not run, because they take long. What survives needs them. */
    without: { type: 'string', default: '' },
    /** Seconds that the tests of one mutant may take. */
    timeout: { type: 'string', default: '300' },
  },
});

/** Texts that are generated, or have no value at run time. */
const leftOut = ['src/phases/2-validate/compiled-schemas.ts'];

function readMutants() {
  // Of `src/diff/pins.ts:40` only the mutants of that line.
  const places = positionals.map((place) => /^(?<path>.+?)(?::(?<line>\d+))?$/.exec(place).groups);
  const paths = positionals.length > 0 ? places.map(({ path }) => path) : ['src'];
  const lines = new Map(places.flatMap(({ path, line }) => (line ? [[path, Number(line)]] : [])));
  const listed = execFileSync('git', ['ls-files', '--', ...paths], { cwd: root, encoding: 'utf8' }).split('\n');
  const files = listed.filter((file) => file.startsWith('src/') && file.endsWith('.ts') && !leftOut.includes(file));
  return files.flatMap((file) => {
    const code = readFileSync(join(root, file), 'utf8');
    const mutants = listMutants(code).map((mutant) => ({ ...mutant, file, code, line: lineOf(code, mutant) }));
    return mutants.filter(({ line }) => !lines.has(file) || line === lines.get(file));
  });
}

function lineOf(code, { start }) {
  return code.slice(0, start).split('\n').length;
}

/** Numbers from 0 to 1 that depend on the seed alone (mulberry32). */
function randomNumbers(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function draw(mutants, count, random) {
  const left = [...mutants];
  const drawn = [];
  while (drawn.length < count && left.length > 0) {
    drawn.push(...left.splice(Math.floor(random() * left.length), 1));
  }
  return drawn;
}

let runner;

/** The process that runs tests, once it is ready. */
async function startRunner() {
  const path = fileURLToPath(new URL('test-runner.js', import.meta.url));
  const child = fork(path, [flags.without], { cwd: root, detached: true });
  await new Promise((resolve, reject) => {
    child.once('message', resolve);
    child.once('exit', () => reject(new Error('the tests cannot be run')));
  });
  return child;
}

function endRunner() {
  if (runner) {
    // Its workers belong to its process group.
    process.kill(-runner.pid, 'SIGKILL');
    runner = undefined;
  }
}

/** The test file that fails, `time` if the tests do not end in time, undefined for a mutant that survives. */
async function tryMutant({ file, code, start, end, replacement }) {
  runner ??= await startRunner();
  const answer = new Promise((resolve, reject) => {
    const late = setTimeout(() => resolve('time'), Number(flags.timeout) * 1000);
    runner.once('message', ({ failed }) => {
      clearTimeout(late);
      resolve(failed);
    });
    runner.once('exit', () => reject(new Error('the process that runs the tests has ended')));
  });
  const planted = code.slice(0, start) + replacement + code.slice(end);
  runner.send({ path: join(root, file), code: planted, start, end });
  const failed = await answer;
  runner.removeAllListeners('exit');
  if (failed === 'time') {
    endRunner();
  }
  return failed;
}

function describe({ file, code, line, start, end, operator, replacement }) {
  const short = (text) => (text.length > 100 ? `${text.slice(0, 100)}...` : text).replaceAll(/\s+/g, ' ');
  return `${file}:${line} ${operator}: ${short(code.slice(start, end))} -> ${short(replacement)}`;
}

const seed = Number(flags.seed);
const mutants = readMutants();
const drawn = draw(mutants, Number(flags.count), randomNumbers(seed));
console.log(`${drawn.length} of ${mutants.length} mutants, seed ${seed}`);
process.once('SIGINT', () => process.exit(130));
process.once('exit', endRunner);
const survivors = [];
for (const mutant of drawn) {
  const failed = await tryMutant(mutant);
  console.log(`${failed === undefined ? 'SURVIVED' : 'killed'} ${describe(mutant)}${failed ? ` (${failed})` : ''}`);
  if (failed === undefined) {
    survivors.push(mutant);
  }
}
console.log(`\n${drawn.length - survivors.length} of ${drawn.length} killed; survivors:`);
for (const mutant of survivors) {
  console.log(describe(mutant));
}
process.exit();
