import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compile } from '../../../src/compile.ts';
import type { FrontendState } from '../../../src/frontends/frontend.ts';
import type { ServicePortState } from '../../../src/inspect/changes/changes.ts';
import { describeChanges } from '../../../src/inspect/changes/describe-changes.ts';
import { renderChanges } from '../../../src/inspect/changes/render-changes.ts';
import type { Protocol } from '../../../src/net/network.ts';
import type { Ruleset } from '../../../src/nft/ruleset.ts';
import { elementsOf } from '../../../src/nft/ruleset-parts.ts';
import { documentsOf } from '../../../src/phases/1-read/read-documents.ts';
import { summarizeFate } from '../../../src/walk/fate.ts';
import { indexRuleset } from '../../../src/walk/index-ruleset.ts';
import { walkPacket } from '../../../src/walk/walk-packet.ts';
import { arbitraryCluster, type Manifest, nodeName } from '../../support/arbitrary-cluster.ts';
import { compileFixture } from '../../support/compile-fixture.ts';
import { listFixtures, refusesEndpoints } from '../../support/fixture.ts';

/** External clients, neither pod nor node, by family. */
const externalClients = { ip: '203.0.113.77', ip6: '2001:db8:ff::77' } as const;

/** Two service ports of one name, whose endpoints are described together. */
const ambiguous = 'names-longer-than-a-comment-are-cut';

describe.each(listFixtures())('%s', (name) => {
  const { rulesets, nodeAddresses } = compileFixture(name);

  test('the same ruleset again is not a change', () => {
    for (const ruleset of rulesets) {
      expect(renderChanges(describeChanges(ruleset, structuredClone(ruleset)), { color: false })).toEqual([]);
    }
  });

  test('what loading a ruleset adds, removing it takes away, and the walker gives external clients the same', () => {
    for (const ruleset of rulesets) {
      const { gained, changed, settings } = describeChanges(undefined, ruleset);
      expect(describeChanges(ruleset, undefined)).toMatchObject({
        lost: gained,
        gained: [],
        changed: [],
        settings: [],
      });
      expect({ changed, settings }).toEqual({ changed: [], settings: [] });
      expect(gained.flatMap(({ frontends }) => frontends)).toHaveLength(frontendCount(ruleset));
      expect(disagreements(ruleset, name === ambiguous || refusesEndpoints(name) ? [] : gained, nodeAddresses)).toEqual(
        [],
      );
    }
  });
});

const arbitraryRulesets = fc
  .tuple(arbitraryCluster, fc.constantFrom('1.0.6' as const, '1.1.3' as const))
  .map(([objects, targetNft]) => compileAll(objects, targetNft));

function compileAll(objects: readonly Manifest[], targetNft: '1.0.6' | '1.1.3'): readonly Ruleset[] {
  const clusterCIDRs = ['10.244.0.0/16', 'fd00:10:244::/48'];
  return compile(documentsOf(objects), { nodeName, clusterCIDRs, targetNft }).rulesets ?? [];
}

test('random clusters: the changes match what the walker gives external clients', () => {
  fc.assert(
    fc.property(arbitraryRulesets, (rulesets) => {
      for (const ruleset of rulesets) {
        const { gained } = describeChanges(undefined, ruleset);
        expect(disagreements(ruleset, gained, ['192.0.2.11', '2001:db8:a::11'])).toEqual([]);
      }
    }),
  );
});

test('random clusters: going back gains what going there lost', () => {
  fc.assert(
    fc.property(arbitraryRulesets, arbitraryRulesets, (befores, afters) => {
      expect(befores).toHaveLength(2);
      for (const [index, before] of befores.entries()) {
        const there = describeChanges(before, afters[index]);
        const back = describeChanges(afters[index], before);
        expect(back.gained).toEqual(there.lost);
        expect(back.lost).toEqual(there.gained);
        expect(back.changed.map(({ name, frontendsGained }) => ({ name, frontends: frontendsGained }))).toEqual(
          there.changed.map(({ name, frontendsLost }) => ({ name, frontends: frontendsLost })),
        );
        expect(JSON.stringify([there, back])).not.toContain('not understood');
      }
    }),
  );
});

function frontendCount({ sets }: Ruleset): number {
  const names = ['service-ips', 'service-nodeports', 'no-endpoint-services', 'no-endpoint-nodeports'];
  const keys = sets.filter(({ name }) => names.includes(name)).flatMap((set) => elementsOf(set).map(({ key }) => key));
  return new Set(keys).size;
}

/** Frontends open to all clients of which the packet walker says something else. */
function disagreements(
  ruleset: Ruleset,
  states: readonly ServicePortState[],
  nodeAddresses: readonly string[],
): object[] {
  const { family } = ruleset;
  const indexed = indexRuleset(ruleset);
  const nodePortIps = ruleset.sets.find(({ name }) => name === 'nodeport-ips')?.elements.map(({ key }) => key);
  const [own = ''] = nodePortIps ?? nodeAddresses.filter((address) => address.includes(':') === (family === 'ip6'));
  const all = states.flatMap((state) => state.frontends.map((frontend) => ({ state, frontend })));
  const taken = new Set(all.map(({ frontend }) => frontend.frontend));
  return all.flatMap(({ state, frontend }) => {
    const [, address = own, port, protocol] =
      /^(?:\*:|\[\*\]:|\[?([^\]]+?)\]?:)(\d+)\/(\w+)$/.exec(frontend.frontend) ?? [];
    const isNodePort = frontend.frontend.includes('*');
    const text = `${address.includes(':') ? `[${address}]` : address}:${port}/${protocol}`;
    // A load balancer IP or external IP on the node hides a node port of the same number.
    if (frontend.sourceRanges || address === '' || (isNodePort && taken.has(text))) {
      return [];
    }
    const packet = {
      source: externalClients[family],
      destination: address,
      protocol: protocol as Protocol,
      port: Number(port),
    };
    const met = summarizeFate(walkPacket(indexed, packet, { localAddresses: nodeAddresses }));
    const said = expectedFate(frontend, state);
    const endpoints = met.endpoints.map(({ endpoint }) => endpoint);
    // What the node answers itself leaves by no postrouting hook.
    const elsewhere = met.endpoints.filter(({ endpoint }) => !nodeAddresses.some((one) => endpoint.includes(one)));
    const isSame =
      met.verdict === said.verdict &&
      JSON.stringify(endpoints) === JSON.stringify(said.endpoints) &&
      elsewhere.every(({ masqueraded }) => masqueraded === (said.masqueraded ?? masqueraded));
    return isSame ? [] : [{ frontend, said, met }];
  });
}

interface Expected {
  readonly verdict: string | undefined;
  readonly endpoints: readonly string[];
  /** Absent where settings of the node decide. */
  readonly masqueraded?: boolean;
}

function expectedFate({ policy, refusal }: FrontendState, state: ServicePortState): Expected {
  if (refusal) {
    return { verdict: refusal.replace('-for-external', ''), endpoints: [] };
  }
  const endpoints = policy?.startsWith('local') ? state.localEndpoints : state.endpoints;
  const [, source] = policy?.split(', ') ?? [];
  return {
    verdict: 'translated',
    endpoints,
    ...(source !== undefined && { masqueraded: source === 'masqueraded' }),
  };
}
