import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compile } from '../../../src/compile.ts';
import type { Document } from '../../../src/diagnostics/document.ts';
import { createEngine } from '../../../src/engine/create-engine.ts';
import { documentsOf, readDocuments } from '../../../src/phases/1-read/read-documents.ts';

function read(content: string | Uint8Array) {
  return readDocuments([{ file: 'in', content: typeof content === 'string' ? Buffer.from(content) : content }]);
}

function values(content: string): unknown[] {
  const { documents, diagnostics } = read(content);
  expect(diagnostics).toEqual([]);
  return documents.map(({ value }) => value);
}

function placeOf({ source, path }: Document, ...below: (string | number)[]) {
  const position = source.locate([...path, ...below]);
  return position && `${position.line}:${position.column} ${position.lineText}`;
}

const pod = { apiVersion: 'v1', kind: 'Pod' };

test('reads one object in JSON and in YAML', () => {
  expect(values('{"apiVersion": "v1", "kind": "Pod"}')).toEqual([pod]);
  expect(values('apiVersion: v1\nkind: Pod\n')).toEqual([pod]);
  expect(values('\n  {"apiVersion": "v1", "kind": "Pod"}\n')).toEqual([pod]);
});

test('reads text with a byte order mark, Windows line ends and letters beyond ASCII', () => {
  expect(values('\ufeff{"kind": "é"}')).toEqual([{ kind: 'é' }]);
  expect(values('\ufeffkind: é\r\nname: ☃\r\n')).toEqual([{ kind: 'é', name: '☃' }]);
});

test('reads several documents and skips empty ones', () => {
  expect(values('---\nkind: A\n---\n---\n# nothing\n---\nkind: B\n...\n')).toEqual([{ kind: 'A' }, { kind: 'B' }]);
  expect(values('{"kind": "A"}\n{"kind": "B"} [{"kind": "C"}]')).toEqual([{ kind: 'A' }, { kind: 'B' }, { kind: 'C' }]);
});

test('expands lists in order: nested, typed and plain ones', () => {
  const list = { kind: 'List', items: [{ kind: 'A' }, { kind: 'List', items: [{ kind: 'B' }] }, { kind: 'C' }] };
  expect(values(JSON.stringify(list))).toEqual([{ kind: 'A' }, { kind: 'B' }, { kind: 'C' }]);
  expect(values('- kind: A\n- kind: B\n')).toEqual([{ kind: 'A' }, { kind: 'B' }]);
  const typed = { kind: 'PodList', apiVersion: 'v1', items: [{ metadata: { name: 'a' } }, { kind: 'Other' }] };
  expect(values(JSON.stringify(typed))).toEqual([{ ...pod, metadata: { name: 'a' } }, { kind: 'Other' }]);
});

test('an empty list is an empty cluster', () => {
  expect(values('{"kind": "List", "items": []}')).toEqual([]);
  expect(values('kind: ServiceList\nitems: []\n')).toEqual([]);
  expect(values('[]')).toEqual([]);
});

test('a list without items is not one of them', () => {
  expect(values('kind: ServiceList\nitems: null\n')).toEqual([{ kind: 'ServiceList', items: null }]);
  expect(values('kind: List\n')).toEqual([{ kind: 'List' }]);
});

test('an object whose kind only ends in List is not a list', () => {
  expect(values('kind: AllowList\nspec: {}\n')).toEqual([{ kind: 'AllowList', spec: {} }]);
});

test('lists nested too deeply are not expanded', () => {
  const depth = 100_000;
  const text = `${'{"kind":"List","items":['.repeat(depth)}${']}'.repeat(depth)}`;
  const { documents, diagnostics } = read(text);
  expect(diagnostics).toEqual([]);
  // Not toHaveLength: vitest would print the value, and end up without a stack.
  expect(documents.length).toBe(1);
});

