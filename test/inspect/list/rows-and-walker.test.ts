import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { FrontendRow } from '../../../src/inspect/list/inventory.ts';
import type { Family, Protocol } from '../../../src/net/network.ts';
import { documentsOf } from '../../../src/phases/1-read/read-documents.ts';
import type { NodeView } from '../../../src/phases/3-model/model.ts';
import { summarizeFate } from '../../../src/walk/fate.ts';
import { indexRuleset } from '../../../src/walk/index-ruleset.ts';
import type { IndexedRuleset } from '../../../src/walk/lookup-tables.ts';
import { walkPacket } from '../../../src/walk/walk-packet.ts';
import { arbitraryCluster, type Manifest, nodeName } from '../../support/arbitrary-cluster.ts';
import { listFixtures } from '../../support/fixture.ts';
import { type TakenInventory, takeDocuments, takeFixture, usedBy } from './take-fixture.ts';

/** External clients, neither pod nor node, by family. */
const externalClients = { ip: '203.0.113.77', ip6: '2001:db8:ff::77' } as const;

interface Meeting {
  readonly verdict: string;
  readonly endpoints: readonly string[];
}

/**
 * What a row promises to external clients, and to pods and the node. How endpoints are refused that are refused themselves,
 * it does not say.
 */
function promised(row: FrontendRow, client: 'external' | 'node', met: Meeting): Meeting {
  const audience = client === 'node' ? 'internal' : 'external';
  const endpoints = usedBy(row, 'all', audience);
  const refusal = row.refusal?.replace('-for-external', '');
  const isForClient = row.refusal === refusal || client === 'external';
  if (row.endpoints.some(({ leftOut }) => leftOut === 'refused-endpoint')) {
    const isPart = endpoints.length > 0;
    const isSo = isPart ? met.verdict === 'mixed' : ['rejected', 'dropped'].includes(met.verdict);
    return { verdict: isSo ? met.verdict : 'refused', endpoints };
  }
  return { verdict: refusal !== undefined && isForClient ? refusal : 'translated', endpoints };
}

/** Rows that say otherwise than the packet walker. */
function disagreements({ items, rulesets, views }: TakenInventory, addresses: readonly string[]): object[] {
  const indexed = new Map(rulesets.map((ruleset): [Family, IndexedRuleset] => [ruleset.family, indexRuleset(ruleset)]));
  return items.flatMap((row) => {
    const ruleset = row.family === null ? undefined : indexed.get(row.family);
    const view = views.find(({ family }) => family === row.family);
    const packet = view && packetTo(row, view, addresses);
    if (!ruleset || !packet || row.heldBy !== null) {
      return [];
    }
    const own = addresses.find((address) => address.includes(':') === (ruleset.family === 'ip6'));
    const externalClient = externalClientAt(row, ruleset.family);
    const clients = [
      ...(externalClient === undefined ? [] : [['external', externalClient] as const]),
      // Whether source ranges hold the node is not this test's business.
      ...(own === undefined || row.sourceRanges ? [] : [['node', own] as const]),
    ];
    return clients.flatMap(([client, source]) => {
      const fate = summarizeFate(walkPacket(ruleset, { ...packet, source }, { localAddresses: addresses }));
      const met = { verdict: fate.verdict, endpoints: fate.endpoints.map(({ endpoint }) => endpoint) };
      const said = promised(row, client, met);
      return JSON.stringify(met) === JSON.stringify(said) ? [] : [{ frontend: row.frontend, client, met, said }];
    });
  });
}

/** An external client that may use the frontend; undefined where only pods and the node may. */
function externalClientAt({ sourceRanges }: FrontendRow, family: Family): string | undefined {
  const range = sourceRanges?.find((text) => /^(203\.0\.113\.|2001:db8:ff:)/.test(text));
  return sourceRanges ? range?.split('/')[0] : externalClients[family];
}

/** Undefined for a node port that is open nowhere, or hidden by an address of a Service. */
function packetTo(
  { frontend }: FrontendRow,
  { family, nodePortAddresses, servicePorts }: NodeView,
  addresses: readonly string[],
): { destination: string; port: number; protocol: Protocol } | undefined {
  const [, written, port, protocol] = /^\[?(.+?)\]?:(\d+)\/(\w+)$/.exec(frontend ?? '') ?? [];
  const open = nodePortAddresses.kind === 'listed' ? nodePortAddresses.addresses : addresses;
  const own = open.find((address) => address.includes(':') === (family === 'ip6'));
  const destination = written === '*' ? own : written;
  const isHidden = servicePorts.some(
    (one) =>
      written === '*' && one.port === Number(port) && [...one.externalIPs, ...one.loadBalancerIPs].includes(own ?? ''),
  );
  return destination === undefined || isHidden
    ? undefined
    : { destination, port: Number(port), protocol: protocol as Protocol };
}

test.each(listFixtures())('%s: rows say what clients meet', (name) => {
  const taken = takeFixture(name);
  expect(disagreements(taken, taken.nodeAddresses)).toEqual([]);
});

describe('random clusters', () => {
  const inputs = fc.tuple(arbitraryCluster, fc.constantFrom('1.0.6' as const, '1.1.3' as const));

  function take([objects, targetNft]: readonly [readonly Manifest[], '1.0.6' | '1.1.3']): TakenInventory {
    const clusterCIDRs = ['10.244.0.0/16', 'fd00:10:244::/48'];
    return takeDocuments(documentsOf(objects), { nodeName, clusterCIDRs, targetNft });
  }

  test('rows say what clients meet', () => {
    fc.assert(
      fc.property(inputs, (input) => {
        expect(disagreements(take(input), ['192.0.2.11', '2001:db8:a::11'])).toEqual([]);
      }),
    );
  });

  test('every endpoint of a Service stands in its rows, with a user or a reason', () => {
    fc.assert(
      fc.property(inputs, (input) => {
        const { items, views } = take(input);
        for (const { heldBy, family, namespace, service, portName, protocol, ...row } of items) {
          const view = views.find((one) => one.family === family);
          const port = view?.servicePorts.find(
            (one) =>
              one.namespace === namespace &&
              one.name === service &&
              one.portName === portName &&
              one.protocol === protocol,
          );
          expect(row.endpoints).toHaveLength(heldBy === null ? (port?.endpoints.length ?? 0) : 0);
          for (const { usedBy: users, leftOut } of row.endpoints) {
            expect(users === 'none').toBe(leftOut !== null);
          }
        }
      }),
    );
  });
});
