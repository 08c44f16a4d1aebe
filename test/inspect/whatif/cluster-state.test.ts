import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compileRulesets } from '../../../src/compile.ts';
import {
  type NodeOutcome,
  type PlacedNode,
  type PortState,
  readClusterState,
} from '../../../src/inspect/whatif/cluster-state.ts';
import { documentsOf } from '../../../src/phases/1-read/read-documents.ts';
import { validate } from '../../../src/phases/2-validate/validate.ts';
import { summarizeFate } from '../../../src/walk/fate.ts';
import { indexRuleset } from '../../../src/walk/index-ruleset.ts';
import { createWalkContext, walkInContext } from '../../../src/walk/walk-packet.ts';
import { arbitraryCluster, type Manifest } from '../../support/arbitrary-cluster.ts';

const second: Manifest = {
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'worker-2', labels: { 'topology.kubernetes.io/zone': 'zone-b' } },
  status: {
    addresses: [
      { type: 'InternalIP', address: '192.0.2.12' },
      { type: 'InternalIP', address: '2001:db8:a::12' },
    ],
  },
};

const addresses = {
  'worker-1': { ip: '192.0.2.11', ip6: '2001:db8:a::11' },
  'worker-2': { ip: '192.0.2.12', ip6: '2001:db8:a::12' },
} as const;

/** A Pod that is no endpoint, and a client outside that all source ranges admit. */
const clients = {
  ip: { internal: '10.244.1.200', external: '203.0.113.1' },
  ip6: { internal: 'fd00:10:244:1::c8', external: '2001:db8:ff::1' },
} as const;

const verdicts = { translated: 'served', rejected: 'refused', dropped: 'dropped' } as const;

/** What the rules of a node do, as an outcome says it. */
function walkTo(
  documents: ReturnType<typeof documentsOf>,
  { servicePort, family, frontends }: PortState,
  { node, kind }: { readonly node: PlacedNode; readonly kind: 'internal' | 'external' },
): object[] {
  const { rulesets = [] } = compiledFor(documents, node);
  const ruleset = rulesets.find((one) => one.family === family);
  const own = addresses[node.name as keyof typeof addresses];
  const context = ruleset && createWalkContext(indexRuleset(ruleset), { localAddresses: Object.values(own) });
  return (
    frontends
      .filter((frontend) => (frontend.kind === 'ClusterIP') === (kind === 'internal'))
      // Their source ranges may not admit the client.
      .filter((frontend) => frontend.kind !== 'LoadBalancer' || servicePort.sourceRanges.length === 0)
      .flatMap(({ address, port }) => {
        const packet = {
          source: clients[family][kind],
          destination: address ?? own[family],
          protocol: servicePort.protocol,
          port,
        };
        const fate = context && summarizeFate(walkInContext(packet, context));
        return fate
          ? [
              {
                verdict: verdicts[fate.verdict as keyof typeof verdicts],
                endpoints: fate.endpoints
                  .map(({ endpoint, share }) => `${endpoint} ${share.numerator}/${share.denominator}`)
                  .sort(),
                keepsSource: fate.verdict === 'translated' && fate.masqueraded === false,
              },
            ]
          : [];
      })
  );
}

const compiled = new WeakMap<object, Map<string, ReturnType<typeof compileRulesets>>>();

function compiledFor(
  documents: ReturnType<typeof documentsOf>,
  { name }: PlacedNode,
): ReturnType<typeof compileRulesets> {
  const byNode = compiled.get(documents) ?? new Map<string, ReturnType<typeof compileRulesets>>();
  compiled.set(documents, byNode);
  const options = { nodeName: name, clusterCIDRs: ['10.244.0.0/16', 'fd00:10:244::/48'] };
  const known = byNode.get(name) ?? compileRulesets(documents, options);
  byNode.set(name, known);
  return known;
}

function shown({ verdict, endpoints, keepsSource }: NodeOutcome): object {
  const texts = endpoints.map(({ endpointAddress: { address, port } }) =>
    address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`,
  );
  return { verdict, endpoints: texts.map((text) => `${text} 1/${texts.length}`).sort(), keepsSource };
}

test('the rules of every node do what the state of the cluster says, with the same shares', () => {
  let compared = 0;
  fc.assert(
    fc.property(arbitraryCluster, (manifests) => {
      const documents = documentsOf([...manifests, second]);
      const state = readClusterState(validate(documents).snapshot);
      for (const node of state.nodes) {
        for (const port of state.ports.values()) {
          for (const kind of ['internal', 'external'] as const) {
            const outcome = port[kind]?.(node);
            for (const walked of walkTo(documents, port, { node, kind })) {
              compared += 1;
              expect(walked).toEqual(outcome && shown(outcome));
            }
          }
        }
      }
    }),
    { numRuns: 60 },
  );
  expect(compared).toBeGreaterThan(100);
});