describe('a list that comes again is expanded once', () => {
  const list = (kind: string, ...items: unknown[]) => ({ apiVersion: 'v1', kind, items: [...items] });
  const read = (objects: readonly unknown[]) => {
    const documents = documentsOf(objects);
    const { diagnostics } = compile(documents);
    return {
      names: documents.map(({ value }) => (value as { kind: string }).kind),
      errors: diagnostics.filter(({ code }) => code === 'incomplete-list').map(({ message }) => message),
    };
  };
  const message =
    'the list comes twice, is inside itself, or is in too many other lists, so its items are not read here';

  test('inside itself, once, twice, or through another', () => {
    const once = list('List', pod);
    once.items.push(once);
    expect(read([once])).toEqual({ names: ['Pod', 'List'], errors: [message] });
    const twice = list('ServiceList');
    twice.items.push(twice, pod, twice);
    expect(read([twice])).toEqual({ names: ['ServiceList', 'Pod', 'ServiceList'], errors: [`${message} (2 times)`] });
    const inner = list('NodeList');
    const outer = list('List', inner, pod);
    inner.items.push(outer);
    expect(read([pod, outer])).toEqual({ names: ['Pod', 'List', 'Pod'], errors: [message] });
  });

  test('in lists that each have the one before twice', () => {
    let bomb = list('List', pod);
    for (let level = 0; level < 50; level += 1) {
      bomb = list('List', bomb, bomb);
    }
    const { names, errors } = read([bomb]);
    expect([names.length, errors.length]).toEqual([33, 1]);
  });

  test('but not one without items, of which a program may have one for all', () => {
    const empty = list('ServiceList');
    expect(read([empty, empty, pod])).toEqual({ names: ['Pod'], errors: [] });
  });

  test('in an engine, which then does not take the objects for all of them', () => {
    const engine = createEngine({ nodeName: 'worker-1' });
    const self = list('List');
    self.items.push(self);
    const update = engine.update({ apply: [self], complete: true });
    expect(update.diagnostics.map(({ code }) => code)).toEqual(['incomplete-list']);
    expect(update.waitsFor).toBe('complete');
  });
});

test('anchors and merge keys work', () => {
  const text = 'base: &base\n  kind: A\nkind: &kind Pod\nother: *kind\nmerged:\n  <<: *base\n  name: x\n';
  expect(values(text)).toEqual([{ base: { kind: 'A' }, kind: 'Pod', other: 'Pod', merged: { kind: 'A', name: 'x' } }]);
});

test.each([
  [
    'JSON',
    '{"kind": "List",\n "items": [{"kind": "A"},\n  {"kind": "B", "spec": {"port": 5}}]}',
    '3:34',
    '3:25',
    '3:3',
  ],
  ['YAML', 'kind: List\nitems:\n- kind: A\n- kind: B\n  spec:\n    port: 5\n', '6:11', '6:5', '4:3'],
])('%s: positions lead to a value, or to what encloses a missing one', (_, text, port, missing, whole) => {
  const [, second] = read(text).documents;
  expect(second && placeOf(second, 'spec', 'port')?.split(' ')[0]).toBe(port);
  expect(second && placeOf(second, 'spec', 'missing', 0)?.split(' ')[0]).toBe(missing);
  expect(second && placeOf(second, 'nothing')?.split(' ')[0]).toBe(whole);
});

test('positions are right in the second of several documents', () => {
  const yaml = read('kind: A\n---\nkind: B\nport: 1\r\n').documents[1];
  expect(yaml && placeOf(yaml, 'port')).toBe('4:7 port: 1');
  const json = read('{"kind": "A"}\n{"kind": "B",\n"port": 1}').documents[1];
  expect(json && placeOf(json, 'port')).toBe('3:9 "port": 1}');
});

test('positions of aliases are those of the anchored value', () => {
  const [document] = read('kind: A\na: &a\n  port: 1\nb: *a\n').documents;
  expect(document && placeOf(document, 'b', 'port')).toBe('3:9   port: 1');
});

test('a broken document does not hide the others of its file', () => {
  const { documents, diagnostics } = read('kind: A\n---\nkind: [\n---\nkind: B\n');
  expect(documents.map(({ value }) => value)).toEqual([{ kind: 'A' }, { kind: 'B' }]);
  expect(diagnostics.map(({ code }) => code)).toEqual(['invalid-yaml']);
});

test.each(['[', '{a: ', '- ', '? ', '!!x [', '&a [', '\n'])(
  '%j without end is a diagnostic with its place',
  (opening) => {
    const isIndentation = opening === '\n';
    const lines = Array.from({ length: 2000 }, (_, depth) => `${' '.repeat(depth)}a:`).join('\n');
    const { documents, diagnostics } = read(isIndentation ? lines : `# YAML\n${opening.repeat(50_000)}`);
    expect(documents).toEqual([]);
    expect(diagnostics.map(({ code, message }) => `${code}: ${message}`)).toEqual([
      'invalid-yaml: values are nested too deeply',
    ]);
    const position = diagnostics[0]?.place?.document.source.locate([]);
    expect(isIndentation ? position?.line : position?.column).toBeGreaterThan(200);
  },
);

test('nesting as deep as in the deepest custom resources is read', () => {
  const lines = Array.from({ length: 100 }, (_, depth) => `${' '.repeat(depth)}a:`).join('\n');
  expect(read(`${lines} x\n`).diagnostics).toEqual([]);
  expect(read(`a: ${'['.repeat(200)}${']'.repeat(200)}`).diagnostics).toEqual([]);
});

