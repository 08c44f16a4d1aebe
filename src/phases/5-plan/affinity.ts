/**
 * ClientIP affinity without a chain per Service. The pins are written after DNAT, when the packet itself names the
 * endpoint that was picked, and read before the next pick (dispatch-chains.ts).
 */

import type { Protocol } from '../../net/network.ts';
import { daddr, dportOf, l4proto, originalDaddr, originalDport, saddr } from '../../nft/expressions.ts';
import type { Chain, Rule, SetDeclaration, Statement } from '../../nft/ruleset.ts';
import type { Endpoint, ServicePort } from '../3-model/model.ts';
import type { Selection } from '../4-select/select-endpoints.ts';
import { pinBaseChains } from './base-chains.ts';
import { externalLocalRules, externalRules } from './dispatch-chains.ts';
import { type FixedContext, planBaseChain } from './fixed-chains.ts';
import { chainNames, ownedNames, pinChainName, pinMapName, pinSetName, setNames, stickySetName } from './names.ts';
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

/** Clients that one endpoint keeps at most; the kernel allocates as they come. */
const clientCapacity = 65_535;

/** The sets and chains that belong to one service port, chains after those that they go to. */
interface OwnedAffinity {
  readonly sets: readonly SetDeclaration[];
  readonly chains: readonly Chain[];
}

/** Plans affinity for one service port whose endpoints are selected and not all refused. */
export function planOwnedAffinity(
  servicePort: ServicePort,
  selection: Selection,
  context: FixedContext,
): OwnedAffinity {
  const { cluster, local, reachable, exposed } = selection;
  return {
    sets: reachable.map((endpoint) => clientSet(servicePort, endpoint)),
    chains: [
      ...reachable.map((endpoint) => endpointChain(servicePort, endpoint)),
      ...(cluster.length > 0 ? [pickChain(servicePort, ownedNames.clusterChain(servicePort), cluster)] : []),
      ...(local.length > 0 ? [pickChain(servicePort, ownedNames.localChain(servicePort), local)] : []),
      ...(exposed ? [externalChain(servicePort, selection, context)] : []),
    ],
  };
}

function clientSet(servicePort: ServicePort, endpoint: Endpoint): SetDeclaration {
  return {
    name: ownedNames.clientSet(servicePort, endpoint),
    key: ['address'],
    // Without `dynamic` some kernels add it at the first update, and the next load conflicts.
    flags: ['dynamic', 'timeout'],
    size: clientCapacity,
    timeoutSeconds: servicePort.affinitySeconds,
    comment: 'clients that it keeps',
  };
}

function endpointChain(servicePort: ServicePort, endpoint: Endpoint): Chain {
  const { protocol } = servicePort;
  return {
    name: ownedNames.endpointChain(servicePort, endpoint),
    rules: [
      [{ kind: 'update', set: ownedNames.clientSet(servicePort, endpoint), key: [saddr] }],
      [{ kind: 'dnat', protocol, ...endpoint.endpointAddress }],
    ],
  };
}

function pickChain(servicePort: ServicePort, name: string, endpoints: readonly Endpoint[]): Chain {
  const chains = endpoints.map((endpoint) => ownedNames.endpointChain(servicePort, endpoint));
  const pinned = endpoints.map(
    (endpoint, index): Rule => [
      { kind: 'match-set', key: [saddr], set: ownedNames.clientSet(servicePort, endpoint) },
      { kind: 'goto', chain: chains[index] ?? '' },
    ],
  );
  return { name, rules: [...pinned, [{ kind: 'random-goto', chains }]] };
}

function externalChain(servicePort: ServicePort, { local }: Selection, context: FixedContext): Chain {
  const clusterChain = ownedNames.clusterChain(servicePort);
  const localChain = local.length > 0 ? ownedNames.localChain(servicePort) : undefined;
  return {
    name: ownedNames.externalChain(servicePort),
    rules:
      servicePort.externalPolicy === 'Cluster'
        ? externalRules(clusterChain, context)
        : externalLocalRules(clusterChain, localChain, context),
  };
}
