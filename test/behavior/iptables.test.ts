import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compileIptables, compileRulesets } from '../../src/compile.ts';
import type { IptablesRuleset } from '../../src/iptables/iptables-ruleset.ts';
import { printIptables } from '../../src/iptables/print-iptables.ts';
import { familyOfAddress, sortAddresses } from '../../src/net/address.ts';
import { protocols } from '../../src/net/network.ts';
import { type CompileOptions, withDefaults } from '../../src/options.ts';
import { documentsOf } from '../../src/phases/1-read/read-documents.ts';
import type { ServicePort } from '../../src/phases/3-model/model.ts';
import { type FateSummary, summarizeFate, type Packet as WalkerPacket } from '../../src/walk/fate.ts';
import { indexRuleset } from '../../src/walk/index-ruleset.ts';
import { walkPacket } from '../../src/walk/walk-packet.ts';
import { arbitraryCluster, nodeName } from '../support/arbitrary-cluster.ts';
import { listFixtures } from '../support/fixture.ts';
import { packetsOfIptables } from '../support/iptables-differences.ts';
import { iptablesOfFixture, readBack } from '../support/iptables-fixture.ts';
import { manyServices } from '../support/many-services.ts';
import type { Packet } from '../support/packets.ts';
import { walkerFor } from '../support/walk-fixture.ts';

const localAddresses = ['192.0.2.11', '2001:db8:a::11'];

describe.each(listFixtures())('%s', (name) => {
  const { rulesets, packets, nodeAddresses } = iptablesOfFixture(name);
  const walk = walkerFor(readBack(rulesets), nodeAddresses);

  test('every packet has its fate with rules for iptables', () => {
    const wrong = packetsOfIptables(name, packets).flatMap((packet) => {
      const isRead = rulesets.some(({ family }) => (family === 'ip6') === packet.to.address.includes(':'));
      const { first } = walk(packet);
      return isRead && !isExpected(packet, first) ? [{ packet, first }] : [];
    });
    expect(wrong).toEqual([]);
  });

  test('clients with affinity keep their endpoint with rules for iptables', () => {
    for (const packet of packets.filter(({ sticky }) => sticky)) {
      const { first, next } = walk(packet);
      expect(first.endpoints.length, packet.name).toBe(packet.expect.length);
      const endpoints = first.endpoints.map(({ endpoint }) => [endpoint]);
      expect(sorted(next.map((fate) => fate.endpoints.map(({ endpoint }) => endpoint)))).toEqual(sorted(endpoints));
    }
  });
});

function sorted(lists: readonly (readonly string[])[]): string[] {
  return lists.map((list) => list.join()).sort();
}

function isExpected({ expect: expected, masqueraded }: Packet, { verdict, endpoints }: FateSummary): boolean {
  if (typeof expected === 'string') {
    return verdict === expected;
  }
  return (
    verdict === 'translated' &&
    JSON.stringify(endpoints.map(({ endpoint }) => endpoint)) === JSON.stringify(sortAddresses(expected)) &&
    endpoints.every((one) => {
      const isMasqueraded = Array.isArray(masqueraded) ? masqueraded.includes(one.endpoint) : masqueraded;
      return masqueraded === undefined || one.masqueraded === isMasqueraded;
    })
  );
}

function compileBoth(objects: readonly unknown[], chosen: Partial<CompileOptions>) {
  const options = withDefaults({ nodeName, clusterCIDRs: ['10.244.0.0/16', 'fd00:10:244::/48'], ...chosen });
  const documents = documentsOf(objects);
  const { rulesets = [], views, diagnostics } = compileRulesets(documents, options);
  const { rulesets: iptables = [], diagnostics: found } = compileIptables(documents, options);
  return { rulesets, views, diagnostics, iptables, found };
}

const arbitraryOptions: fc.Arbitrary<Partial<CompileOptions>> = fc.record({
  targetNft: fc.constantFrom('1.1.3' as const),
  masqueradeAll: fc.boolean(),
  masqueradeBit: fc.constantFrom(14, 31),
  nodePortAddresses: fc.constantFrom(['primary'], ['all'], ['192.0.2.0/24']),
});

describe('every cluster', () => {
  test('gives the same text whatever the order of the input', () => {
    const shuffled = arbitraryCluster.chain((objects) =>
      fc.tuple(fc.constant(objects), fc.shuffledSubarray(objects, { minLength: objects.length })),
    );
    fc.assert(
      fc.property(shuffled, arbitraryOptions, ([objects, others], options) => {
        expect(compileBoth(others, options).iptables.map(textOf)).toEqual(
          compileBoth(objects, options).iptables.map(textOf),
        );
      }),
    );
  });

  test('gets the same diagnostics for both kinds of rules', () => {
    fc.assert(
      fc.property(arbitraryCluster, arbitraryOptions, (objects, options) => {
        const { diagnostics, found } = compileBoth(objects, { nodePortAddresses: ['primary'], ...options });
        expect(found.map(({ code, message }) => [code, message])).toEqual(
          diagnostics.map(({ code, message }) => [code, message]),
        );
      }),
    );
  });

  test('has no dangling jump, no chain that nothing jumps to, and no name twice', () => {
    fc.assert(
      fc.property(arbitraryCluster, arbitraryOptions, (objects, options) => {
        for (const { tables } of compileBoth(objects, options).iptables) {
          tables.forEach(expectSound);
        }
      }),
    );
  });

  test('treats every client of every frontend as the nftables ruleset does', () => {
    let compared = 0;
    fc.assert(
      fc.property(arbitraryCluster, arbitraryOptions, (objects, options) => {
        compared += expectEqualFates(compileBoth(objects, options), probesOf);
      }),
      { numRuns: 12 },
    );
    expect(compared).toBeGreaterThan(1_000);
  });
});

