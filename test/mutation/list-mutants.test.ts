import { expect, test } from 'vitest';
import { listMutants } from './list-mutants.js';

/** The text after each mutant. */
function mutantsOf(code: string): string[] {
  return listMutants(code).map(({ start, end, replacement }) => code.slice(0, start) + replacement + code.slice(end));
}

test.each([
  ['if (a) b();', ['if (!(a)) b();', ';', 'if (a) ;']],
  ['const x = a && b;', ['const x = ((a) || (b));']],
  ['const x = a ?? b;', ['const x = (a);']],
  ['const x = a === b;', ['const x = (a !== b);']],
  ['const x = a <= b;', ['const x = (a < b);']],
  ['const x = a - b;', ['const x = (a + b);']],
  ['const x = !a;', ['const x = (a);']],
  ['const x = 5;', ['const x = 6;']],
  ['const x = true;', ['const x = false;']],
  ['const x = [a];', ['const x = [];']],
  ['const x = [...a];', ['const x = [];', 'const x = [...[]];']],
  ['const x = { ...a };', ['const x = { ...{} };']],
  ['const x = a.filter((b) => b);', ['const x = a;', 'const x = a.filter((b) => !(b));']],
  ['const x = a.some((b) => b);', ['const x = a.every((b) => b);', 'const x = a.some((b) => !(b));']],
  ["const x = () => 'code';", ["const x = () => '';"]],
  ['for (const a of b) {}', [';']],
  ['function f() { return a; }', ['function f() { return undefined; }']],
])('%s', (code, expected) => {
  expect(mutantsOf(code).sort()).toEqual([...expected].sort());
});

test.each([
  'type A = B extends 1 ? 2 : 3;',
  'interface A { readonly b: 1 | true; }',
  'import a from "a";',
  'throw new Error(a ? "b" : "c");',
  'invariant(a === b, "c");',
  'const x: 1 | 2 = a;',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is code
  'const x = `${a ? 1 : 2}`;',
  'const x = "a message";',
  'const x = "a" + b;',
  'function f() { return undefined; }',
])('nothing is planted in %s', (code) => {
  expect(mutantsOf(code)).toEqual([]);
});

test('values are found behind their types', () => {
  expect(mutantsOf('const x = [1 as number] satisfies A;')).toEqual([
    'const x = [] satisfies A;',
    'const x = [2 as number] satisfies A;',
  ]);
});

test('a text that is not TypeScript is refused', () => {
  expect(() => listMutants('const = ;')).toThrow();
});
