import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { canonicalAddress } from '../../../src/net/address.ts';
import { endpointText } from '../../../src/net/network.ts';
import { documentsOf } from '../../../src/phases/1-read/read-documents.ts';
import { explainerFor } from '../../support/explainer.ts';
import { servicePortsAt } from '../../support/service-ports-at.ts';
import { type Flow, type FlowScenario, objectsOf, optionsOf } from './flow-scenario.ts';
import { expectReasons } from './reasons.ts';

/** Scenarios of one's own: `FLOWS=folder npx vitest run test/inspect/explain/flows.test.ts`. */
const folder = process.env['FLOWS'] ?? fileURLToPath(new URL('flows', import.meta.url));

const files = readdirSync(folder).filter((name) => name.endsWith('.json'));

test('there are scenarios', () => {
  expect(files).not.toEqual([]);
});

describe.each(files)('%s', (file) => {
  const scenario = JSON.parse(readFileSync(join(folder, file), 'utf8')) as FlowScenario;
  const objects = objectsOf(scenario);
  const nodeAddresses = scenario.config.nodeIPs.flatMap((address) => canonicalAddress(address) ?? []);
  const { explain } = explainerFor(documentsOf(objects), optionsOf(scenario));

  test.each(scenario.flows)('$name', (flow) => {
    const { src, dst, proto, dport, iif, expect: expected } = flow;
    const destination = canonicalAddress(dst) ?? dst;
    const explanation = explain({
      source: canonicalAddress(src) ?? src,
      destination,
      protocol: proto,
      port: dport,
      ...(iif !== undefined && { inputInterface: iif }),
    });
    const verdicts = { dnat: 'translated', reject: 'rejected', drop: 'dropped', none: 'untouched' } as const;
    expect(explanation.verdict).toBe(verdicts[expected.verdict]);
    expect(explanation.endpoints.map(({ endpoint }) => endpoint)).toEqual(
      expected.endpoints.map(canonicalEndpointAddress).sort(),
    );
    for (const { endpoint, masqueraded } of explanation.endpoints) {
      expect(masqueraded, `source at ${endpoint}`).toBe(wantedSource(flow, endpoint));
    }
    const where = { destination, protocol: proto, port: dport };
    expectReasons(explanation, servicePortsAt(objects, where, nodeAddresses, canonicalAddress));
  });
});

function wantedSource({ expect: { masquerade, masqueradeEndpoints } }: Flow, endpoint: string): boolean {
  return masqueradeEndpoints ? masqueradeEndpoints.map(canonicalEndpointAddress).includes(endpoint) : masquerade;
}

function canonicalEndpointAddress(text: string): string {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]+)):([0-9]+)$/.exec(text) ?? [];
  const address = canonicalAddress(bracketed ?? plain ?? '');
  return address === undefined ? text : endpointText({ address, port: Number(port) });
}
