import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compile } from '../../src/compile.ts';
import { parseAddress } from '../../src/net/address.ts';
import { protocols } from '../../src/net/network.ts';
import type { Element, Ruleset } from '../../src/nft/ruleset.ts';
import { documentsOf } from '../../src/phases/1-read/read-documents.ts';
import type { Packet } from '../../src/walk/fate.ts';
import { indexRuleset } from '../../src/walk/index-ruleset.ts';
import { createWalkContext, walkInContext, walkPacket } from '../../src/walk/walk-packet.ts';
import { arbitraryCluster, nodeName } from '../support/arbitrary-cluster.ts';
import { rulesetOf, service, slice } from '../support/small-cluster.ts';

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
        fc.property(arbitraryCluster, (objects) => {
          const { rulesets = [] } = compile(documentsOf(objects), { nodeName, targetNft, keepGoing: true });
          for (const each of rulesets) {
            const outcomesOf = (keepsSteps: boolean): unknown => {
              const elements: string[] = [];
              const onElement = ({ key }: Element): unknown => elements.push(key);
              const context = createWalkContext(indexRuleset(each), node, { keepsSteps, onElement });
              const fates = packetsOf(each).flatMap((sent) => {
                const first = walkInContext(sent, context);
                return [first, walkInContext(sent, context, first.outcomes[0]?.memory)];
              });
              return [fates.map(({ outcomes }) => outcomes.map((outcome) => ({ ...outcome, steps: [] }))), elements];
            };
            expect(outcomesOf(false)).toEqual(outcomesOf(true));
          }
        }),
        { numRuns: 15 },
      );
    },
  );
});

test('every element that any branch finds is passed on', () => {
  const keys = new Set<string>();
  const context = createWalkContext(ruleset, node, { keepsSteps: false, onElement: ({ key }) => keys.add(key) });
  walkInContext(packet, context);
  expect([...keys].sort()).toEqual(['10.96.0.10 . 80 . 0', '10.96.0.10 . 80 . 1', '10.96.0.10 . tcp . 80']);
});
