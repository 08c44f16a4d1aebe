import { describe, expect, test } from 'vitest';
import { parseLabelSelector, selectServices } from '../../src/kubernetes/label-selector.ts';
import { documentsOf } from '../../src/phases/1-read/read-documents.ts';

const service = (name: string, labels?: unknown, namespace = 'shop') => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace, labels },
  spec: {},
});

const documents = documentsOf([
  service('web', { app: 'web', tier: 'front', 'app.kubernetes.io/name': 'web' }),
  service('api', { app: 'api', tier: 'back' }),
  service('db', { app: 'db', tier: '' }),
  service('bare'),
  service('odd', ['app']),
  { ...service('slice', { app: 'web' }), kind: 'EndpointSlice' },
]);

const all = ['web', 'api', 'db', 'bare', 'odd'];

/** The names of the Services that a selector selects. */
function selected(text: string): readonly string[] {
  const selector = parseLabelSelector(text);
  if (typeof selector === 'string') {
    throw new Error(selector);
  }
  return [...selectServices(documents, selector)].map((name) => name.replace('shop/', ''));
}

test.each([
  ['app=web', ['web']],
  ['app==web', ['web']],
  ['app = web', ['web']],
  ['app!=web', ['api', 'db', 'bare', 'odd']],
  ['app in (web,api)', ['web', 'api']],
  ['app in ( web , api )', ['web', 'api']],
  ['app notin (web,api)', ['db', 'bare', 'odd']],
  ['app', ['web', 'api', 'db']],
  ['!app', ['bare', 'odd']],
  ['tier=', ['db']],
  ['tier in (,back)', ['api', 'db']],
  ['app.kubernetes.io/name=web', ['web']],
  ['app,tier!=back', ['web', 'db']],
  ['app in (web,api),tier=back', ['api']],
  ['tier=front, !missing', ['web']],
  ['app=WEB', []],
  ['constructor', []],
  ['!toString', all],
])('%s', (text, names) => {
  expect(selected(text)).toEqual(names);
});

test('a Service without a namespace is in default', () => {
  const selector = parseLabelSelector('app=x');
  const found =
    typeof selector === 'string' ? [] : selectServices(documentsOf([service('a', { app: 'x' }, '')]), selector);
  expect([...found]).toEqual(['default/a']);
});

describe('what is not a selector is quoted, with what is expected', () => {
  test.each([
    ['', '"" is not a label selector; expected key=value'],
    ['app=web,', '"" is not a label selector'],
    ['app web', '"app web" is not a label selector'],
    ['app=a b', '"app=a b" is not a label selector'],
    ['=web', '"=web" is not a label selector'],
    ['app>3', '"app>3" is not a label selector'],
    ['app in web', '"app in web" is not a label selector'],
    ['app in (web', '"app in (web" is not a label selector'],
    ['!app=web', '"!app=web" is not a label selector'],
    ['-app=web', '"-app" is not the key of a label'],
    ['a/b/c=d', '"a/b/c" is not the key of a label'],
    ['app=-web', '"-web" is not the value of a label'],
    [`app=${'a'.repeat(64)}`, 'is not the value of a label'],
  ])('%s', (text, problem) => {
    expect(parseLabelSelector(text)).toContain(problem);
  });
});
