import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { readDocuments } from '../../../src/phases/1-read/read-documents.ts';

function service(name: string, port: number, namespace: string | undefined = 'shop') {
  return { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace }, spec: { ports: [{ port }] } };
}

function event(type: string, object: object) {
  return { type, object };
}

/** Reads the values, in one text or several: `name:port` of each object, and the codes of diagnostics. */
function read(...texts: readonly (readonly object[])[]) {
  const { documents, diagnostics } = readDocuments(
    texts.map((values, index) => ({
      file: `${index}`,
      content: Buffer.from(values.map((value) => JSON.stringify(value)).join('\n')),
    })),
  );
  return { found: documents.map(({ value }) => nameOf(value)), codes: diagnostics.map(({ code }) => code) };
}

function nameOf(value: unknown): string {
  const { metadata, spec } = value as ReturnType<typeof service>;
  return `${metadata.namespace ?? ''}/${metadata.name}:${spec?.ports[0]?.port}`;
}

test('the last version of each object counts', () => {
  const { found, codes } = read([
    event('ADDED', service('a', 1)),
    event('ADDED', service('b', 1)),
    event('MODIFIED', service('a', 2)),
    event('ADDED', service('a', 1, 'other')),
    event('MODIFIED', service('b', 3)),
    event('MODIFIED', service('a', 4)),
  ]);
  expect([found, codes]).toEqual([['other/a:1', 'shop/b:3', 'shop/a:4'], []]);
});

test('a deleted object is gone, unless it is added again', () => {
  const gone = [event('ADDED', service('a', 1)), event('DELETED', service('a', 1))];
  expect(read(gone).found).toEqual([]);
  expect(read([...gone, event('ADDED', service('a', 2))]).found).toEqual(['shop/a:2']);
  expect(read([event('DELETED', service('a', 1)), event('ADDED', service('b', 1))]).found).toEqual(['shop/b:1']);
});

test('bookmarks say nothing about objects', () => {
  const bookmark = { apiVersion: 'v1', kind: 'Service', metadata: { resourceVersion: '9' } };
  expect(read([event('BOOKMARK', bookmark), event('ADDED', service('a', 1))])).toMatchObject({
    found: ['shop/a:1'],
    codes: [],
  });
});

test('an error of the watch is an error, with its place', () => {
  const status = { kind: 'Status', apiVersion: 'v1', status: 'Failure', message: 'too old' };
  const content = [event('ADDED', service('a', 1)), event('ERROR', status)].map((value) => JSON.stringify(value));
  const { diagnostics } = readDocuments([{ file: 'in', content: Buffer.from(content.join('\n')) }]);
  expect(diagnostics.map(({ code, message }) => `${code}: ${message}`)).toEqual([
    'watch-error: the watch ended with an error of the API server: "too old"; start it again',
  ]);
  const place = diagnostics[0]?.place;
  const position = place?.document.source.locate([...place.document.path, ...place.path]);
  expect(position).toMatchObject({ line: 2, column: (content[1] ?? '').indexOf('"too old"') + 1 });
});

test('events change what earlier files and lists have', () => {
  const list = { apiVersion: 'v1', kind: 'List', items: [service('a', 1), service('b', 1), service('c', 1)] };
  const events = [event('MODIFIED', service('a', 2)), event('DELETED', service('b', 1))];
  expect(read([list], events).found).toEqual(['shop/c:1', 'shop/a:2']);
  // Without events, nothing is merged: what appears twice may be a mistake.
  expect(read([list], [service('a', 2)]).found).toHaveLength(4);
});

test('kinds and API groups are told apart, versions are not', () => {
  const knative = { ...service('a', 5), apiVersion: 'serving.knative.dev/v1' };
  const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'a' }, spec: { ports: [{ port: 6 }] } };
  const slice = (version: string) => ({
    ...service('s', 7),
    apiVersion: `discovery.k8s.io/${version}`,
    kind: 'EndpointSlice',
  });
  const { found } = read([
    event('ADDED', service('a', 1)),
    event('ADDED', knative),
    event('ADDED', node),
    event('ADDED', slice('v1beta1')),
    event('MODIFIED', slice('v1')),
  ]);
  expect(found).toEqual(['shop/a:1', 'shop/a:5', '/a:6', 'shop/s:7']);
});

