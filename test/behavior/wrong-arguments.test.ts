import { describe, expect, test } from 'vitest';
import {
  type Changes,
  compile,
  createEngine,
  createServiceProxy,
  describeChanges,
  documentsOf,
  formatDiagnostic,
  planTable,
  readDocuments,
} from '../../src/index.ts';
import { createFakeNft } from '../support/fake-nft.ts';

/* Programs in JavaScript have no compiler that checks arguments. */

const service = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'web' }, spec: { clusterIP: 'None' } };
const bytes = Buffer.from('kind: List\nitems: []\n');

describe('compile', () => {
  const advice = 'expected a list of documents: readDocuments reads texts, documentsOf takes objects';

  test.each<[unknown, string]>([
    [null, 'documents: null'],
    [undefined, 'documents: undefined'],
    ['kind: Service', 'documents: "kind: Service"'],
    [{ documents: [] }, 'documents: a mapping'],
    [[null], 'documents[0]: null'],
    [[...documentsOf([service]), service], 'documents[1]: a mapping'],
    [[{ value: service, path: [] }], 'documents[0]: a mapping'],
    [[{ value: service, source: {}, path: [] }], 'documents[0]: a mapping'],
  ])('of %j says what is expected', (documents, said) => {
    const { text, rulesets, diagnostics } = compile(documents as []);
    expect([text, rulesets]).toEqual([undefined, undefined]);
    expect(diagnostics).toEqual([{ code: 'invalid-option', message: `${said}; ${advice}` }]);
  });

  test.each([null, undefined, 7, 'x', []])('with %j as options has the defaults', (options) => {
    expect(compile(documentsOf([]), options as object).text).toBe(compile(documentsOf([])).text);
  });
});

test.each([null, undefined, 7, 'x', [null], { kind: 7 }])(
  'documentsOf %j is something that is not an object',
  (value) => {
    const { text, diagnostics } = compile(documentsOf(value as []));
    expect([text, diagnostics.map(({ code }) => code)]).toEqual([undefined, expect.arrayContaining(['not-an-object'])]);
  },
);

describe('what the library returns is taken as it is', () => {
  const { rulesets: [ruleset] = [], diagnostics } = compile(documentsOf([{}]), { keepGoing: true });

  test.each<[string, () => unknown]>([
    ['planTable', () => planTable(null as never, undefined)],
    ['planTable', () => planTable(ruleset as never, {} as never)],
    ['describeChanges', () => describeChanges({} as never, ruleset)],
    ['formatDiagnostic', () => formatDiagnostic(null as never)],
  ])('%s throws a TypeError for anything else', (_, call) => {
    expect(call).toThrow(TypeError);
  });

  test('no table may be null, and options may be missing', () => {
    expect(ruleset && planTable(ruleset, null as never).result).toBe('created');
    expect(describeChanges(null as never, ruleset).tableChange).toBe('new');
    expect(diagnostics.map((diagnostic) => formatDiagnostic(diagnostic))[0]).toMatch(/: error not-an-object: /);
  });
});

describe('readDocuments', () => {
  test.each<[unknown, string]>([
    [null, 'texts'],
    ['kind: Service', 'texts'],
    [bytes, 'texts'],
    [[null], 'texts[0]'],
    [['a.yaml'], 'texts[0]'],
    [
      [
        { file: 'a.yaml', content: bytes },
        { file: 'b.yaml', content: 'kind: List' },
      ],
      'texts[1]',
    ],
    [[{ content: bytes }], 'texts[0]'],
  ])('of %j says what is expected', (texts, place) => {
    const message = `${place}: expected a list of { file, content }, with the name as a string and the content as bytes`;
    expect(readDocuments(texts as [])).toEqual({ documents: [], diagnostics: [{ code: 'invalid-option', message }] });
  });
});

test.each([null, undefined, 7, []])('createEngine with %j has the defaults', (options) => {
  expect(createEngine(options as object).table).toBe('svc2nft');
});

test.each([null, 7, { apply: null }])('a service proxy resolves for %j', async (changes) => {
  const proxy = await createServiceProxy({ run: createFakeNft().run, targetNft: '1.0.6' });
  const { ok, diagnostics, waitsFor } = await proxy.update(changes as unknown as Changes);
  expect([ok, diagnostics.map(({ code }) => code), waitsFor]).toEqual([true, ['invalid-option'], 'complete']);
});
