/**
 * ClientIP affinity without a chain per Service. The pins are written after DNAT, when the packet itself names the
 * endpoint that was picked, and read before the next pick (dispatch-chains.ts).
 */

import type { Protocol } from '../../network.ts';
import { pinBaseChains } from './base-chains.ts';
import { daddr, dportOf, l4proto, originalDaddr, originalDport, saddr } from './expressions.ts';
import { type FixedContext, planBaseChain } from './fixed-chains.ts';
import { chainNames, pinChainName, pinMapName, pinSetName, setNames, stickySetName } from './names.ts';
import type { Chain, Rule, SetDeclaration, Statement } from './ruleset.ts';
import { pinMap, pinSet } from './set-declarations.ts';

/** A kind of frontend, protocol and timeout that some service port has; its set is declared by stickySet. */
export interface StickyFrontend {
  readonly protocol: Protocol;
  readonly frontend: 'address' | 'nodeport';
  readonly seconds: number;
}

/** What the pins of node ports depend on. */
type PinContext = Pick<FixedContext, 'nodePortAddresses'>;

/** Each kind of sticky frontend once, sorted. */
export function collectSticky(kinds: Iterable<StickyFrontend | undefined>): StickyFrontend[] {
  const byName = new Map<string, StickyFrontend>();
  for (const sticky of kinds) {
    if (sticky) {
      byName.set(`${sticky.protocol} ${sticky.frontend} ${String(sticky.seconds).padStart(10)}`, sticky);
    }
  }
  return [...byName.keys()].sort().flatMap((name) => byName.get(name) ?? []);
}

/** The dynamic map and set of every protocol with affinity. */
export function pinSets(sticky: readonly StickyFrontend[]): SetDeclaration[] {
  const protocols = [...new Set(sticky.map(({ protocol }) => protocol))];
  return protocols.flatMap((protocol) => [pinMap(protocol), pinSet(protocol)]);
}

/** The chains that keep pins for these frontends (each given once, sorted); none for none. */
export function planPinChains(sticky: readonly StickyFrontend[], context: PinContext): Chain[] {
  const protocols = [...new Set(sticky.map(({ protocol }) => protocol))];
  if (protocols.length === 0) {
    return [];
  }
  return [
    ...protocols.map((protocol) =>
      planPinChain(
        protocol,
        sticky.filter((one) => one.protocol === protocol),
        context,
      ),
    ),
    {
      name: chainNames.pin,
      rules: protocols.map((protocol): Rule => [{ kind: 'jump', chain: pinChainName(protocol) }]),
    },
    ...pinBaseChains.map(planBaseChain),
  ];
}

function planPinChain(protocol: Protocol, sticky: readonly StickyFrontend[], context: PinContext): Chain {
  const refreshing = sticky.map((one) => refreshRule(one, context));
  return { name: pinChainName(protocol), rules: [...refreshing, forgetRule(protocol)] };
}

/** The endpoint may be pinned: write the pin, or make it live longer. */
function refreshRule({ protocol, frontend, seconds }: StickyFrontend, context: PinContext): Rule {
  const port = dportOf(protocol);
  const pinned = frontend === 'address' ? [originalDaddr, originalDport] : [originalDport];
  return [
    isOf(protocol),
    { kind: 'match-set', key: [...pinned, daddr, port], set: stickySetName(protocol, frontend, seconds) },
    ...(frontend === 'nodeport' ? [isToNodePort(context)] : []),
    { kind: 'update', ...mapPin(protocol), timeoutSeconds: seconds },
    { kind: 'update', ...setPin(protocol), timeoutSeconds: seconds },
    { kind: 'return' },
  ];
}

/**
 * The key of a node port has no address, and a Service without affinity may have its number for a port of its own. Where
 * node ports are open at all addresses, only cluster IPs can be told from those of the node after translation.
 */
function isToNodePort({ nodePortAddresses }: PinContext): Statement {
  return nodePortAddresses.kind === 'listed'
    ? { kind: 'match-set', key: [originalDaddr], set: setNames.nodePortIps }
    : { kind: 'match-set', key: [originalDaddr], negated: true, set: setNames.clusterIps };
}

/**
 * A pin to an endpoint that may no longer be pinned: the packet was about to follow it. Forget the pin and drop the
 * packet; the client sends it again, and then it is a new pick. A connection that is dropped before it is confirmed
 * leaves nothing behind in conntrack.
 */
function forgetRule(protocol: Protocol): Rule {
  return [
    isOf(protocol),
    { kind: 'match-set', key: setPin(protocol).key, set: pinSetName(protocol) },
    { kind: 'delete', ...mapPin(protocol) },
    { kind: 'delete', ...setPin(protocol) },
    { kind: 'drop' },
  ];
}

/** nft asks for the protocol before `ct original proto-dst`. */
function isOf(protocol: Protocol): Statement {
  return { kind: 'match', left: l4proto, right: protocol };
}

function mapPin(protocol: Protocol) {
  return {
    set: pinMapName(protocol),
    key: [saddr, originalDaddr, originalDport],
    value: [daddr, dportOf(protocol)],
  } as const;
}

function setPin(protocol: Protocol) {
  return { set: pinSetName(protocol), key: [saddr, originalDaddr, originalDport, daddr, dportOf(protocol)] } as const;
}
