import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import * as library from '../../src/index.ts';
import { node, serviceNamed } from '../engine/worker.ts';
import { service, service6 } from '../inspect/changes/shop.ts';
import { compareParts } from '../support/compare-parts.ts';
import { kernelTestsRun } from '../support/kernel-tests.ts';
import { loadTransactions } from '../support/load-transactions.ts';
import { readParts } from '../support/read-parts.ts';
import { runExample } from '../support/run-example.ts';

const readme = readFileSync('README.md', 'utf8');
const reference = readFileSync('docs/library.md', 'utf8');

const dns = service('dns', ['2.5'], { port: { protocol: 'UDP', port: 53 }, spec: { clusterIP: '10.96.0.53' } });
const six = service6('six', ['2.5']);
const broken = { ...service('broken', [])[0], spec: { clusterIP: 'x', ports: [{ port: 80 }] } };
const cart = service('cart', ['1.5', '2.6']);
const clusterCIDRs = ['10.244.0.0/16', 'fd00:10:244::/48'];

/** As a watch would: everything, one change after the other, an object that is invalid, one that goes. */
const changes = [
  { apply: [node(), ...service('cart', ['1.5']), ...dns, ...six], complete: true },
  { apply: [cart[1]] },
  { apply: [broken] },
  { apply: [cart[1]] },
  { remove: [serviceNamed('dns')] },
];

describe.skipIf(!kernelTestsRun)('an example', () => {
  test('of the README runs as it is printed, and the kernel then holds what compile prints', async () => {
    const main = `
      import type { Changes } from 'svc2nft';
      import { follow } from './example.ts';
      const changes: Changes[] = ${JSON.stringify(changes)};
      async function* watch(): AsyncGenerator<Changes> {
        yield* changes;
      }
      await follow(watch(), 'worker-1');
    `;
    const { stdout, stderr, ruleset } = await runExample({
      'example.ts': exampleIn(readme, 'createServiceProxy'),
      'main.ts': main,
    });
    expect(stderr).toBe(
      '<objects>: error invalid-address: Service shop/broken: spec.clusterIP is "x"; expected an IP address',
    );
    expect(stdout.split('\n')).toEqual([
      'ip created ok',
      'ip6 created ok',
      'ip changed ok',
      'ip6 unchanged ok',
      'ip unchanged ok',
      'ip6 unchanged ok',
      'ip unchanged ok',
      'ip6 unchanged ok',
      'ip changed ok',
      'ip6 unchanged ok',
    ]);
    expect(await differencesOf(ruleset, { clusterCIDRs })).toEqual([]);
  });

  test('of the reference does the same with an engine alone, over an existing table', async () => {
    const main = `
      import { execFileSync } from 'node:child_process';
      import type { Changes } from 'svc2nft';
      import { load } from './example.ts';
      const changes: Changes[] = ${JSON.stringify(changes)};
      const text = 'table ip svc2nft { set theirs { type ether_addr; }; }';
      execFileSync('nft', ['-f', '-'], { input: text });
      for (const change of changes) {
        load(change);
      }
    `;
    const { stderr, ruleset } = await runExample({
      'example.ts': exampleIn(reference, 'isInSync'),
      'main.ts': main,
    });
    expect(stderr).toBe('');
    expect(await differencesOf(ruleset, {})).toEqual([]);
  });
});

/** The only block of TypeScript with a word in it. */
function exampleIn(text: string, word: string): string {
  const blocks = [...text.matchAll(/^```ts\n([\s\S]*?)^```/gm)].flatMap(([, block = '']) => block);
  const found = blocks.filter((block) => block.includes(word));
  expect(found).toHaveLength(1);
  return found[0] ?? '';
}

/** How a listing differs from what compile prints for all that is left in the end. */
async function differencesOf(ruleset: string, options: Partial<library.CompileOptions>): Promise<string[]> {
  const documents = library.documentsOf([node(), ...cart, ...six]);
  const { text = '' } = library.compile(documents, { nodeName: 'worker-1', ...options });
  const [wanted = ''] = await loadTransactions([[text]]);
  const ours = [...readParts(wanted)].filter(([name]) => /^ip6? svc2nft/.test(name));
  expect(ours.length).toBeGreaterThan(30);
  return compareParts(readParts(ruleset), new Map(ours));
}
