import type { Snapshot } from '../../kubernetes/objects.ts';
import type { Ruleset } from '../../nft/ruleset.ts';
import type { NodeSettings } from '../../phases/3-model/model.ts';
import type { Packet } from '../../walk/fate.ts';
import { indexRuleset } from '../../walk/index-ruleset.ts';
import { deriveExpectations } from '../verify/derive-expectations.ts';
import { type ExpectedFate, expectFate, isNodeAddress } from '../verify/expect-fate.ts';
import type { Expectations } from '../verify/expectations.ts';
import type { MigrationSide } from './causes.ts';
import type { ProxyName } from './migration.ts';
import { type FatesOf, fateOfExpected, fatesOfRules } from './proxy-fate.ts';

/** How one proxy is set up on the node, in one family. */
export interface SideSettings {
  readonly node: NodeSettings;
  readonly masqueradeAll: boolean;
  /** From 0 to 31. */
  readonly masqueradeBit: number;
}

/** Who serves the node, and with which rules. */
export interface SideSource {
  readonly proxy: ProxyName | null;
  /** Undefined where the behavior of the proxy is predicted. */
  readonly ruleset: Ruleset | undefined;
  /** Whether these rules were loaded, or read from a file, so that they may be others than the snapshot asks for. */
  readonly isFound: boolean;
}

/**
 * A proxy on a node, in one family.
 *
 * @throws UnknownRule for rules that the walker does not understand.
 */
export function makeSide(
  snapshot: Pick<Snapshot, 'services' | 'endpointSlices'>,
  { proxy, ruleset, isFound }: SideSource,
  { node: given, ...settings }: SideSettings,
): MigrationSide {
  const node = withOtherAddress(given);
  const expectations = deriveExpectations(snapshot, { node, ...settings });
  const model = proxy === 'kube-proxy-nftables' ? predictNftables(expectations) : undefined;
  const byRules = ruleset && fatesOfRules(indexRuleset(ruleset), node.addresses);
  const fatesOf = byRules ?? model ?? (() => []);
  return {
    proxy,
    node,
    expectations,
    fatesOf: node.localhostNodePorts === 'served' ? withRelay(fatesOf, expectations) : fatesOf,
    predicted: isFound ? model : undefined,
  };
}

/** Addresses of documentation (RFC 5737, RFC 3849). */
const otherAddresses = { ip: '192.0.2.254', ip6: '2001:db8:fffe::fe' } as const;

/** A node may have more addresses than its object names; node ports are also tried at one. */
function withOtherAddress(node: NodeSettings): NodeSettings {
  const { family, addresses } = node;
  const own = addresses.filter((address) => address.includes(':') === (family === 'ip6'));
  return own.length === 1 ? { ...node, addresses: [...addresses, otherAddresses[family]] } : node;
}

/** A process serves node ports at loopback addresses over TCP, which no rule shows. */
function withRelay(fatesOf: FatesOf, expectations: Expectations): FatesOf {
  const { nodePorts } = expectations;
  return (packet) => {
    const fates = fatesOf(packet);
    const service = nodePorts.get(`${packet.protocol} ${packet.port}`)?.service;
    const isServed = packet.protocol === 'tcp' && isOwnLoopback(packet, expectations);
    const endpoints = (isServed && service?.[service.externalLocal ? 'local' : 'cluster']) || [];
    return fates.map((fate) => {
      const isRelayed = fate.verdict === 'untouched' && endpoints.length > 0;
      return isRelayed
        ? {
            ...fate,
            verdict: 'translated',
            endpoints: endpoints.map(({ text }) => ({
              endpoint: text,
              share: 1 / endpoints.length,
              masqueraded: true,
            })),
          }
        : fate;
    });
  };
}

function isOwnLoopback({ source, destination }: Packet, expectations: Expectations): boolean {
  return /^(127\.|::1$)/.test(destination) && isNodeAddress(source, expectations);
}

/** What kube-proxy's nftables mode does. */
function predictNftables(expectations: Expectations): FatesOf {
  const inNode = { ...expectations, hairpins: expectations.hairpinsOfNode, hairpinRange: undefined };
  const others = { ...inNode, hairpins: new Set<string>() };
  return (packet) => {
    const found = expectFate(packet, inNode);
    const without = expectFate(packet, others);
    const isMasqueraded: ExpectedFate['isMasqueraded'] = (endpoint) => {
      const { address, port } = endpoint;
      const isKnown = expectations.hairpinKeysOfNode.has(`${address} . ${address} . ${packet.protocol} . ${port}`);
      return (isKnown ? found : without).isMasqueraded(endpoint);
    };
    return [fateOfExpected({ ...found, isMasqueraded, rejection: 'port-unreachable' })];
  };
}
