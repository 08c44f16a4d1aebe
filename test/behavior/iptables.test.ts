import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compileIptables, compileRulesets } from '../../src/compile.ts';
import type { IptablesRuleset } from '../../src/iptables/iptables-ruleset.ts';
import { printIptables } from '../../src/iptables/print-iptables.ts';
import { sortAddresses } from '../../src/net/address.ts';
import { protocols } from '../../src/net/network.ts';
import { type CompileOptions, withDefaults } from '../../src/options.ts';
import { documentsOf } from '../../src/phases/1-read/read-documents.ts';
import type { ServicePort } from '../../src/phases/3-model/model.ts';
import type { Packet as WalkerPacket } from '../../src/walk/fate.ts';
import { arbitraryCluster, nodeName } from '../support/arbitrary-cluster.ts';
import { listFixtures } from '../support/fixture.ts';
import { packetsOfIptables } from '../support/iptables-differences.ts';
import { iptablesOfFixture } from '../support/iptables-fixture.ts';
import { manyServices } from '../support/many-services.ts';
import type { Packet } from '../support/packets.ts';
import { packetOf, walkerFor } from '../support/walk-fixture.ts';
import { type IptablesOutcome, walkIptables } from '../support/walk-iptables.ts';

const localAddresses = ['192.0.2.11', '2001:db8:a::11'];

describe.each(listFixtures())('%s', (name) => {
  test('every packet has its fate with rules for iptables', () => {
    const { rulesets, packets, nodeAddresses } = iptablesOfFixture(name);
    const wrong = packetsOfIptables(name, packets).flatMap((packet) => {
      const ruleset = rulesets.find(({ family }) => (family === 'ip6') === packet.to.address.includes(':'));
      const outcomes = ruleset ? walkIptables(ruleset, packetOf(packet), nodeAddresses) : [];
      return ruleset && !isExpected(packet, outcomes) ? [{ packet, outcomes }] : [];
    });
    expect(wrong).toEqual([]);
  });

  test('clients with affinity keep their endpoint with rules for iptables', () => {
    const { rulesets, packets, nodeAddresses } = iptablesOfFixture(name);
    for (const packet of packets.filter(({ sticky }) => sticky)) {
      const ruleset = rulesets.find(({ family }) => (family === 'ip6') === packet.to.address.includes(':'));
      const walk = (lists: readonly string[]): IptablesOutcome[] =>
        ruleset ? walkIptables(ruleset, packetOf(packet), nodeAddresses, lists) : [];
      const first = walk([]);
      expect(first.length, packet.name).toBe(packet.expect.length);
      for (const { endpoint, lists } of first) {
        expect(lists).toHaveLength(1);
        const next = walk(lists);
        expect([next.map((one) => one.endpoint), [...new Set(next[0]?.lists)]]).toEqual([[endpoint], lists]);
      }
    }
  });
});

function isExpected({ expect: expected, masqueraded }: Packet, outcomes: readonly IptablesOutcome[]): boolean {
  if (typeof expected === 'string') {
    return outcomes.every(({ verdict }) => verdict === expected);
  }
  const endpoints = sortAddresses([...new Set(outcomes.map(({ endpoint }) => endpoint))]);
  return (
    outcomes.every(({ verdict }) => verdict === 'translated') &&
    JSON.stringify(endpoints) === JSON.stringify(expected) &&
    outcomes.every((outcome) => {
      const isMasqueraded = Array.isArray(masqueraded) ? masqueraded.includes(outcome.endpoint) : masqueraded;
      return masqueraded === undefined || outcome.masqueraded === isMasqueraded;
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
  const walk = walkerFor(rulesets, localAddresses);
  let compared = 0;
  for (const [index, { servicePorts }] of views.entries()) {
    const ruleset = iptables[index];
    for (const packet of probes(servicePorts)) {
      const { first } = walk(asFixturePacket(packet));
      const outcomes = ruleset ? walkIptables(ruleset, packet, localAddresses) : [];
      const [one, other] = [JSON.stringify(summaryOf(outcomes)), JSON.stringify(summaryOfNft(first))];
      if (!isKnownDifference(packet, servicePorts, first.verdict)) {
        compared += 1;
        // Much faster than to let vitest compare.
        if (one !== other) {
          expect({ packet, fate: one }).toEqual({ packet, fate: other });
        }
      }
    }
  }
  return compared;
}

/** Source ranges are checked on the way to endpoints. */
function isKnownDifference(packet: WalkerPacket, ports: readonly ServicePort[], verdict: string): boolean {
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

function asFixturePacket({ source, destination, protocol, port }: WalkerPacket): Packet {
  const to = { address: destination, protocol, port };
  return { name: '', from: source, to, expect: 'untouched', sticky: false };
}

function summaryOf(outcomes: readonly IptablesOutcome[]) {
  const [one] = outcomes;
  const shares = new Map<string, [bigint, bigint]>();
  for (const { endpoint, share, verdict, masqueraded } of outcomes) {
    if (verdict === 'translated') {
      const key = `${endpoint} ${masqueraded}`;
      const [numerator, denominator] = shares.get(key) ?? [0n, 1n];
      shares.set(key, [numerator * share[1] + share[0] * denominator, denominator * share[1]]);
    }
  }
  return {
    verdicts: [...new Set(outcomes.map(({ verdict }) => verdict))],
    rejectedWith: one?.rejectedWith,
    endpoints: [...shares].map(([key, share]) => `${key} ${fractionText(share)}`).sort(),
  };
}

function fractionText([numerator, denominator]: readonly [bigint, bigint]): string {
  let [a, b] = [numerator, denominator];
  while (b > 0n) {
    [a, b] = [b, a % b];
  }
  return `${numerator / a}/${denominator / a}`;
}

function summaryOfNft({ verdict, rejectedWith, endpoints }: ReturnType<ReturnType<typeof walkerFor>>['first']) {
  return {
    verdicts: [verdict],
    rejectedWith,
    endpoints: endpoints
      .map(({ endpoint, masqueraded, share }) => {
        return `${endpoint} ${masqueraded} ${share.numerator}/${share.denominator}`;
      })
      .sort(),
  };
}
