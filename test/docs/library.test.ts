import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import * as library from '../../src/index.ts';

const reference = readFileSync('docs/library.md', 'utf8');

describe('the reference', () => {
  test('has a heading for every function, and for nothing else', () => {
    const functions = Object.entries(library).flatMap(([name, value]) => (typeof value === 'function' ? [name] : []));
    const headings = [...reference.matchAll(/^### `(\w+)\(/gm)].map(([, name]) => name);
    expect(headings.sort()).toEqual(functions.sort());
  });

  test('names every constant', () => {
    const constants = Object.entries(library).flatMap(([name, value]) => (typeof value === 'function' ? [] : [name]));
    expect(constants.length).toBeGreaterThan(0);
    expect(constants.filter((name) => !reference.includes(`\`${name}\``))).toEqual([]);
  });
});
