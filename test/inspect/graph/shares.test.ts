import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { compileRulesets } from '../../../src/compile.ts';
import { buildGraph } from '../../../src/inspect/graph/build-graph.ts';
import type { Graph, GraphFrontend, GraphServicePort } from '../../../src/inspect/graph/graph.ts';
import { readEndpointSources } from '../../../src/kubernetes/endpoint-sources.ts';
import { readLocations } from '../../../src/kubernetes/locations.ts';
import { readDocuments } from '../../../src/phases/1-read/read-documents.ts';
import { listFixtures, loadFixture, refusesEndpoints } from '../../support/fixture.ts';
import type { Packet } from '../../support/packets.ts';
import { walkerFor } from '../../support/walk-fixture.ts';

/** For every packet of every fixture that goes to a frontend: a route of the graph must say what the walker says. */
describe.each(listFixtures())('%s', (name) => {
  const { graph, comparisons } = compareFixture(name);

  test('every frontend has its ends', () => {
    for (const { frontends, routes } of graph.servicePorts) {
      expect(routes.every(({ endpoints, refusal }) => endpoints > 0 !== (refusal !== null))).toBe(true);
      expect(frontends.every((frontend) => frontend.routes.length > 0 !== (frontend.heldBy !== ''))).toBe(true);
    }
  });

  test('the shares are those of the walker', () => {
    for (const { packet, walked, drawn } of comparisons) {
      // Where all endpoints of a route are refused themselves, nothing says how.
      const isRefused = refusesEndpoints(name) && ['rejected', 'dropped'].includes(walked.join());
      expect(drawn, packet).toEqual(expect.arrayContaining([isRefused && drawn.length === 1 ? drawn[0] : walked]));
      expect(drawn.flat().includes('nothing'), packet).toBe(isRefused && !drawn.flat().includes(walked.join()));
    }
  });
});

test('enough packets go to frontends', () => {
  const all = listFixtures().flatMap((name) => compareFixture(name).comparisons);
  expect(all.length).toBeGreaterThan(250);
  expect(all.filter(({ walked }) => walked.length > 1).length).toBeGreaterThan(100);
  expect(all.filter(({ walked }) => walked.includes('dropped')).length).toBeGreaterThan(20);
  expect(all.filter(({ walked }) => walked.includes('rejected')).length).toBeGreaterThan(10);
});

/** What becomes of a packet by the walker, and by the routes of the frontend that it goes to. */
interface Comparison {
  readonly packet: string;
  readonly walked: readonly string[];
  readonly drawn: readonly (readonly string[])[];
}

function compareFixture(name: string): { graph: Graph; comparisons: Comparison[] } {
  const { snapshotFile, options, packets, nodeAddresses } = loadFixture(name);
  const { documents } = readDocuments([{ file: 'snapshot.yaml', content: readFileSync(snapshotFile) }]);
  const { views, rulesets = [] } = compileRulesets(documents, options);
  const sources = { locations: readLocations(documents), endpointSources: readEndpointSources(documents), notes: [] };
  const graph = buildGraph({ views, rulesets, ...sources });
  const walk = walkerFor(rulesets, nodeAddresses);
  const comparisons = packets.flatMap((packet) => {
    const found = findFrontend(graph, packet, nodeAddresses);
    const { verdict, endpoints } = walk(packet).first;
    // A node port is not open at every address of the node.
    if (!found || verdict === 'untouched') {
      return [];
    }
    const [frontend, port] = found;
    const shares = endpoints.map(({ endpoint, share }) => `${endpoint} ${share.numerator}/${share.denominator}`);
    const guard = frontend.sourceRanges === null ? [] : [['dropped']];
    return {
      packet: packet.name,
      walked: verdict === 'translated' ? shares : [verdict],
      drawn: [...frontend.routes.map((route) => drawnBy(port, route)), ...guard],
    };
  });
  return { graph, comparisons };
}

/** Undefined for packets that go to no frontend. */
function findFrontend(
  { servicePorts }: Graph,
  { to: { address, port, protocol } }: Packet,
  nodeAddresses: readonly string[],
): [GraphFrontend, GraphServicePort] | undefined {
  const text = address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
  const family = address.includes(':') ? 'ip6' : 'ip';
  const places = [text, ...(nodeAddresses.includes(address) ? [`node port ${port}`] : [])];
  for (const place of places) {
    for (const servicePort of servicePorts) {
      const frontend = servicePort.frontends.find((one) => one.address === place && one.heldBy === '');
      if (frontend && servicePort.protocol === protocol && servicePort.family === family) {
        return [frontend, servicePort];
      }
    }
  }
  return undefined;
}

function drawnBy({ endpoints, routes }: GraphServicePort, index: number): string[] {
  const route = routes[index];
  const reached = endpoints.filter((endpoint) => endpoint.routes.includes(index));
  return reached.length > 0
    ? reached.map(({ endpointAddress }) => `${endpointAddress} 1/${route?.endpoints}`)
    : [route?.refusal ?? 'nothing'];
}
