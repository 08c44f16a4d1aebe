import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { dump } from 'js-yaml';
import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { generateCluster } from '../../../bench/generate-cluster.js';
import { parsePlainYaml } from '../../../src/phases/1-read/parse-plain-yaml.ts';
import { composeYaml, type ParsedYaml, parseYaml } from '../../../src/phases/1-read/parse-yaml.ts';

/** What parsePlainYaml makes of a text; undefined if it leaves the text to composeYaml. */
function readPlain(text: string): unknown[] | undefined {
  return parsePlainYaml(text, () => {})?.map(({ value }) => value);
}

/** What is read of a text, without the positions of values. */
function resultOf(documents: readonly ParsedYaml[]): unknown[] {
  return documents.map((document) =>
    document.kind === 'value' ? document.value : `${document.offset}: ${document.message}`,
  );
}

/** All paths to values, and one to nothing beside each of them. */
function pathsIn(value: unknown, path: (string | number)[] = []): (string | number)[][] {
  const missing = [...path, Array.isArray(value) ? 999_999 : 'missing'];
  if (typeof value !== 'object' || value === null) {
    return [path, missing];
  }
  const below = Object.entries(value).flatMap(([key, child]) =>
    pathsIn(child, [...path, Array.isArray(value) ? Number(key) : key]),
  );
  return [path, missing, ...below];
}

/** Whether the fast reader decides, and that it then agrees with the slow one about values and positions. */
function agrees(text: string, pathsOf: (value: unknown) => (string | number)[][] = pathsIn): boolean {
  const plain = readPlain(text);
  if (!plain) {
    return false;
  }
  const slow = composeYaml(text);
  expect(plain).toEqual(resultOf(slow));
  for (const [index, document] of parseYaml(text).entries()) {
    const other = slow[index];
    for (const path of pathsOf(plain[index])) {
      const offset = document.kind === 'value' && document.locate(path);
      expect({ path, offset }).toEqual({ path, offset: other?.kind === 'value' && other.locate(path) });
    }
  }
  return true;
}

