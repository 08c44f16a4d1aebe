import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TextError } from '../../../src/lib/text.ts';
import { parseOne } from './parse-one.ts';

const ours = { family: 'ip', table: 'svc2nft' } as const;
const golden = readFileSync(
  new URL('../../../golden/affinity/client-affinity-over-udp-and-sctp.nft', import.meta.url),
  'utf8',
);

/** What nft text may contain. */
const pieces = [
  '{',
  '}',
  '"',
  '#',
  '\n',
  ';',
  ',',
  ':',
  '.',
  '[',
  ']',
  '=',
  '!=',
  '@',
  '\\',
  '/',
  '-',
  '\0',
  '\u202e',
  ' ',
];
const words = [
  'table',
  'ip',
  'set',
  'map',
  'chain',
  'elements',
  'type',
  'typeof',
  'timeout',
  'comment',
  'dnat',
  'vmap',
  'add',
  'flush',
];

/** Undefined, or the error of the text; anything else that is thrown fails the test. */
function errorOf(text: string): TextError | undefined {
  try {
    parseOne(text, ours);
    return undefined;
  } catch (error) {
    if (error instanceof TextError) {
      return error;
    }
    throw error;
  }
}

/** The deviations; none for text that is wrong. */
function messagesOf(text: string): string[] {
  return errorOf(text) ? [] : (parseOne(text, ours)?.deviations.map(({ message }) => message) ?? []);
}

function inTable(body: string): string {
  return `table ip svc2nft {\n${body}\n}\n`;
}

describe('wrong text is an error with a place inside the text, and nothing else is thrown', () => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);

  test(`golden text cut anywhere, SEED=${seed}`, () => {
    const table = golden.indexOf('table ip svc2nft {');
    const end = golden.indexOf('\n}\n', table);
    fc.assert(
      fc.property(fc.integer({ min: table + 20, max: end }), (length) => {
        expect(errorOf(golden.slice(0, length))).toBeInstanceOf(TextError);
      }),
      { seed, numRuns: 200 },
    );
  });

  test(`golden text with pieces inserted or removed, SEED=${seed}`, () => {
    const change = fc.record({
      at: fc.integer({ min: 0, max: golden.length }),
      gone: fc.integer({ min: 0, max: 8 }),
      put: fc.array(fc.constantFrom(...pieces, ...words), { maxLength: 4 }).map((put) => put.join('')),
    });
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        const text = changes.reduce(
          (before, { at, gone, put }) => before.slice(0, at) + put + before.slice(at + gone),
          golden,
        );
        const error = errorOf(text);
        const lines = text.split('\n');
        expect(error === undefined || lines[error.line - 1]?.startsWith(error.lineText)).toBe(true);
        expect(error === undefined || error.column <= error.lineText.length + 1).toBe(true);
      }),
      { seed, numRuns: 300 },
    );
  });

  test('golden text without one of its closing quotes: the place is that of the opening one', () => {
    const quotes = [...golden.matchAll(/"[^"]*"/g)].filter(({ index }) => index < golden.indexOf('\n}\n'));
    expect(quotes.length).toBeGreaterThan(20);
    for (const { index, 0: quoted } of quotes) {
      const close = index + quoted.length - 1;
      const error = errorOf(golden.slice(0, close) + golden.slice(close + 1));
      const before = golden.slice(0, index).split('\n');
      expect(error).toMatchObject({ line: before.length, column: (before.at(-1)?.length ?? 0) + 1 });
      expect(error?.message).toMatch(
        /^this quote(d text is not closed on its line, or line [0-9]+ is wrong: | is never closed$)/,
      );
    }
  });

  test(`deviations of mangled text are readable, SEED=${seed}`, () => {
    const piece = fc.record({ at: fc.integer({ min: 0, max: golden.length }), gone: fc.integer({ min: 0, max: 40 }) });
    fc.assert(
      fc.property(fc.array(piece, { minLength: 1, maxLength: 4 }), (pieces) => {
        const text = pieces.reduce((before, { at, gone }) => before.slice(0, at) + before.slice(at + gone), golden);
        expect(messagesOf(text).filter((message) => /undefined|\[object|null|NaN/.test(message))).toEqual([]);
      }),
      { seed, numRuns: 300 },
    );
  });

  test.each([
    ['chain c { type; }', 'chain c: unexpected empty type'],
    ['chain c { type nat; }', 'chain c: unexpected type nat without hook and priority'],
    ['chain c { type nat hook; }', 'chain c: unexpected type nat without hook and priority'],
    ['chain c { type nat hook input priority; }', 'chain c: unexpected type nat hook input without priority'],
    ['set s { size 3; }', 'set s: unexpected empty type'],
    ['map m { type ipv4_addr; }', 'map m: unexpected type ipv4_addr without a value type'],
  ])('a missing part is named: %s', (body, message) => {
    expect(messagesOf(inTable(body))).toEqual([message]);
  });

  test(`words in any order, SEED=${seed}`, () => {
    const text = fc.array(fc.constantFrom(...pieces, ...words, 'svc2nft', 'ip daddr', '10.0.0.1', '80', '1h'), {
      maxLength: 60,
    });
    fc.assert(
      fc.property(text, (parts) => {
        errorOf(parts.join(' '));
        errorOf(inTable(parts.join(' ')));
        errorOf(inTable(`chain c {\n${parts.join(' ')}\n}`));
        errorOf(inTable(`map m { type ipv4_addr : verdict; elements = { ${parts.join(' ')} } }`));
      }),
      { seed, numRuns: 500 },
    );
  });
});

