import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type CompileResult, compile } from '../../src/compile.ts';
import type { Protocol } from '../../src/net/network.ts';
import type { Element, Ruleset } from '../../src/nft/ruleset.ts';
import { elementsOf } from '../../src/nft/ruleset-parts.ts';
import type { CompileOptions } from '../../src/options.ts';
import { documentsOf } from '../../src/phases/1-read/read-documents.ts';
import { indexRuleset } from '../../src/walk/index-ruleset.ts';
import { walkPacket } from '../../src/walk/walk-packet.ts';
import { arbitraryCluster, type Manifest, nodeName } from '../support/arbitrary-cluster.ts';

const node = { localAddresses: ['192.0.2.11', '2001:db8:a::11'] };

function run(objects: readonly unknown[], options: Partial<CompileOptions> = {}): CompileResult {
  return compile(documentsOf(objects), { nodeName, clusterCIDRs: ['10.244.0.0/16', 'fd00:10:244::/48'], ...options });
}

const arbitraryOptions: fc.Arbitrary<Partial<CompileOptions>> = fc.record({
  targetNft: fc.constantFrom('1.0.6', '1.1.3'),
  masqueradeAll: fc.boolean(),
  nodePortAddresses: fc.constantFrom([], ['all'], ['192.0.2.0/24']),
});

describe('every cluster', () => {
  test('gives the same bytes whatever the order of the input', () => {
    const shuffled = arbitraryCluster.chain((objects) =>
      fc.tuple(fc.constant(objects), fc.shuffledSubarray(objects, { minLength: objects.length })),
    );
    fc.assert(
      fc.property(shuffled, arbitraryOptions, ([objects, others], options) => {
        const { text, diagnostics } = run(objects, options);
        expect(text).toBeTypeOf('string');
        const second = run(others, options);
        expect(second.text).toBe(text);
        expect(messagesOf(second)).toEqual(messagesOf({ diagnostics }));
      }),
    );
  });

  test('has no dangling or contradicting name, key or value', () => {
    fc.assert(
      fc.property(arbitraryCluster, arbitraryOptions, (objects, options) => {
        for (const ruleset of rulesetsOf(run(objects, options))) {
          expect(() => indexRuleset(ruleset)).not.toThrow();
          for (const set of ruleset.sets) {
            const keys = elementsOf(set).map(({ key }) => key);
            expect(new Set(keys).size, set.name).toBe(keys.length);
          }
        }
      }),
    );
  });

  test('sends new clients of every frontend to its endpoints in equal shares', () => {
    fc.assert(
      fc.property(arbitraryCluster, arbitraryOptions, (objects, options) => {
        for (const ruleset of rulesetsOf(run(objects, options))) {
          expectEqualShares(ruleset);
        }
      }),
      { numRuns: 50 },
    );
  });
});

function expectEqualShares(ruleset: Ruleset): void {
  const indexed = indexRuleset(ruleset);
  const isIPv4 = ruleset.family === 'ip';
  const guarded = new Set(elementsIn(ruleset, 'firewall-ips').map(({ key }) => key));
  const frontends = [
    ...elementsIn(ruleset, 'service-ips').map(({ key }) => key),
    ...elementsIn(ruleset, 'service-nodeports').map(({ key }) => `${node.localAddresses[isIPv4 ? 0 : 1]} . ${key}`),
  ];
  for (const key of frontends) {
    const [destination = '', protocol, port] = key.split(' . ');
    const walk = (source: string) =>
      walkPacket(indexed, { source, destination, protocol: protocol as Protocol, port: Number(port) }, node).outcomes;
    const outside = walk(isIPv4 ? '203.0.113.9' : '2001:db8:ff::9');
    const inside = walk(isIPv4 ? '10.244.9.9' : 'fd00:10:244:9::9');
    for (const outcomes of [outside, inside]) {
      const translated = outcomes.filter(({ verdict }) => verdict === 'translated');
      // One fate for all: either every way leads to an endpoint or the packet is refused.
      expect([0, outcomes.length]).toContain(translated.length);
      for (const { share } of translated) {
        expect(share, key).toEqual({ numerator: 1, denominator: translated.length });
      }
    }
    // A frontend that is listed has an endpoint for pods, whatever its policy; source ranges may forbid them.
    expect(inside[0]?.verdict, key).toBe(guarded.has(key) ? inside[0]?.verdict : 'translated');
  }
}

function elementsIn(ruleset: Ruleset, name: string): readonly Element[] {
  return ruleset.sets.find((set) => set.name === name)?.elements ?? [];
}

