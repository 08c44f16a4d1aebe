import { isIP } from 'node:net';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compile } from '../../src/compile.ts';
import { createEngine } from '../../src/engine/create-engine.ts';
import type { CompileOptions } from '../../src/options.ts';
import { documentsOf } from '../../src/phases/1-read/read-documents.ts';
import { arbitraryChanges, objectsAfter, type RandomChange } from '../support/arbitrary-changes.ts';
import { type Manifest, nodeName } from '../support/arbitrary-cluster.ts';
import { comparableRuleset } from '../support/comparable-ruleset.ts';

const settings: readonly Partial<CompileOptions>[] = [
  { nodeName },
  { nodeName, targetNft: '1.1.3', nodePortAddresses: ['all'] },
  { nodeName, detectLocalMode: 'NodeCIDR', nodeAddresses: ['192.0.2.50'] },
  { masqueradeAll: true, families: ['ip'] },
];

/** More for a long look: RUNS=20000 npx vitest run test/engine/sequences.test.ts */
const numRuns = Number(process.env['RUNS'] ?? 750);

describe.each(settings)('%j', (options) => {
  test('any sequence of updates ends in the ruleset of one compilation', { timeout: 600_000 }, () => {
    let compared = 0;
    fc.assert(
      fc.property(arbitraryChanges, (changes) => {
        const engine = createEngine(options);
        for (const change of changes) {
          engine.update({ ...change, complete: true });
        }
        const compiled = compileLast(changes, options);
        if (compiled) {
          compared += 1;
          expect(engine.rulesets().map(comparableRuleset)).toEqual(compiled);
        }
      }),
      { numRuns },
    );
    expect(compared).toBeGreaterThan(numRuns / 2);
  });
});

/** Undefined if the node was never known. */
function compileLast(changes: readonly RandomChange[], options: Partial<CompileOptions>): unknown[] | undefined {
  let known: NodeManifest | undefined;
  for (const [index] of changes.entries()) {
    known = keepKnown(ownNode(objectsAfter(changes.slice(0, index + 1)), options), known, options);
  }
  if (!known && !options.nodeAddresses) {
    return undefined;
  }
  const others = objectsAfter(changes).filter(({ kind }) => kind !== 'Node');
  const objects = known ? [...others, known] : others;
  return compile(documentsOf(objects), { ...options, keepGoing: true }).rulesets?.map(comparableRuleset);
}

interface NodeManifest {
  readonly metadata: { readonly name: string };
  readonly spec?: object;
  readonly status: { readonly addresses: readonly { readonly address: string }[] };
}

function ownNode(objects: readonly Manifest[], options: Partial<CompileOptions>): NodeManifest | undefined {
  const nodes = objects.filter(({ kind }) => kind === 'Node') as unknown as NodeManifest[];
  const named = nodes.filter(({ metadata }) => (options.nodeName ?? metadata.name) === metadata.name);
  return named.length === 1 ? named[0] : undefined;
}

/** The engine keeps what the Node had before where it has nothing in place of it. */
function keepKnown(
  node: NodeManifest | undefined,
  known: NodeManifest | undefined,
  options: Partial<CompileOptions>,
): NodeManifest | undefined {
  const addresses = (node?.status.addresses ?? []).filter(({ address }) => isIP(address) > 0);
  if (!node || !known || node.metadata.name !== known.metadata.name) {
    return node && (addresses.length > 0 || options.nodeAddresses) ? node : known;
  }
  const versions = new Set(addresses.map(({ address }) => isIP(address)));
  const lost = known.status.addresses.filter(({ address }) => isIP(address) > 0 && !versions.has(isIP(address)));
  return { ...known, ...node, status: { addresses: [...addresses, ...lost] } };
}