describe('a large cluster', () => {
  const services = manyServices(300);

  test('has no long chain, and the same fates', () => {
    const both = compileBoth(services, { nodePortAddresses: ['all'] });
    const nat = both.iptables[0]?.tables.find(({ name }) => name === 'nat')?.chains ?? [];
    expect(nat.filter(({ rules }) => rules.length > 34).map(({ name }) => name)).toEqual([]);
    expect(nat.filter(({ name }) => name.startsWith('SVC2NFT-TO-')).length).toBeGreaterThanOrEqual(10);
    const compared = expectEqualFates(both, function* (ports) {
      for (const { clusterIP, port, nodePort } of ports) {
        for (const source of ['10.244.7.7', '192.0.2.11', '203.0.113.9']) {
          yield { source, destination: clusterIP, protocol: 'tcp', port };
          yield { source, destination: clusterIP, protocol: 'tcp', port: port + 1 };
          yield { source, destination: '192.0.2.11', protocol: 'tcp', port: nodePort };
          yield { source, destination: '192.0.2.11', protocol: 'udp', port: nodePort };
        }
      }
    });
    expect(compared).toBe(300 * 3 * 4);
    both.iptables[0]?.tables.forEach(expectSound);
  });
});

/** Compares the fates of probes, and returns how many there were. */
function expectEqualFates(
  { rulesets, views, iptables }: ReturnType<typeof compileBoth>,
  probes: (ports: readonly ServicePort[]) => Iterable<WalkerPacket>,
): number {
  const indexed = [rulesets, readBack(iptables)].map(
    (some) => new Map(some.map((ruleset) => [ruleset.family, indexRuleset(ruleset)])),
  );
  let compared = 0;
  for (const { servicePorts } of views) {
    for (const packet of probes(servicePorts)) {
      const [first, other] = indexed.map((some) => {
        const ruleset = some.get(familyOfAddress(packet.destination));
        return ruleset && summarizeFate(walkPacket(ruleset, packet, { localAddresses }));
      });
      if (!isKnownDifference(packet, servicePorts, first?.verdict)) {
        compared += 1;
        // Much faster than to let vitest compare.
        if (JSON.stringify(first) !== JSON.stringify(other)) {
          expect({ packet, fate: other }).toEqual({ packet, fate: first });
        }
      }
    }
  }
  return compared;
}

/** Source ranges are checked on the way to endpoints. */
function isKnownDifference(packet: WalkerPacket, ports: readonly ServicePort[], verdict: string | undefined): boolean {
  const isGuarded = ports.some(
    ({ loadBalancerIPs, sourceRanges }) => sourceRanges.length > 0 && loadBalancerIPs.includes(packet.destination),
  );
  return isGuarded && verdict === 'dropped';
}

function textOf(ruleset: IptablesRuleset): string {
  return printIptables(ruleset, { heading: [], jumps: true });
}

function expectSound({ chains, jumps }: IptablesRuleset['tables'][number]): void {
  const names = chains.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  const rules = [...jumps.map(({ rule }) => rule), ...chains.flatMap((chain) => chain.rules)];
  const targets = rules.flatMap(({ target }) => (target.kind === 'jump' || target.kind === 'goto' ? target.chain : []));
  expect(targets.filter((target) => !names.includes(target))).toEqual([]);
  const fixed = ['SVC2NFT-NODEPORTS', 'SVC2NFT-REJECT', 'SVC2NFT-CLUSTER-IPS'];
  expect(names.filter((name) => !targets.includes(name) && !fixed.includes(name))).toEqual([]);
}

/** Every client of every address, at the ports of Services and one that none has. */
function* probesOf(ports: readonly ServicePort[]): Generator<WalkerPacket> {
  const isIPv6 = ports.some(({ clusterIP }) => clusterIP.includes(':'));
  const clients = isIPv6
    ? ['2001:db8:ff::9', '2001:db8:bad::9', 'fd00:10:244:1::1', '2001:db8:a::11']
    : ['203.0.113.9', '203.0.113.200', '198.51.100.7', '10.244.1.1', '10.244.7.7', '192.0.2.11'];
  const endpoints = ports.flatMap((port) => port.endpoints.map(({ endpointAddress }) => endpointAddress.address));
  const own = localAddresses.filter((address) => address.includes(':') === isIPv6);
  const addresses = ports.flatMap((port) => [port.clusterIP, ...port.loadBalancerIPs, ...port.externalIPs]);
  const numbers = new Set([...ports.flatMap(({ port, nodePort }) => (nodePort > 0 ? [port, nodePort] : [port])), 9]);
  for (const source of new Set([...clients, ...endpoints.slice(0, 2)])) {
    for (const destination of new Set([...addresses, ...own])) {
      for (const port of numbers) {
        for (const protocol of protocols) {
          yield { source, destination, protocol, port, inputInterface: 'eth0' };
        }
      }
    }
  }
}
