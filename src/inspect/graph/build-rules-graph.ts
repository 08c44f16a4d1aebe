import { refusedToo } from '../../frontends/endpoints.ts';
import type { Frontend } from '../../frontends/frontend.ts';
import { frontendHostText, readServicePortName } from '../../frontends/frontend-address.ts';
import { compareFrontends, readFrontends } from '../../frontends/read-frontends.ts';
import { readNodeSettings } from '../../frontends/read-node-settings.ts';
import { type RulesetFacts, readRulesetFacts } from '../../frontends/read-ruleset-facts.ts';
import { collectAll, pushTo } from '../../lib/lists.ts';
import { familyOfAddress, sortByAddress } from '../../net/address.ts';
import { type EndpointAddress, endpointText, type Family, type Protocol, protocols } from '../../net/network.ts';
import type { Ruleset } from '../../nft/ruleset.ts';
import { compareGraphPorts, type IsSelected } from './build-graph.ts';
import type { Graph, GraphEndpoint, GraphServicePort, Route } from './graph.ts';
import { listRoutes } from './list-routes.ts';

/** What is known of the node whose rules are drawn. */
interface RulesOwner {
  /** Empty where it is unknown. */
  readonly nodeName: string;
  /** Its own addresses, as far as they are known. */
  readonly addresses: readonly string[];
}

/**
 * The frontends, service ports and endpoints in rules alone: what they serve, and with which shares. Rules do not say which
 * Pods endpoints are and where they run, besides on this node, nor what is left out and why.
 */
export function buildRulesGraph(
  rulesets: readonly Ruleset[],
  owner: RulesOwner,
  isSelected: IsSelected = () => true,
): Graph {
  const servicePorts = collectAll(rulesets, (ruleset) => {
    const facts = readRulesetFacts(ruleset, owner.addresses);
    const { detector = 'none' } = readNodeSettings(ruleset);
    const context = { family: ruleset.family, facts, owner, recognizesPods: detector !== 'none' };
    const groups = new Map<string, Frontend[]>();
    for (const frontend of readFrontends(ruleset).values()) {
      pushTo(groups, frontend.owner, frontend);
    }
    return [...groups.values()].flatMap((frontends) => drawPort(frontends, context) ?? []);
  });
  return {
    nodeName: owner.nodeName,
    zone: '',
    nodePortAddresses: Object.fromEntries(rulesets.flatMap((ruleset) => nodePortAddressOf(ruleset, owner))),
    servicePorts: servicePorts.filter(isSelected).sort(compareGraphPorts),
    unserved: [],
  };
}

function nodePortAddressOf(ruleset: Ruleset, { addresses }: RulesOwner): (readonly [Family, string])[] {
  const { nodePortAddresses } = readNodeSettings(ruleset);
  const open = nodePortAddresses?.kind === 'listed' ? nodePortAddresses.addresses : addresses;
  const address = open.find((one) => familyOfAddress(one) === ruleset.family);
  return address === undefined ? [] : [[ruleset.family, address]];
}

interface PortContext {
  readonly family: Family;
  readonly facts: RulesetFacts;
  readonly owner: RulesOwner;
  readonly recognizesPods: boolean;
}

/** Undefined for what is no service port: rules of others may have any protocol. */
function drawPort(frontends: readonly Frontend[], context: PortContext): GraphServicePort | undefined {
  const [first] = frontends;
  const protocol = protocols.find((one) => one === first?.protocol);
  if (!first || !protocol) {
    return undefined;
  }
  const { family, facts, recognizesPods } = context;
  const sorted = [...frontends].sort(compareFrontends);
  const claims = sorted.map((held) => ({ held, kind: facts.kindOf(held) ?? ('External' as const) }));
  const { routes, routesOf, routesTo } = listRoutes(claims, {
    recognizesPods,
    whyRefused: (refusal, { isClusterIP }) => whyRefused(refusal, isClusterIP),
  });
  const { namespace, service, portName } = readServicePortName(first.name) ?? {
    ...{ namespace: '', service: first.name, portName: '' },
  };
  return {
    ...{ family, namespace, name: service, portName, protocol },
    // Rules do not have the number of a service port beside a node port.
    port: (sorted.find(({ address }) => address?.address !== undefined) ?? first).address?.port ?? 0,
    affinitySeconds: Math.max(...frontends.map(({ affinitySeconds }) => affinitySeconds)),
    frontends: claims.map(({ held, kind }) => ({
      kind,
      address: held.address ? frontendHostText(held.address, family) : held.frontend,
      heldBy: '',
      sourceRanges: held.sourceRanges,
      routes: routesOf(held),
    })),
    routes,
    endpoints: drawEndpoints(frontends, { ...context, protocol, routesTo }),
  };
}

function whyRefused(refusal: NonNullable<Route['refusal']>, isClusterIP: boolean): string {
  switch (refusal) {
    case 'rejected':
      return 'no endpoint can receive connections';
    case 'dropped':
      return `${isClusterIP ? 'internal' : 'external'}TrafficPolicy is Local and no endpoint on this node can receive connections`;
    case 'untranslated':
      return 'no rule translates the address';
    case 'not understood':
      return 'the rules are not those that svc2nft or kube-proxy writes';
  }
}

function drawEndpoints(
  frontends: readonly Frontend[],
  {
    facts,
    owner,
    protocol,
    routesTo,
  }: PortContext & { readonly protocol: Protocol; readonly routesTo: ReadonlyMap<string, readonly number[]> },
): GraphEndpoint[] {
  const found = new Map<string, EndpointAddress>();
  for (const { all = [], local = [] } of frontends) {
    for (const endpointAddress of [...all, ...local]) {
      found.set(endpointText(endpointAddress), endpointAddress);
    }
  }
  const endpoints = [...found].map(([text, endpointAddress]): GraphEndpoint => {
    const isRefused = facts.refuses(protocol, endpointAddress);
    const isHere = facts.isLocal(endpointAddress) === true;
    return {
      endpointAddress: text,
      pod: '',
      nodeName: isHere ? owner.nodeName : '',
      zone: '',
      local: isHere,
      state: 'ready',
      routes: isRefused ? [] : (routesTo.get(text) ?? []),
      leftOut: isRefused ? refusedToo : '',
    };
  });
  return sortByAddress(endpoints, ({ endpointAddress }) => endpointAddress);
}