const fixtures = join(import.meta.dirname, '../../../fixtures');
const snapshots = readdirSync(fixtures, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.yaml') && !file.startsWith('bad'))
  .map((file) => readFileSync(join(fixtures, file), 'utf8'));

test('what kubectl and people write is read fast', () => {
  const isSlow = (text: string): boolean => !readPlain(text);
  expect(snapshots.filter((text) => !/[&*!]/.test(text) && isSlow(text))).toEqual([]);
  const kyaml = `---\n{\n  apiVersion: "v1",\n  kind: "Service", # a comment\n  spec: {\n    ports: [{\n      port: 80,\n    }],\n  },\n}\n`;
  expect(readPlain(kyaml)).toEqual([{ apiVersion: 'v1', kind: 'Service', spec: { ports: [{ port: 80 }] } }]);
  const annotation = 'a: |\n  {"b":"c & d *e !f"}\nb: "\\te\\u263a"\nc: \'it\'\'s\'\nd: plain & simple\n';
  expect(readPlain(annotation)).toEqual([{ a: '{"b":"c & d *e !f"}\n', b: '\te☺', c: "it's", d: 'plain & simple' }]);
  expect(readPlain('a: 1\r\nb:\r\n- x\r\n---\r\nc: |\r\n  y\r\n')).toEqual([{ a: 1, b: ['x'] }, { c: 'y\n' }]);
});

test.each([
  ['anchors and aliases', 'a: &a 1\nb: *a\n', [{ a: 1, b: 1 }]],
  ['merges', 'a: &a {k: 1}\nb:\n  <<: *a\n  l: 2\n', [{ a: { k: 1 }, b: { k: 1, l: 2 } }]],
  ['a merge of nothing that has an anchor', 'a:\n  <<: {k: 1}\n', [{ a: { k: 1 } }]],
  ['a merge key in quotes, which is a key', 'a:\n  "<<": 1\n', [{ a: { '<<': 1 } }]],
  ['tags', 'a: !!str 1\nb: !!int "2"\n', [{ a: '1', b: 2 }]],
  ['tags of a program', 'a: !custom x\n', [{ a: 'x' }]],
  ['directives', '%YAML 1.1\n---\na: 010\n', [{ a: 8 }]],
  ['directives of later documents', 'a: 1\n...\n%TAG ! tag:x,2000:\n---\nb: 2\n', [{ a: 1 }, { b: 2 }]],
  ['keys that are numbers', '1: x\n0x10: z\n', [{ '1': 'x', '16': 'z' }]],
  ['keys that are true', 'on: x\n', [{ true: 'x' }]],
  ['keys that are null', '~: x\n', [{ '': 'x' }]],
  ['explicit keys', '? a\n: b\n', [{ a: 'b' }]],
  ['nesting deeper than 100', `a: ${'['.repeat(120)}${']'.repeat(120)}\n`, undefined],
  ['tabs between values', 'a:\t1\n\t\n', [{ a: 1 }]],
  ['line ends of old Macs', 'a: "x\ry"\n', [{ a: 'x\ry' }]],
  ['a byte order mark between documents', 'a: 1\n---\n\ufeffb: 2\n', undefined],
  ['an indentation that is given', 'a: |2\n   x\n', [{ a: ' x\n' }]],
  ['blank lines of spaces in a block', 'a: |+\n  x\n   \n', [{ a: 'x\n \n' }]],
  ['a text that is one scalar', 'hello\n', ['hello']],
])('the slow reader decides about %s', (_, text, value) => {
  expect(readPlain(text)).toBeUndefined();
  expect(resultOf(parseYaml(text))).toEqual(value ?? resultOf(composeYaml(text)));
});

test('a key __proto__ is one like any other', () => {
  for (const text of [
    '__proto__: {polluted: 1}\n',
    'a:\n  "__proto__": {polluted: 1}\n',
    '__proto__: 1\n__proto__: 2\n',
  ]) {
    const [document] = parseYaml(text);
    expect(JSON.stringify(document?.kind === 'value' ? document.value : document)).toMatch(/__proto__|must be unique/);
    expect('polluted' in {}).toBe(false);
  }
});

test.each([
  ['repeated keys', 'a: 1\nb:\n  c: 1\n  c: 2\n', 'map keys must be unique'],
  ['keys repeated in other quotes', 'a: 1\n"a": 2\n', 'map keys must be unique'],
  ['keys repeated in braces', 'a: {b: 1, b: 2}\n', 'map keys must be unique'],
  ['templates', 'a: {{ .Values.a }}\n', 'a key is a mapping or a list'],
  ['lists as keys', '[a]: b\n', 'a key is a mapping or a list'],
  ['a mapping that is a key', '{a: b}: c\n', 'a key is a mapping or a list'],
  ['tabs as indentation', 'a:\n\tb: c\n', 'tabs are not allowed as indentation'],
  ['quotes without an end', 'a: "b\n', 'missing closing "quote'],
  ['brackets without an end', 'a: [b\n', undefined],
  ['two values in a line', 'a: b: c\n', undefined],
  ['aliases of nothing', 'a: *b\n', undefined],
  ['a circle', 'a: &a [*a]\n', 'the alias *a is inside its own anchor'],
  ['items of a list at a wrong column', 'a:\n  - b\n - c\n', undefined],
  ['a document marker inside quotes', 'a: "b\n---\nc"\n', undefined],
])('the slow reader says what is wrong with %s', (_, text, message) => {
  expect(readPlain(text)).toBeUndefined();
  const found = parseYaml(text);
  expect(resultOf(found)).toEqual(resultOf(composeYaml(text)));
  const errors = found.flatMap((document) => (document.kind === 'error' ? [document.message] : []));
  expect(errors).toContain(message ?? errors[0]);
});

test.each([
  ['aliases in aliases', (level: number) => `a${level}: &a${level} [*a${level - 1}, *a${level - 1}, *a${level - 1}]\n`],
  [
    'merges in merges',
    (level: number) => `a${level}: &a${level} {<<: *a${level - 1}, x${level}: {<<: *a${level - 1}}}\n`,
  ],
  [
    'merges of lists',
    (level: number) => `a${level}: &a${level} {<<: [*a${level - 1}, *a${level - 1}], y: *a${level - 1}}\n`,
  ],
])('%s do not explode', (_, line) => {
  const text = `a0: &a0 {k: v}\n${Array.from({ length: 40 }, (_, index) => line(index + 1)).join('')}`;
  expect(resultOf(parseYaml(text))).toEqual([expect.stringContaining('excessive alias count')]);
});

describe('one anchor', () => {
  const list = (anchor: string, count: number): string => `a: &a ${anchor}\nb:\n${'- *a\n'.repeat(count)}`;
  const merges = (count: number): string => `a: &a {k: v}\nb:\n${'- {<<: *a, l: w}\n'.repeat(count)}`;

  test.each([
    ['a word', 'v', 'v'],
    ['a list', '[v, w]', ['v', 'w']],
  ])('may be used thousands of times: %s', (_, anchor, value) => {
    expect(resultOf(parseYaml(list(anchor, 3_000)))).toEqual([{ a: value, b: Array(3_000).fill(value) }]);
  });

  test('may be merged thousands of times', () => {
    expect(resultOf(parseYaml(merges(2_000)))).toEqual([{ a: { k: 'v' }, b: Array(2_000).fill({ k: 'v', l: 'w' }) }]);
  });

  test('may not be used more often', () => {
    expect(resultOf(parseYaml(list('v', 10_001)))).toEqual([expect.stringContaining('more than 10,000 aliases')]);
  });

  test('may not stand for millions of values', () => {
    const anchor = `[${'v, '.repeat(1_000)}]`;
    expect(resultOf(parseYaml(list(anchor, 9_000)))).toEqual(['0: aliases stand for too many values']);
    expect(resultOf(parseYaml(list(anchor, 300)))).toEqual([expect.objectContaining({ b: expect.any(Array) })]);
  });
});

/** Pieces that mean something to YAML. */
const pieces = [
  ...['a', 'b', '1', '0120', 'yes', '~', 'null', '1e3', '=', 'é', '☃', '\u0085', '\u2028', '\u00a0'],
  ...[' ', '  ', '    ', '\n', '\n', '\n', '\n  ', '\n    ', '\r\n', '\t', '\\\n', '\\n', '\\u263a', '\\ ', '\\'],
  ...[':', ': ', '-', '- ', '?', '? ', ',', ', ', '{', '}', '[', ']', '#', ' # c', '|', '>', '|-\n', '>+\n', '|2\n'],
  ...['"', "'", '""', "''", '"a"', "'b'", '"a\n b"', 'a b', 'a: ', 'b: ', 'k: v\n', 'key:\n', '- x\n', 'items:\n'],
  ...[
    '---\n',
    '\n---\n',
    '--- ',
    '...\n',
    '%',
    '!',
    '!!str ',
    '&a ',
    '*a',
    '<<',
    '<<: ',
    '@',
    '`',
    '{{ x }}',
    '__proto__: ',
  ],
];

const soup = fc.array(fc.constantFrom(...pieces), { maxLength: 24 }).map((parts) => parts.join(''));

/** A few lines of a manifest, with the indentation of the first taken away or not, and some pieces put in. */
const damaged = fc
  .record({
    lines: fc.constantFrom(...snapshots.map((text) => text.split('\n'))),
    start: fc.nat(),
    count: fc.integer({ min: 1, max: 14 }),
    isOutdented: fc.boolean(),
    changes: fc.array(fc.record({ at: fc.nat(), removed: fc.nat(3), put: fc.constantFrom('', ...pieces) }), {
      maxLength: 4,
    }),
  })
  .map(({ lines, start, count, isOutdented, changes }) => {
    const some = lines.slice(start % lines.length, (start % lines.length) + count);
    const indentation = some[0]?.search(/\S|$/) ?? 0;
    const text = `${some.map((line) => (isOutdented ? line.slice(indentation) : line)).join('\n')}\n`;
    return changes.reduce((changed, { at, removed, put }) => {
      const place = at % (changed.length + 1);
      return changed.slice(0, place) + put + changed.slice(place + removed);
    }, text);
  });

/** Strings that a printer of YAML has to quote, to fold or to indent. */
const text = fc.oneof(
  fc.constantFrom(
    '',
    'yes',
    '0120',
    '~',
    '1:30',
    '2026-01-01',
    '<<',
    '- a',
    'a: b',
    '#',
    ' a',
    'a\n\n b\n',
    '\ta',
    '{{ x }}',
  ),
  fc.string(),
  fc.string({ unit: 'grapheme' }),
  fc.lorem({ maxCount: 30 }),
  soup,
);
const { value: values } = fc.letrec((tie) => ({
  value: fc.oneof({ maxDepth: 4 }, text, fc.constantFrom(null, true, 0, -1.5, 1e21), tie('list'), tie('mapping')),
  list: fc.array(tie('value'), { maxLength: 4 }),
  mapping: fc.dictionary(text, tie('value'), { maxKeys: 4 }),
}));

const printed = fc
  .tuple(fc.dictionary(fc.constantFrom('kind', 'items', 'metadata', '5'), values), fc.nat(3), fc.nat(40))
  .map(([value, printer, lineWidth]) => {
    switch (printer) {
      case 0:
        return stringify(value, { lineWidth: lineWidth + 20, aliasDuplicateObjects: false });
      case 1:
        return stringify(value, {
          defaultStringType: 'QUOTE_SINGLE',
          collectionStyle: 'flow',
          aliasDuplicateObjects: false,
        });
      case 2:
        return dump(value, { lineWidth: -1, seqNoIndent: true, noRefs: true });
      default:
        return dump(value, { lineWidth: lineWidth + 20, noRefs: true });
    }
  });

describe('both readers agree, or the slow one decides', () => {
  test.each([`a:\n- ""fd00::/6  b:\n    c:\n`, `a: 'b'c\n`, `"a"b: c\n`, `a: "b":c\n`])(
    'text after a quote: %j',
    (text) => {
      expect(agrees(text)).toBe(false);
    },
  );

  test.each([
    ['soups of what means something to YAML', soup, 0.1],
    ['manifests with damage', damaged, 0.1],
    ['random values, printed', printed, 0.2],
    ['documents in a row', fc.array(fc.oneof(soup, damaged), { maxLength: 4 }).map((all) => all.join('\n---\n')), 0.02],
  ])('%s', (_, texts, leastFast) => {
    let fast = 0;
    const numRuns = 1500;
    fc.assert(
      fc.property(texts, (text) => {
        fast += agrees(text) ? 1 : 0;
      }),
      { numRuns },
    );
    // Otherwise nothing is compared.
    expect(fast).toBeGreaterThan(numRuns * leastFast);
  });
});

describe('a long list', () => {
  const cluster = generateCluster({ services: 12, endpoints: 6 });
  const kinds: readonly (readonly [string, string])[] = [
    [
      'as kubectl prints it',
      dump(
        { apiVersion: 'v1', items: cluster.items, kind: 'List', metadata: { resourceVersion: '' } },
        { seqNoIndent: true },
      ),
    ],
    ['as other programs print it', dump(cluster)],
    [
      'with comments and Windows line ends',
      `# all\n${dump(cluster).replaceAll('\n- ', '\n# next\n- ').replaceAll('\n', '\r\n')}`,
    ],
    ['after other documents', `a: 1\n---\nitems:\n- 1\n---\n${dump(cluster)}---\nb: 1\n`],
    [
      'with items that begin after their dash',
      dump(cluster).replaceAll(/\n( *)- apiVersion/g, '\n$1-\n$1  apiVersion'),
    ],
    ['before another list', `${dump(cluster)}others:\n- a\n- b\nlast: 1\n`],
    ['of texts', `items:\n${'- a long line\n  - and one more\n- |\n  - a\n  - b\n'.repeat(500)}kind: A\n`],
  ];

  test.each(kinds)('%s has its positions', (_, text) => {
    expect(text.length).toBeGreaterThan(1 << 14);
    const some = (value: unknown): (string | number)[][] => {
      const paths = pathsIn(value);
      return paths.filter((path, index) => path.length < 2 || index % Math.ceil(paths.length / 200) === 0);
    };
    expect(agrees(text, some)).toBe(true);
  });

  test('that is read in several pieces is the same', () => {
    // A comment is read fast by both.
    const filler = `# ${'x'.repeat(1 << 20)}\n`;
    const text = kinds[0]?.[1].replaceAll(/\n- /g, `\n${filler}- `) ?? '';
    expect(text.length).toBeGreaterThan(5 << 22);
    const paths = [
      ['kind'],
      ['items'],
      ['items', 0],
      ['items', 7, 'spec'],
      ['items', 24, 'metadata', 'name'],
      ['metadata'],
    ];
    expect(agrees(text, () => paths)).toBe(true);
  });

  test('is refused for a key that only another piece has', () => {
    const filler = `# ${'x'.repeat(5 << 20)}\n`;
    expect(readPlain(`kind: A\nitems:\n- a\n${filler}- b\n${filler}- c\nkind: B\n`)).toBeUndefined();
    expect(readPlain(`kind: A\nitems:\n- a\n${filler}- b\n${filler}- c\nother: B\n`)).toEqual([
      { kind: 'A', items: ['a', 'b', 'c'], other: 'B' },
    ]);
    expect(readPlain(`items:\n- a\n${filler}- b\n${filler}- c\nitems:\n- d\n`)).toBeUndefined();
    expect(readPlain(`kind: A\nitems:\n- a\n${filler}- b: [\n${filler}- c\n`)).toBeUndefined();
  });
});
