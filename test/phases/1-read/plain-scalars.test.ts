import { describe, expect, test } from 'vitest';
import { resolvePlain } from '../../../src/phases/1-read/plain-scalars.ts';
import { readDocuments } from '../../../src/phases/1-read/read-documents.ts';

/** Each with what sigs.k8s.io/yaml 1.6.0 makes of it. */
const scalars: readonly (readonly [source: string, value: unknown])[] = [
  // Octal, as in YAML 1.1 and 1.2.
  ['0120', 80],
  ['-0120', -80],
  ['+0120', 80],
  ['0o17', 15],
  ['0O17', 15],
  ['00', 0],
  ['0_120', 80],
  ['01777777777777777777777', 2 ** 64],
  // Too many digits for 64 bits, or not octal: decimal, or no number.
  ['02000000000000000000000', 2e21],
  ['08', 8],
  ['0128', 128],
  ['0o18', '0o18'],
  ['0o2000000000000000000000', '0o2000000000000000000000'],
  ['0o', '0o'],
  // Hexadecimal and binary.
  ['0x1F', 31],
  ['-0xff', -255],
  ['0xFFFFFFFFFFFFFFFF', 2 ** 64],
  ['0x1FFFFFFFFFFFFFFFF', '0x1FFFFFFFFFFFFFFFF'],
  ['+0xFFFFFFFFFFFFFFFF', '+0xFFFFFFFFFFFFFFFF'],
  ['0x', '0x'],
  ['0x1p4', '0x1p4'],
  ['0b11', 3],
  ['-0B11', -3],
  ['0b2', '0b2'],
  // Decimal.
  ['0', 0],
  ['-0', 0],
  ['-0.0', -0],
  ['80', 80],
  ['1_000', 1000],
  ['1_', 1],
  ['_1', '_1'],
  ['9223372036854775808', 2 ** 63],
  ['1.', 1],
  ['.5', 0.5],
  ['-.5', -0.5],
  ['.5_0', 0.5],
  ['.5_', '.5_'],
  ['1e3', 1000],
  ['1E-3', 0.001],
  ['1e', '1e'],
  ['1e400', '1e400'],
  ['.', '.'],
  ['-', '-'],
  ['--1', '--1'],
  // Neither base 60 nor times.
  ['1:30', '1:30'],
  ['190:20:30', '190:20:30'],
  ['2026-01-01', '2026-01-01'],
  ['2026-01-01T00:00:00Z', '2026-01-01T00:00:00Z'],
  ['10.96.0.10', '10.96.0.10'],
  ['1.5', 1.5],
  ['fd00::1', 'fd00::1'],
  // Words.
  ['yes', true],
  ['Yes', true],
  ['yEs', 'yEs'],
  ['y', true],
  ['on', true],
  ['true', true],
  ['TRUE', true],
  ['tRUE', 'tRUE'],
  ['no', false],
  ['N', false],
  ['off', false],
  ['False', false],
  ['', null],
  ['~', null],
  ['null', null],
  ['Null', null],
  ['nULL', 'nULL'],
  ['None', 'None'],
  ['nan', 'nan'],
  ['=', '='],
];

test.each(scalars)('%j is %j', (source, value) => {
  expect(resolvePlain(source)).toBe(value);
});

test('there are numbers that JSON does not have', () => {
  expect([resolvePlain('.inf'), resolvePlain('+.Inf'), resolvePlain('-.INF')]).toEqual([Infinity, Infinity, -Infinity]);
  expect([resolvePlain('.nan'), resolvePlain('.NaN')]).toEqual([Number.NaN, Number.NaN]);
});

test('very many digits are read in reasonable time', () => {
  const digits = '7'.repeat(1_000_000);
  for (const source of [digits, `0${digits}`, `0x${digits}`, `-0b${digits}`, `1.${digits}`, `1e${digits}`]) {
    const value = resolvePlain(source);
    expect(value === source || typeof value === 'number').toBe(true);
  }
});

describe('a scalar means the same to both readers', () => {
  const read = (text: string): unknown[] =>
    readDocuments([{ file: 'in', content: Buffer.from(text) }]).documents.map(({ value }) => value);

  // A dash by itself begins an item.
  test.each(scalars.filter(([source]) => source !== '-'))('%j', (source, value) => {
    expect(read(`a: ${source}\n`)).toEqual([{ a: value }]);
    // The anchor is one for the slow reader.
    expect(read(`a: &a ${source}\n`)).toEqual([{ a: value }]);
    expect(read(`a: "${source}"\nb: ['${source}']\n`)).toEqual([{ a: source, b: [source] }]);
    expect(read(`a: !!str ${source}\n`)).toEqual([{ a: source }]);
  });

  test('with a tag that names its type', () => {
    expect(read('a: !!int "0120"\nb: !!bool "yes"\nc: !!null ""\nd: !!float 1\n')).toEqual([
      { a: 80, b: true, c: null, d: 1 },
    ]);
  });

  test('with a tag of YAML 1.1, of which only values of JSON come', () => {
    expect(read('a: !!timestamp 2026-01-01\nb: !!set {x}\nc: !!omap [x: 1]\nd: !!binary aGk=\n')).toEqual([
      { a: '2026-01-01', b: { x: null }, c: [{ x: 1 }], d: 'aGk=' },
    ]);
  });
});
