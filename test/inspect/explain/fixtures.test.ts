import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { canonicalAddress } from '../../../src/net/address.ts';
import { iptablesOptions, withDefaults } from '../../../src/options.ts';
import { readDocuments } from '../../../src/phases/1-read/read-documents.ts';
import { explainerFor } from '../../support/explainer.ts';
import { listFixtures, loadFixture } from '../../support/fixture.ts';
import { packetsOfIptables } from '../../support/iptables-differences.ts';
import { iptablesOfFixture, readBack } from '../../support/iptables-fixture.ts';
import type { Packet } from '../../support/packets.ts';
import { servicePortsAt } from '../../support/service-ports-at.ts';
import { packetOf } from '../../support/walk-fixture.ts';
import { expectReasons } from './reasons.ts';

/** A fixture with its packets and rules for one target; undefined for rules that are compiled for nft. */
function fixtureFor(name: string, target: 'nftables' | 'iptables') {
  const fixture = loadFixture(name);
  if (target === 'nftables') {
    return { ...fixture, rules: undefined };
  }
  return {
    ...fixture,
    options: iptablesOptions(withDefaults(fixture.options)),
    packets: packetsOfIptables(name, fixture.packets),
    rules: readBack(iptablesOfFixture(name).rulesets),
  };
}

const all = listFixtures().flatMap((name) => [[name, 'nftables'] as const, [name, 'iptables'] as const]);

/** Every packet of every fixture: its fate as it was written down by hand, the Service, and the reason. */
describe.each(all)('%s, %s', (name, target) => {
  const { snapshotFile, options, packets, nodeAddresses, rules } = fixtureFor(name, target);
  const { documents } = readDocuments([{ file: name, content: readFileSync(snapshotFile) }]);
  const { explain, views } = explainerFor(documents, options, nodeAddresses, rules);

  test.each(packets)('$name', (packet) => {
    const asked = packetOf(packet);
    const explanation = explain(asked);
    const { verdict, endpoints } = explanation;
    expect(verdict).toBe(typeof packet.expect === 'string' ? packet.expect : 'translated');
    expect(endpoints.map(({ endpoint }) => endpoint)).toEqual(typeof packet.expect === 'string' ? [] : packet.expect);
    for (const { endpoint, masqueraded, probability } of endpoints) {
      expect(masqueraded, `source at ${endpoint}`).toBe(wantedSource(packet, endpoint) ?? masqueraded);
      expect(probability).toBeCloseTo(1 / endpoints.length, 10);
    }
    const values = documents.map(({ value }) => value);
    // In iptables mode, node ports are served at loopback addresses of IPv4, too.
    const isServed = target === 'iptables' && asked.destination.startsWith('127.') && verdict !== 'untouched';
    const local = isServed ? [...nodeAddresses, asked.destination] : nodeAddresses;
    const owners = servicePortsAt(values, asked, local, canonicalAddress);
    expectReasons(explanation, owners);
    // Every endpoint is either possible or left out for a reason.
    const servicePort = views
      .flatMap(({ servicePorts }) => servicePorts)
      .find((one) => `${one.namespace}/${one.name}${one.portName && `:${one.portName}`}` === explanation.service?.name);
    // Pods that are not endpoints of this port are listed as well.
    const all = [...endpoints, ...explanation.leftOut].map(({ endpoint }) => endpoint);
    const listed = all.filter((endpoint) => endpoint !== '').sort();
    expect(new Set(listed).size).toBe(listed.length);
    if (servicePort && views.length === 1) {
      expect(listed).toHaveLength(servicePort.endpoints.length);
    }
    expect(explanation.leftOut.filter(({ code }) => code === 'not-in-rules')).toEqual([]);
  });
});

function wantedSource({ masqueraded }: Packet, endpoint: string): boolean | undefined {
  return typeof masqueraded === 'object' ? masqueraded.includes(endpoint) : masqueraded;
}
