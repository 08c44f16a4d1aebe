import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ReasonCode } from '../../../src/inspect/explain/explanation.ts';
import { deriveExpectations } from '../../../src/inspect/verify/derive-expectations.ts';
import { expectFate } from '../../../src/inspect/verify/expect-fate.ts';
import { documentsOf } from '../../../src/phases/1-read/read-documents.ts';
import { validate } from '../../../src/phases/2-validate/validate.ts';
import { type Packet, summarizeFate } from '../../../src/walk/fate.ts';
import { indexRuleset } from '../../../src/walk/index-ruleset.ts';
import { walkPacket } from '../../../src/walk/walk-packet.ts';
import { arbitraryCluster, nodeName } from '../../support/arbitrary-cluster.ts';
import { explainerFor } from '../../support/explainer.ts';
import { reasonsFor } from './reasons.ts';

const nodeAddresses = ['192.0.2.11', '2001:db8:a::11'];
const ip = {
  sources: ['10.244.1.50', '10.244.1.3', '203.0.113.9', '203.0.113.200', '192.0.2.11'],
  destinations: ['10.96.0.1', '10.96.0.2', '198.18.0.1', '198.18.0.2', '198.19.0.1', '192.0.2.11', '10.244.1.3'],
};
const ip6 = {
  sources: ['fd00:10:244:1::50', 'fd00:10:244:1::3', '2001:db8:ff::9', '2001:db8:a::11'],
  destinations: ['fd00:10:96::1', 'fd00:10:96::2', '2001:db8:1b::1', '2001:db8:e::1', '2001:db8:a::11'],
};
const packets: readonly Packet[] = [ip, ip6].flatMap(({ sources, destinations }) =>
  sources.flatMap((source) =>
    destinations.flatMap((destination) =>
      (['tcp', 'udp', 'sctp'] as const).flatMap((protocol) =>
        [80, 81, 30000, 30001].map((port) => ({ source, destination, protocol, port })),
      ),
    ),
  ),
);

/** The reasons of the second derivation as explanations name them. */
const reasons: Readonly<Record<ReturnType<typeof expectFate>['reason'], readonly ReasonCode[]>> = {
  endpoints: reasonsFor.translated,
  'no-endpoints': ['no-endpoints'],
  'no-local-endpoints': ['no-local-endpoints'],
  'source-range': ['source-ranges'],
  'unknown-port': ['unknown-port'],
  unallocated: ['unallocated'],
  // These clusters have no endpoint at a cluster IP.
  'refused-endpoint': [],
  // These clusters do not have the feature gate.
  localhost: [],
  // Rules of iptables alone have one.
  'loopback-guard': [],
  'not-a-service': reasonsFor.untouched,
};

const never = { verdict: 'untouched', reason: 'not-a-service', frontend: undefined } as const;

/** Explanations walk only a part of the ruleset; the test walks all of it. */
test('random clusters: explanations agree with a walk over the whole ruleset, and with the reasons that verify derives', () => {
  fc.assert(
    fc.property(arbitraryCluster, fc.integer({ min: 0, max: 15 }), (cluster, start) => {
      const options = { nodeName, clusterCIDRs: ['10.244.0.0/16', 'fd00:10:244::/48'], nodeAddresses };
      const documents = documentsOf(cluster);
      const { explain, rulesets, views } = explainerFor(documents, options);
      const { snapshot } = validate(documents);
      const expectations = new Map(
        views.map((node) => [
          node.family,
          deriveExpectations(snapshot, { node, masqueradeAll: false, masqueradeBit: 14 }),
        ]),
      );
      const tables = new Map(rulesets.map((ruleset) => [ruleset.family, indexRuleset(ruleset)]));
      for (const packet of packets.filter((_, index) => index % 16 === start)) {
        const explanation = explain(packet);
        const family = packet.source.includes(':') ? 'ip6' : 'ip';
        const table = tables.get(family);
        const walked = table && summarizeFate(walkPacket(table, packet, { localAddresses: nodeAddresses }));
        const explained = explanation.endpoints.map(({ endpoint, share, masqueraded }) => ({
          endpoint,
          share,
          masqueraded,
        }));
        const { verdict: explainedVerdict, masqueraded, rejectedWith } = explanation;
        expect({
          verdict: explainedVerdict,
          endpoints: explained,
          masqueraded,
          rejectedWith: rejectedWith ?? undefined,
        }).toEqual(walked);
        const expected = expectations.get(family);
        const { verdict, reason, frontend } = expected ? expectFate(packet, expected) : never;
        expect(explanation.verdict).toBe(verdict);
        expect(reasons[reason]).toContain(explanation.reason.code);
        expect(explanation.service?.name).toBe(frontend?.service.label);
        expect(explanation.leftOut.filter(({ code }) => code === 'not-in-rules')).toEqual([]);
      }
    }),
    { numRuns: 150 },
  );
});
