import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { compileRulesets } from '../../../src/compile.ts';
import { buildGraph } from '../../../src/inspect/graph/build-graph.ts';
import { buildRulesGraph } from '../../../src/inspect/graph/build-rules-graph.ts';
import { makeDrawing, shareText } from '../../../src/inspect/graph/drawing.ts';
import type { Graph, GraphServicePort } from '../../../src/inspect/graph/graph.ts';
import { readIptables } from '../../../src/iptables/read-iptables.ts';
import { readEndpointSources } from '../../../src/kubernetes/endpoint-sources.ts';
import { readLocations } from '../../../src/kubernetes/locations.ts';
import type { Ruleset } from '../../../src/nft/ruleset.ts';
import { readDocuments } from '../../../src/phases/1-read/read-documents.ts';
import { compileFixture } from '../../support/compile-fixture.ts';
import { listFixtures, loadFixture, refusesEndpoints } from '../../support/fixture.ts';
import { iptablesOfFixture, readBack } from '../../support/iptables-fixture.ts';

function graphOfFixture(name: string): Graph {
  const { snapshotFile, options } = loadFixture(name);
  const { documents } = readDocuments([{ file: snapshotFile, content: readFileSync(snapshotFile) }]);
  const { views, rulesets = [] } = compileRulesets(documents, options);
  const endpointSources = readEndpointSources(documents);
  return buildGraph({ views, rulesets, locations: readLocations(documents), endpointSources, notes: [] });
}

const unknown = { nodeName: '', addresses: [] };

/** What rules say of a graph: frontends, and the shares of endpoints. */
function served({ servicePorts }: Graph): Readonly<Record<string, object>> {
  return Object.fromEntries(servicePorts.flatMap((port) => (hasRules(port) ? [[nameOf(port), summarize(port)]] : [])));
}

function hasRules({ frontends }: GraphServicePort): boolean {
  return frontends.some(({ routes }) => routes.length > 0);
}

/** Names of ports are cut in rules. */
function nameOf({ namespace, name, portName, protocol, family }: GraphServicePort): string {
  return `${`${namespace}/${name}:${portName}`.slice(0, 128)} ${protocol} ${family}`;
}

function summarize(port: GraphServicePort): object {
  const frontends = port.frontends.filter(({ routes }) => routes.length > 0);
  return {
    affinitySeconds: port.affinitySeconds,
    // Rules of nft tell load balancer IPs by their source ranges.
    frontends: frontends
      .map(({ kind, address, sourceRanges }) => `${addressKindOf(kind)} ${address} ${sourceRanges}`)
      .sort(),
    refusals: [...new Set(port.routes.flatMap(({ refusal }) => refusal ?? []))].sort(),
    endpoints: port.endpoints
      .filter(({ routes }) => routes.length > 0)
      .map((endpoint) => `${endpoint.endpointAddress} ${shareText(endpoint, port)}`),
  };
}

function addressKindOf(kind: string): string {
  return ['LoadBalancer', 'ExternalIP', 'External'].includes(kind) ? 'external' : kind;
}

/** Service ports whose names are cut alike are one in rules. */
const fixtures = listFixtures().filter((name) => !refusesEndpoints(name) && !name.includes('-are-cut'));

describe.each(fixtures)('%s', (name) => {
  test('rules alone give the graph of the snapshot, without what they do not say', () => {
    const { rulesets } = compileFixture(name);
    expect(served(buildRulesGraph(rulesets, unknown))).toEqual(served(graphOfFixture(name)));
  });

  test('rules for iptables give that of nft', () => {
    const families = compileFixture(name).rulesets;
    const iptables = readBack(iptablesOfFixture(name).rulesets);
    const withoutRanges = (graph: Graph): object =>
      JSON.parse(
        JSON.stringify(served(graph)).replaceAll(/(external \S+) \S*(?=",".*?"refusals":\["rejected"\])/g, '$1'),
      );
    expect(withoutRanges(buildRulesGraph(iptables, unknown))).toEqual(
      withoutRanges(buildRulesGraph(families, unknown)),
    );
  });
});