test('an alias inside its own anchor is an error, not an endless loop', () => {
  const text = '&a\nkind: List\nitems:\n- *a\n- *a\n';
  expect(read(text).documents.length).toBe(0);
  expect(read(text).diagnostics.map(({ code, message }) => `${code}: ${message}`)).toEqual([
    'invalid-yaml: the alias *a is inside its own anchor',
  ]);
  expect(values('&a\nkind: A\nb: &a x\nc: *a\n')).toEqual([{ kind: 'A', b: 'x', c: 'x' }]);
});

test('reports progress on long YAML texts, up to the end, and none on short ones', () => {
  const calls: number[] = [];
  const content = Buffer.from(`${'# a line of a comment, and so on\n'.repeat(70_000)}kind: A\n`);
  readDocuments([{ file: 'long.yaml', content }], (file, done, total) => {
    expect([file, total]).toEqual(['long.yaml', content.length]);
    calls.push(done);
  });
  expect(calls.length).toBe(3);
  expect(calls).toEqual([...calls].sort((a, b) => a - b));
  expect(calls.at(-1)).toBe(content.length);
  readDocuments([{ file: 'short.yaml', content: Buffer.from('kind: A\n') }], () => expect.unreachable());
});

test('objects in memory become documents without a position', () => {
  const documents = documentsOf([{ kind: 'List', items: [pod] }, pod]);
  expect(documents.map(({ value }) => value)).toEqual([pod, pod]);
  expect(documents.map((document) => placeOf(document))).toEqual([undefined, undefined]);
});

test('text and bytes never make it throw, and what is not a document has a diagnostic, with a position unless it is about the whole file', () => {
  const yamlLike = fc
    .array(
      fc.constantFrom(
        'a',
        ':',
        ' ',
        '\n',
        '- ',
        '{',
        '}',
        '[',
        ']',
        '"',
        "'",
        '&a',
        '*a',
        '|',
        '\t',
        '---\n',
        '!!',
        '<<',
        '%',
        '#',
      ),
    )
    .map((parts) => parts.join(''));
  const content = fc.oneof(fc.string(), yamlLike, fc.json()).map((text) => Buffer.from(text));
  fc.assert(
    fc.property(fc.oneof(content, fc.uint8Array()), (bytes) => {
      const { documents, diagnostics } = read(bytes);
      for (const { code, message, place } of diagnostics) {
        const line = place?.document.source.locate([])?.line;
        if (code === 'empty-input' || /UTF-16|is binary/.test(message)) {
          // About the file as a whole.
          expect([place?.document.source.file, line]).toEqual(['in', undefined]);
        } else {
          expect(line).toBeGreaterThan(0);
        }
      }
      for (const document of documents) {
        expect(placeOf(document, 'a', 0)).toBeDefined();
      }
    }),
    { numRuns: 1000 },
  );
});

test('a text with very many bad documents, keys or errors is read in reasonable time', () => {
  const documents = readDocuments([{ file: 'a.yaml', content: Buffer.from('---\nkind: X\na: [1\n'.repeat(5_000)) }]);
  expect(documents.diagnostics.length).toBeGreaterThanOrEqual(5_000);
  const keys = Array.from({ length: 50_000 }, (_, index) => `k${index}: 1\n`).join('');
  expect(readDocuments([{ file: 'b.yaml', content: Buffer.from(`kind: X\n${keys}`) }]).diagnostics).toEqual([]);
});

describe('a creationTimestamp that is a Date', () => {
  const service = (creationTimestamp: unknown) => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web', creationTimestamp },
    spec: { clusterIP: 'None' },
  });

  test.each([
    [new Date('2026-01-31T12:00:00Z'), '2026-01-31T12:00:00Z'],
    [new Date('2026-01-31T13:00:00.250+01:00'), '2026-01-31T12:00:00.250Z'],
    [new Date(0), '1970-01-01T00:00:00Z'],
  ])('is the time that it says: %j', (date, text) => {
    const given = service(date);
    for (const objects of [[given], [{ kind: 'List', items: [given] }]]) {
      expect(documentsOf(objects).map(({ value }) => value)).toEqual([service(text)]);
    }
    expect(given.metadata.creationTimestamp).toBe(date);
  });

  test.each([[new Date(Number.NaN)], [7], [{}]])('is invalid if it says none: %j', (value) => {
    expect(compile(documentsOf([service(value)])).diagnostics.map(({ code }) => code)).toContain('wrong-type');
  });
});
