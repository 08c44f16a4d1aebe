import { beforeAll, describe, expect, test } from 'vitest';
import { type DebugSource, debugPage } from '../../src/debug/debug-pages.ts';
import { createEngine } from '../../src/engine/create-engine.ts';
import type { Engine } from '../../src/engine/engine.ts';
import type { HttpAnswer } from '../../src/health/http-server.ts';
import { withDefaults } from '../../src/options.ts';
import { service, slice, workerNode } from '../apply/kernel/manifests.ts';

const ports = [{ name: 'http', port: 80 }];
const objects = [
  workerNode,
  service('web', { clusterIP: '10.96.0.10', ports }),
  slice('web', ['10.244.1.1', '10.244.2.1']),
  service('empty', { clusterIP: '10.96.0.11', ports, selector: { app: 'empty' } }),
  service('broken', { clusterIP: 'nowhere', ports }),
];
const options = withDefaults({ nodeName: 'worker-1', clusterCIDRs: ['10.244.0.0/16', 'fd00:10:244::/48'] });

let source: DebugSource;
let engine: Engine;

beforeAll(() => {
  engine = createEngine(options);
  engine.update({ apply: objects, complete: true });
  const { rulesets, views, statistics } = engine;
  source = { compile: options, rulesets, views, objects: engine.objects, leftOut: () => statistics().leftOut };
});

function ask(url: string): HttpAnswer {
  const [path = '', query = ''] = url.split('?');
  return debugPage({ path, query: new URLSearchParams(query) }, source);
}

test('the ruleset is that of the engine, for nft -f and other commands of svc2nft', () => {
  const { status, body } = ask('/debug/ruleset');
  expect([status, body]).toEqual([200, engine.text()]);
});

test('Services are listed as svc2nft list does, with those that are left out', () => {
  const { status, headers, body } = ask('/debug/services');
  expect([status, headers['Content-Type']]).toEqual([200, 'application/json']);
  const { node, items, leftOut } = JSON.parse(body);
  expect([node, leftOut]).toEqual(['worker-1', { invalid: ['shop/broken'], rejected: [] }]);
  expect(items.map(({ service: name, frontend }: Record<string, string>) => [name, frontend])).toEqual([
    ['empty', '10.96.0.11:80/tcp'],
    ['web', '10.96.0.10:80/tcp'],
  ]);
});

describe('a packet', () => {
  test('is explained as svc2nft explain does', () => {
    const { status, body } = ask('/debug/explain?from=10.244.1.9&to=10.96.0.10:80');
    expect(status).toBe(200);
    expect(body).toMatch(/^SENT/);
    expect(body).toContain('10.244.1.1:8080');
    expect(body).toContain('shop/web');
    const { verdict } = JSON.parse(ask('/debug/explain?from=outside&to=svc/shop/web&output=json').body || '{}');
    expect(verdict).toBeDefined();
  });

  test('without endpoints is refused, and nothing is said about selectors, which an agent does not know', () => {
    const { body } = ask('/debug/explain?from=10.244.1.9&to=10.96.0.11:80');
    expect(body).toMatch(/^REFUSED/);
    expect(body).toContain('no EndpointSlice belongs to it');
    expect(body).not.toContain('selector');
  });

  test.each([
    ['', 'expected /debug/explain?from=CLIENT&to=TARGET'],
    ['?from=10.244.1.9', 'expected /debug/explain?from=CLIENT&to=TARGET'],
    ['?from=10.244.1.9&to=10.96.0.10:80:80', 'expected /debug/explain?from=CLIENT&to=TARGET'],
    ['?from=10.244.1.9&to=svc/shop/nothing', 'nothing'],
  ])('has to be named: %j', (query, words) => {
    const { status, body } = ask(`/debug/explain${query}`);
    expect(status).toBe(400);
    expect(body).toContain(words);
  });
});

test('there are no other pages', () => {
  expect(ask('/debug/').status).toBe(404);
});