test.each([undefined, null, '', 7])('the namespace %j is the default one', (namespace) => {
  const inSpace = (space: unknown, port: number) => ({
    ...service('a', port),
    metadata: { name: 'a', namespace: space },
  });
  expect(read([inSpace('default', 1), event('DELETED', inSpace(namespace, 1))]).found).toEqual([]);
  expect(read([inSpace(namespace, 1), event('MODIFIED', inSpace('default', 2))]).found).toEqual(['default/a:2']);
});

test('events in YAML, and the place of an object in its event', () => {
  const text = [event('ADDED', service('a', 1)), event('MODIFIED', service('a', 2))]
    .map((value) => stringify(value))
    .join('---\n');
  const { documents, diagnostics } = readDocuments([{ file: 'in', content: Buffer.from(text) }]);
  expect([documents.map(({ value }) => nameOf(value)), diagnostics]).toEqual([['shop/a:2'], []]);
  const [document] = documents;
  const position = document?.source.locate([...document.path, 'spec', 'ports', 0, 'port']);
  expect(position?.lineText.trim()).toBe('- port: 2');
});

test('what only looks like an event is not one', () => {
  const crd = { apiVersion: 'x/v1', kind: 'Hook', type: 'ADDED', object: {}, metadata: { name: 'h' } };
  const values = [crd, { type: 'SYNC', object: service('a', 1) }, { type: 'ADDED', object: 'a' }];
  const { documents } = readDocuments([{ file: 'in', content: Buffer.from(JSON.stringify(values)) }]);
  expect(documents.map(({ value }) => value)).toEqual(values);
});

describe('a watch without its initial list', () => {
  const added = event('ADDED', service('a', 1));
  const modified = event('MODIFIED', service('a', 2));
  const deleted = event('DELETED', service('a', 2));

  test.each<[string, readonly (readonly object[])[]]>([
    ['a change alone', [[modified]]],
    ['a deletion alone', [[deleted]]],
    ['one object of several', [[event('ADDED', service('b', 1)), modified]]],
    ['an object of another namespace', [[event('ADDED', service('a', 1, 'other')), modified]]],
    ['a list that comes later', [[deleted], [service('a', 1)]]],
    ['an object that is added after its deletion', [[deleted, added]]],
    ['two objects', [[modified, event('DELETED', service('b', 1)), deleted]]],
  ])('%s', (_, texts) => {
    expect(read(...texts).codes).toEqual(['incomplete-list']);
  });

  test.each<[string, readonly (readonly object[])[]]>([
    ['each object is added first', [[added, modified, deleted]]],
    ['an object is added again', [[added, deleted, added, modified]]],
    ['a list of another file comes first', [[service('a', 1)], [modified]]],
    ['a bookmark comes first', [[event('BOOKMARK', { kind: 'Service', metadata: {} }), added, modified]]],
    ['nothing but a bookmark', [[event('BOOKMARK', { kind: 'Service', metadata: {} })]]],
  ])('is not where %s', (_, texts) => {
    expect(read(...texts).codes).toEqual([]);
  });

  test('names the first object, with its place, and counts the others', () => {
    const events = [modified, event('DELETED', service('b', 1)), event('MODIFIED', service('c', 1)), deleted];
    const text = events.map((value) => JSON.stringify(value)).join('\n');
    const { diagnostics } = readDocuments([{ file: 'in', content: Buffer.from(text) }]);
    expect(diagnostics).toMatchObject([
      {
        object: { kind: 'Service', namespace: 'shop', name: 'a' },
        message:
          'the watch has no initial list: the first event of this object (and of 2 more objects) is a change, so what did not change is missing; watch without --watch-only, one kind each: kubectl get services -A -w --output-watch-events -o json',
      },
    ]);
    const place = diagnostics[0]?.place;
    expect(place?.document.source.locate(place.document.path)).toMatchObject({ line: 1 });
  });
});
