import { expect, test } from 'vitest';
import { blockOf, listBlocks, recordBlocks } from './list-blocks.js';
import { listMutants } from './list-mutants.js';

/** The numbers of the blocks that the code runs. */
function blocksRun(code: string): number[] {
  const run: Record<number, 1> = {};
  new Function('globalThis', recordBlocks(code, 0))({ blocksRun: run });
  return Object.keys(run).map(Number);
}

test.each([
  ['const a = 1;', [0]],
  ['function f() { return 1; }', [0]],
  ['function f() { return 1; } f();', [0, 1]],
  ['const f = () => 1; f();', [0, 1]],
  ['const f = () => ({ a: () => 1 }); f();', [0, 1]],
  ['const f = () => () => 1; f()();', [0, 1, 2]],
  ['if (false) { f(); } else { (() => 1)(); }', [0, 2, 3]],
  ['for (const a of [1]) { try { throw a; } catch { a; } }', [0, 1, 2, 3]],
])('%s runs %j', (code, expected) => {
  expect(blocksRun(code)).toEqual(expected);
});

test.each([
  ['const a = 1;', 0],
  ['function f() { return a === b; }', 1],
  ['if (x) { a = 1; }', 1],
  ['const f = (a) => a === b;', 1],
  ['const f = (a = 1) => a;', 0],
])('in %s the last mutant is in block %i', (code, expected) => {
  const mutant = listMutants(code).at(-1);
  expect(mutant && blockOf(listBlocks(code), mutant)).toBe(expected);
});