describe('text that nft allows but never prints', () => {
  test('strings with braces, backslashes, number signs and line feeds', () => {
    const odd = 'a } { # \\ ; \n "'.replace('"', '');
    const text = `table inet x { chain c { drop comment "${odd}" } } # }\n${inTable(
      `comment "${odd}"\nset s { type ipv4_addr\ncomment "${odd}"\nelements = { 10.0.0.1 comment "${odd}" } }`,
    )}`;
    const ruleset = parseOne(text, ours)?.ruleset;
    expect(ruleset).toEqual({
      ...ours,
      comment: odd,
      sets: [{ name: 's', key: ['address'], comment: odd, elements: [{ key: '10.0.0.1', comment: odd }] }],
      chains: [],
    });
  });

  test('names of object properties change nothing', () => {
    const text = inTable(
      'set __proto__ { type ipv4_addr; __proto__ 1; }\nset s { type ipv4_addr; elements = { 10.0.0.1 constructor 1 } }\n__proto__ x { }',
    );
    expect(
      parseOne(text, ours)
        ?.deviations.map(({ message }) => message)
        .sort(),
    ).toEqual(['set s: one element has a constructor (10.0.0.1)', 'unknown __proto__ x', 'unknown set __proto__']);
    expect(Object.keys(Object.prototype)).toEqual([]);
  });

  test.each([
    ['timeout soon', 'expected a time, found "soon"'],
    ['expires', 'expected a time, found "}"'],
    ['comment', 'expected a comment, found "}"'],
    ['val 1', 'expected "," or "}", found "val"'],
  ])('details of an element that nft never prints are an error: %s', (details, message) => {
    const text = inTable(`set s { type ipv4_addr; elements = { 10.0.0.1 ${details} } }`);
    expect(errorOf(text)?.message).toBe(message);
  });

  test('control characters of names reach no message', () => {
    const text = inTable('chain \u001b[31mred { drop }\nchain c { drop comment "x" }');
    expect(errorOf(text)?.message).toBe('expected "{", found "["');
    expect(parseOne(inTable('chain \u001b31mred { drop }'), ours)?.deviations).toEqual([
      { message: 'unknown chain \\u001b31mred', needsRebuild: true },
    ]);
  });

  test.each([
    ['one word', 'a'.repeat(10_000_000)],
    ['one string', `comment "${'a'.repeat(10_000_000)}"`],
    ['elements on one line', `set s { type ipv4_addr; elements = { ${'10.0.0.1, '.repeat(1_000_000)} } }`],
    ['a rule', `chain c { ${'ip daddr '.repeat(1_000_000)} }`],
    ['a prefix of prefixes', `chain c { ip daddr ${'1/'.repeat(5_000_000)} }`],
    ['a range of ranges', `set s { type ipv4_addr; elements = { ${'1-'.repeat(5_000_000)} } }`],
    ['a duration', `set s { type ipv4_addr; timeout ${'1'.repeat(5_000_000)}; }`],
    ['a concatenation', `chain c { ${'ip daddr . '.repeat(500_000)} ip daddr @x }`],
    ['blanks', ' '.repeat(10_000_000)],
    ['comments', '# }\n'.repeat(1_000_000)],
    ['open braces', '{'.repeat(5_000_000)],
    ['braces in a rule', `chain c { ${'jump { '.repeat(500_000)} ${'} '.repeat(500_000)} }`],
    ['braces in a foreign object', `counter c { ${'{ '.repeat(500_000)} ${'} '.repeat(500_000)} }`],
    ['sets', Array.from({ length: 50_000 }, (_, index) => `set s${index} { type ipv4_addr; }`).join('\n')],
    ['lines of elements', `set s { type ipv4_addr\n${'elements = { 10.0.0.1 }\n'.repeat(200_000)}}`],
    ['types and elements', `set s { type ${'a . '.repeat(500_000)}a\n${'elements = { 10.0.0.1 }\n'.repeat(100_000)}}`],
    [
      'foreign tables',
      `}\n${Array.from({ length: 200_000 }, (_, index) => `table ip t${index} { }\n`).join('')}table ip u {`,
    ],
    ['deleted tables', `}\n${'delete table ip x\n'.repeat(200_000)}table ip u {`],
    ['strings over lines', '\ncomment "a\n"'.repeat(500_000)],
  ])('ten megabytes of %s', (_, body) => {
    const error = errorOf(inTable(body));
    expect(error === undefined || error.message.length < 200).toBe(true);
  });
});
