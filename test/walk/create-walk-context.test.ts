import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compile } from '../../src/compile.ts';
import { compareText } from '../../src/lib/text.ts';
import { parseAddress } from '../../src/net/address.ts';
import { protocols } from '../../src/net/network.ts';
import type { Element, EndpointList, Ruleset } from '../../src/nft/ruleset.ts';
import { documentsOf } from '../../src/phases/1-read/read-documents.ts';
import { UnknownRule } from '../../src/walk/check-ruleset.ts';
import type { Fate, Packet, PacketOutcome } from '../../src/walk/fate.ts';
import { indexRuleset } from '../../src/walk/index-ruleset.ts';
import { createWalkContext, walkInContext, walkPacket } from '../../src/walk/walk-packet.ts';
import { arbitraryCluster, nodeName } from '../support/arbitrary-cluster.ts';
import { rulesetOf, service, slice } from '../support/small-cluster.ts';
import { arbitraryTamper, tamperWith } from '../support/tamper-ruleset.ts';

const ruleset = indexRuleset(
  rulesetOf([service('web', { clusterIP: '10.96.0.10' }), slice('web', ['10.244.1.10', '10.244.2.20'])]),
);
const node = { localAddresses: ['192.0.2.11'] };
const packet = { source: '10.244.1.50', destination: '10.96.0.10', protocol: 'tcp', port: 80 } as const;

test('without steps the outcomes are the same', () => {
  const { outcomes } = walkPacket(ruleset, packet, node);
  expect(outcomes.every(({ steps }) => steps.length > 6)).toBe(true);
  const quick = walkInContext(packet, createWalkContext(ruleset, node, { keepsSteps: false }));
  expect(quick.outcomes).toEqual(outcomes.map((outcome) => ({ ...outcome, steps: [] })));
});

describe('for any ruleset, packet and memory', () => {
  /** Packets to what the keys of the sets name, as frontends and as endpoints. */
  const packetsOf = ({ sets }: Ruleset): Packet[] => {
    const parts = sets.flatMap(({ elements }) => elements.map(({ key }) => key.split(' . ')));
    const addresses = [...new Set(parts.flat().flatMap((part) => (parseAddress(part) ? [part] : [])))];
    const ports = [...new Set(parts.flat().flatMap((part) => (/^[0-9]+$/.test(part) ? [Number(part)] : [])))];
    return addresses.flatMap((destination, index) =>
      ports.slice(0, 5).flatMap((port) =>
        protocols.map((protocol) => {
          const source = addresses[(index * 7 + port) % addresses.length] ?? destination;
          return { source, destination, protocol, port, inputInterface: 'eth0' };
        }),
      ),
    );
  };

  test.each(['1.0.6', '1.1.3'] as const)(
    'without steps the outcomes and elements are the same, nft %s',
    (targetNft) => {
      fc.assert(
        fc.property(arbitraryCluster, fc.array(arbitraryTamper, { maxLength: 4 }), (objects, tampers) => {
          const { rulesets = [] } = compile(documentsOf(objects), { nodeName, targetNft, keepGoing: true });
          const changed = rulesets.flatMap((each) => tampers.map((tamper) => tamperWith(each, tamper)));
          for (const each of [...rulesets, ...changed.filter(isUnderstood)]) {
            const outcomesOf = (keepsSteps: boolean): unknown => {
              const elements = new Set<string>();
              const onElement = ({ key }: Element): unknown => elements.add(key);
              const onDraw = ({ key }: EndpointList, count: number): void => {
                for (let index = 0; index < count; index++) {
                  elements.add(`${key} . ${index}`);
                }
              };
              const context = createWalkContext(indexRuleset(each), node, { keepsSteps, onElement, onDraw });
              const fates = packetsOf(each).map((sent) => {
                const first = sorted(walkInContext(sent, context));
                return [first, ...first.slice(0, 2).map(({ memory }) => sorted(walkInContext(sent, context, memory)))];
              });
              return [fates, elements];
            };
            expect(outcomesOf(false)).toEqual(outcomesOf(true));
          }
        }),
        { numRuns: 15 },
      );
    },
  );
});

function isUnderstood(each: Ruleset): boolean {
  try {
    indexRuleset(each);
    return true;
  } catch (error) {
    expect(error).toBeInstanceOf(UnknownRule);
    return false;
  }
}

/** Branches that are walked together may end in another order. */
function sorted({ outcomes }: Fate): PacketOutcome[] {
  const keyed = outcomes.map((outcome) => {
    const { steps: _, ...rest } = outcome;
    const memory = [...outcome.memory].map(([name, entries]) => [name, [...entries]]);
    return { outcome: { ...outcome, steps: [] }, text: JSON.stringify({ ...rest, memory }) };
  });
  return keyed.sort((a, b) => compareText(a.text, b.text)).map(({ outcome }) => outcome);
}

test.each([true, false])('every element that any branch finds is passed on, with steps: %s', (keepsSteps) => {
  const keys = new Set<string>();
  const draws = new Map<string, number>();
  const context = createWalkContext(ruleset, node, {
    keepsSteps,
    onElement: ({ key }) => keys.add(key),
    onDraw: ({ key }, count) => draws.set(key, count),
  });
  walkInContext(packet, context);
  expect([...keys]).toEqual(['10.96.0.10 . tcp . 80']);
  expect([...draws]).toEqual([['10.96.0.10 . 80', 2]]);
});