function rulesetsOf({ rulesets, diagnostics }: CompileResult): readonly Ruleset[] {
  expect(rulesets, JSON.stringify(diagnostics.map(({ message }) => message))).toHaveLength(2);
  return rulesets ?? [];
}

function messagesOf({ diagnostics }: Pick<CompileResult, 'diagnostics'>): string[] {
  return diagnostics.map(({ code, message }) => `${code} ${message}`).sort();
}

describe('hostile text', () => {
  const hostile = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 20 }),
    fc.constantFrom(
      '"; } table ip x { chain y { drop; } } #',
      'a\n\tdrop',
      'a b',
      'x" comment "y',
      '$(reboot)',
      '../../etc',
      '-',
      'A',
      'é',
      '\u0000',
      '\u001b[2J',
      'web; flush ruleset',
      '@service-ips',
    ),
  );
  const good = service('web', {});

  test('where nothing reads it changes nothing', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const decorated = service('web', {
          metadata: { annotations: { [text]: text, note: text }, labels: { app: text, [text]: 'x' } },
          spec: { selector: { app: text }, externalName: text, loadBalancerIP: text, trafficDistribution: text },
        });
        expect(run([decorated, slice('web', text)]).text).toBe(run([good, slice('web', 'a')]).text);
      }),
    );
  });

  test('where a name belongs leaves no trace, or is a good name', () => {
    const places = [
      (text: string) => service(text, {}),
      (text: string) => service('other', { metadata: { namespace: text } }),
      (text: string) => service('other', { spec: { ports: [{ name: text, port: 80 }] } }),
      (text: string) => service('other', { spec: { clusterIP: text, clusterIPs: [text] } }),
      (text: string) => service('other', { spec: { externalIPs: [text] } }),
      (text: string) => service('other', { spec: { loadBalancerSourceRanges: [text] } }),
      (text: string) => service('other', { spec: { ports: [{ port: 80, protocol: text }] } }),
      (text: string) => service('other', { spec: { type: text } }),
      (text: string) => service('other', { status: { loadBalancer: { ingress: [{ ip: text }] } } }),
      (text: string) => ({ ...slice('web', 'b'), metadata: { name: text, namespace: 'shop' } }),
      (text: string) => ({ ...slice('web', 'b'), addressType: text }),
      (text: string) => ({ ...slice('web', 'b'), ports: [{ name: text, port: 80 }] }),
      (text: string) => ({ ...slice('web', 'b'), endpoints: [{ addresses: [text] }] }),
      (text: string) => ({
        apiVersion: 'networking.k8s.io/v1',
        kind: 'ServiceCIDR',
        metadata: { name: 'a' },
        spec: { cidrs: [text] },
      }),
      (text: string) => ({ apiVersion: text, kind: 'Service', metadata: { name: 'a' } }),
      (text: string) => ({ apiVersion: 'v1', kind: text, metadata: { name: 'a' } }),
    ];
    const alone = linesOf(run([good, slice('web', 'a')], { keepGoing: true }));
    fc.assert(
      fc.property(hostile, fc.constantFrom(...places), (text, place) => {
        const result = run([good, slice('web', 'a'), place(text)], { keepGoing: true });
        for (const line of linesOf(result)) {
          // Whatever was added is an element or an entry of the fixed vocabulary.
          expect(
            alone.has(line) ||
              /^\t\t\t[0-9a-f:./]+( \. [a-z0-9:./]+)*( comment "[a-z0-9:/-]+")?( : [a-z0-9 .:/-]+)?,$/.test(line) ||
              /^(\t+(elements = \{|\}|chain [a-z0-9-]+ \{|dnat .*|goto .*)|# svc2nft .*)?$/.test(line),
            line,
          ).toBe(true);
        }
      }),
      { numRuns: 500 },
    );
  });
});

function linesOf({ text }: CompileResult): Set<string> {
  expect(text).toBeTypeOf('string');
  return new Set(text?.split('\n'));
}

function service(name: string, changes: { metadata?: Manifest; spec?: Manifest; status?: Manifest }): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'shop', ...changes.metadata },
    spec: { clusterIP: name === 'web' ? '10.96.0.10' : '10.96.0.11', ports: [{ port: 80 }], ...changes.spec },
    status: changes.status ?? {},
  };
}

function slice(owner: string, text: string): Manifest {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: `${owner}-1`,
      namespace: 'shop',
      labels: { 'kubernetes.io/service-name': owner },
      annotations: { text },
    },
    addressType: 'IPv4',
    ports: [{ name: '', port: 8080, appProtocol: text }],
    endpoints: [{ addresses: ['10.244.1.10'], nodeName: `x${text}`, zone: text, hostname: text }],
  };
}