function kubeProxyRules(): Ruleset[] {
  const text = `*nat
:KUBE-SERVICES - [0:0]
:KUBE-NODEPORTS - [0:0]
:KUBE-MARK-MASQ - [0:0]
:KUBE-EXT-AAAAAAAAAAAAAAAA - [0:0]
:KUBE-SVC-AAAAAAAAAAAAAAAA - [0:0]
:KUBE-SVL-AAAAAAAAAAAAAAAA - [0:0]
:KUBE-SEP-AAAAAAAAAAAAAAAA - [0:0]
:KUBE-SEP-BBBBBBBBBBBBBBBB - [0:0]
-A KUBE-SERVICES -d 10.96.0.10/32 -p tcp -m comment --comment "shop/web:http cluster IP" -m tcp --dport 80 -j KUBE-SVC-AAAAAAAAAAAAAAAA
-A KUBE-SERVICES -d 192.0.2.11/32 -m comment --comment "kubernetes service nodeports" -j KUBE-NODEPORTS
-A KUBE-NODEPORTS -p tcp -m comment --comment "shop/web:http" -m tcp --dport 30080 -j KUBE-EXT-AAAAAAAAAAAAAAAA
-A KUBE-NODEPORTS -p tcp -m tcp --dport 30081 -j KUBE-SVL-AAAAAAAAAAAAAAAA
-A KUBE-EXT-AAAAAAAAAAAAAAAA -s 10.244.0.0/16 -j KUBE-SVC-AAAAAAAAAAAAAAAA
-A KUBE-EXT-AAAAAAAAAAAAAAAA -m addrtype --src-type LOCAL -j KUBE-SVC-AAAAAAAAAAAAAAAA
-A KUBE-EXT-AAAAAAAAAAAAAAAA -j KUBE-SVL-AAAAAAAAAAAAAAAA
-A KUBE-SVC-AAAAAAAAAAAAAAAA ! -s 10.244.0.0/16 -d 10.96.0.10/32 -p tcp -m tcp --dport 80 -j KUBE-MARK-MASQ
-A KUBE-SVC-AAAAAAAAAAAAAAAA -m statistic --mode random --probability 0.5 -j KUBE-SEP-AAAAAAAAAAAAAAAA
-A KUBE-SVC-AAAAAAAAAAAAAAAA -j KUBE-SEP-BBBBBBBBBBBBBBBB
-A KUBE-SVL-AAAAAAAAAAAAAAAA -j KUBE-SEP-AAAAAAAAAAAAAAAA
-A KUBE-SEP-AAAAAAAAAAAAAAAA -p tcp -m tcp -j DNAT --to-destination 10.244.1.5:8080
-A KUBE-SEP-BBBBBBBBBBBBBBBB -p tcp -m tcp -j DNAT --to-destination 10.244.2.6:8080
-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000
COMMIT
`;
  return readIptables(text).map(({ ruleset }) => ruleset);
}

describe('rules alone', () => {
  test('say which endpoints are here where a policy is Local, and name a service port that no comment names', () => {
    const graph = buildRulesGraph(kubeProxyRules(), { nodeName: 'worker-1', addresses: ['192.0.2.11'] });
    expect(graph).toMatchObject({ nodeName: 'worker-1', nodePortAddresses: { ip: '192.0.2.11' }, unserved: [] });
    expect(graph.servicePorts.map(({ namespace, name, port }) => [namespace, name, port])).toEqual([
      ['', '(unknown)', 30_081],
      ['shop', 'web', 80],
    ]);
    expect(graph.servicePorts[1]?.endpoints).toMatchObject([
      { endpointAddress: '10.244.1.5:8080', local: true, nodeName: 'worker-1', routes: [0, 1] },
      { endpointAddress: '10.244.2.6:8080', local: false, nodeName: '', routes: [0] },
    ]);
  });

  test('are drawn with this node apart from unknown ones, whether its name is known or not', () => {
    const titlesOf = (nodeName: string): string[] => {
      const { zones } = makeDrawing(buildRulesGraph(kubeProxyRules(), { nodeName, addresses: [] }));
      return zones.flatMap(({ nodes }) => nodes.map(({ title }) => title));
    };
    expect(titlesOf('')).toEqual(['this node', 'unknown node']);
    expect(titlesOf('worker-1')).toEqual(['node worker-1 (this node)', 'unknown node']);
  });
});
