import { stripVTControlCharacters } from 'node:util';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Diagnostic, diagnosticInFile } from '../../src/diagnostics/diagnostic.ts';
import { formatDiagnostic } from '../../src/diagnostics/format-diagnostic.ts';

function about(lineText: string, column: number): Diagnostic {
  return diagnosticInFile('invalid-json', 'wrong', 'in.json', { line: 7, column, lineText });
}

function format(diagnostic: Diagnostic): string {
  return formatDiagnostic(diagnostic, { color: false });
}

test('prints the place, the object, the message, the line and a caret', () => {
  const object = { kind: 'Service', namespace: 'shop', name: 'cart' };
  expect(format({ ...about('port: 70000', 7), object })).toBe(
    'in.json:7:7: error invalid-json: Service shop/cart: wrong\n  port: 70000\n        ^',
  );
});

test('omits a place that is not known', () => {
  expect(format({ code: 'no-node', message: 'none' })).toBe('warning no-node: none');
});

test('cuts long lines around the column and points at the same character', () => {
  const line = `${'a'.repeat(5000)}X${'b'.repeat(5000)}`;
  const [, shown = '', caret = ''] = format(about(line, 5001)).split('\n');
  expect(shown.length).toBeLessThan(110);
  expect(shown.charAt(caret.indexOf('^'))).toBe('X');
});

test.each([40, 60, 81])('cuts them to a terminal of %d columns', (width) => {
  for (const [before, after] of [
    [5000, 5000],
    [3, 500],
    [500, 0],
    [width - 10, 20],
  ] as const) {
    const line = `${'a'.repeat(before)}X${'b'.repeat(after)}`;
    const [, shown = '', caret = ''] = formatDiagnostic(about(line, before + 1), { color: false, width }).split('\n');
    expect(shown.length).toBeLessThanOrEqual(width);
    expect(shown.charAt(caret.indexOf('^'))).toBe('X');
  }
});

test('points at the right character after tabs and control characters', () => {
  const [, shown = '', caret = ''] = format(about('\t\u001b[2JX', 6)).split('\n');
  expect(shown).toBe('  \\t\\u001b[2JX');
  expect(shown.charAt(caret.indexOf('^'))).toBe('X');
});

test('colors only on request, without changing the text', () => {
  const diagnostic = about('port: 70000', 7);
  const colored = formatDiagnostic(diagnostic, { color: true });
  expect(colored).toContain('\u001b[');
  expect(stripVTControlCharacters(colored)).toBe(format(diagnostic));
});

test('escapes control and invisible characters of the input, and prints at most three lines', () => {
  const text = fc.string({ unit: 'binary' });
  fc.assert(
    fc.property(text, text, text, fc.nat(40), (file, message, lineText, column) => {
      const object = { kind: message, namespace: file, name: lineText };
      const position = { line: 1, column: column + 1, lineText };
      const shown = format({ ...diagnosticInFile('invalid-json', message, file, position), object });
      const lines = shown.split('\n');
      expect(lines.length).toBeLessThanOrEqual(3);
      expect(lines.join('')).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u);
    }),
  );
});
