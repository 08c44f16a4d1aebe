import { appendAll, pushTo } from '../lib/lists.ts';
import type { Mutable } from '../lib/mutable.ts';
import { compareAddressTexts } from '../net/address.ts';
import type { EndpointAddress, Family } from '../net/network.ts';
import type { Chain, Element, FilledSet, Rule, Ruleset } from '../nft/ruleset.ts';
import { elementsIn, isDynamic, splitKeyEnd } from '../nft/ruleset-parts.ts';
import { isLocalMapName } from '../phases/5-plan/known-names.ts';
import { readKubeProxyName } from '../phases/5-plan/kube-proxy-names.ts';
import { perEndpointNames, pinKeyOf, setNames } from '../phases/5-plan/names.ts';
import { readIptablesName } from '../phases/5-plan-iptables/iptables-names.ts';
import { type Choice, type Dispatch, followChains } from './follow-chains.ts';
import type { Frontend, FrontendEntry, Policy, Refusal } from './frontend.ts';
import { endpointKeyOf, frontendText, readServicePortName, readVerdictKey } from './frontend-address.ts';
import { readIptablesEntries } from './read-iptables-entries.ts';

/** Every frontend of a ruleset by its verdict key, with the endpoints that serve it and how; none for no table. */
export function readFrontends(ruleset: Ruleset | undefined): ReadonlyMap<string, Frontend> {
  if (!ruleset) {
    return new Map();
  }
  const context: Context = {
    family: ruleset.family,
    lists: readEndpointLists(ruleset.sets),
    pinSeconds: readPinSeconds(ruleset),
  };
  const frontends = new Map<string, Frontend>();
  const entries = ruleset.language === 'iptables' ? readIptablesEntries(ruleset) : readEntries(ruleset);
  for (const [key, entry] of entries) {
    frontends.set(key, readFrontend(entry, context));
  }
  return frontends;
}

/** Orders frontends as output lists them: those at addresses before node ports, both as numbers. */
export function compareFrontends(a: Frontend, b: Frontend): number {
  return Number(isNodePort(a)) - Number(isNodePort(b)) || compareAddressTexts(a.frontend, b.frontend);
}

/** Whether a frontend is a port at the node's own addresses. */
export function isNodePort({ address }: Pick<Frontend, 'address'>): boolean {
  return address !== undefined && address.address === undefined;
}

interface Context {
  readonly family: Family;
  readonly lists: EndpointLists;
  readonly pinSeconds: ReadonlyMap<string, number>;
}

/** The name of a service port that no comment gives. */
export const unknownName = '(unknown)';

function readFrontend(entry: FrontendEntry, context: Context): Frontend {
  const { key, name = unknownName, kind, dispatch, refusal = 'untranslated', sourceRanges } = entry;
  const address = readVerdictKey(key);
  const protocol = address?.protocol ?? '';
  const endpointKey = address ? endpointKeyOf(address) : key;
  const served = dispatch && readServed(dispatch, { name, protocol, endpointKey, refusal }, context);
  return {
    key,
    address,
    ...(kind && { kind }),
    owner: `${name} ${protocol}`,
    name,
    protocol,
    // One of another shape, which only others write, is shown as it is.
    frontend: address ? frontendText(address, context.family) : key,
    policy: served ? served.policy : null,
    refusal: served ? served.refusal : refusal,
    affinitySeconds: served ? served.affinitySeconds : 0,
    sourceRanges,
    all: served?.all,
    local: served?.local,
  };
}

/** The frontend that is being read. */
interface Position {
  readonly name: string;
  readonly protocol: string;
  readonly endpointKey: string;
  /** What happens to connections that get no endpoint. */
  readonly refusal: Refusal;
}

/** What the rules do for a frontend that has a dispatch chain. */
function readServed(
  dispatch: Dispatch,
  position: Position,
  { lists, pinSeconds }: Context,
): Pick<Frontend, 'policy' | 'refusal' | 'affinitySeconds' | 'all' | 'local'> {
  const { choice, internalChoice, affinitySeconds, usesPins } = dispatch;
  const { protocol, endpointKey, refusal } = position;
  const isLocal = isLocalChoice(dispatch, position);
  const [all, local] = isLocal ? [internalChoice, choice] : [choice, undefined];
  return {
    policy: policyOf(dispatch, isLocal),
    // Such chains come from externalLocalRules, without a local chain.
    refusal: internalChoice && !choice ? `${refusal}-for-external` : null,
    affinitySeconds: affinitySeconds || (usesPins ? (pinSeconds.get(pinKeyOf(protocol, endpointKey)) ?? 0) : 0),
    all: all && endpointAddressesAt(all, position, lists),
    local: local && endpointAddressesAt(local, position, lists),
  };
}

/** Whether external clients get only the endpoints of this node. */
function isLocalChoice({ choice, internalChoice }: Dispatch, { name, protocol }: Position): boolean {
  if (internalChoice || !choice) {
    return internalChoice !== undefined;
  }
  if (choice.kind === 'map') {
    return isLocalMapName(choice.map);
  }
  // Chains of one service port look alike for all and for local endpoints; only their names differ.
  if (readKubeProxyName(choice.chain)?.prefix === 'local' || readIptablesName(choice.chain)?.kind === 'local') {
    return true;
  }
  const { namespace = '', service = '', portName = '' } = readServicePortName(name) ?? {};
  return choice.chain === perEndpointNames.localChain({ namespace, name: service, protocol, portName });
}

function policyOf({ understood, choice, internalChoice, masqueraded }: Dispatch, isLocal: boolean): Policy {
  if (!understood || !(choice || internalChoice)) {
    return 'not understood';
  }
  if (internalChoice) {
    return 'local endpoints, source kept';
  }
  return `${isLocal ? 'local' : 'all'} endpoints${masqueraded ? ', masqueraded' : ''}`;
}

/** A list of another protocol has the same key, but its chain matches no packet of this one. */
function endpointAddressesAt(
  choice: Choice,
  { protocol, endpointKey }: Position,
  lists: EndpointLists,
): readonly EndpointAddress[] {
  if (choice.protocol !== protocol) {
    return [];
  }
  if (choice.kind === 'chains') {
    return choice.endpointAddresses;
  }
  const endpointAddresses = lists.get(choice.map)?.get(endpointKey) ?? [];
  return endpointAddresses.length > choice.modulus ? endpointAddresses.slice(0, choice.modulus) : endpointAddresses;
}

/** Every frontend that a ruleset of nft serves, refuses or guards, by its key. */
function readEntries(ruleset: Ruleset): ReadonlyMap<string, FrontendEntry> {
  const entries = new Map<string, Draft>();
  const dispatchOf = followChains(ruleset);
  for (const name of [setNames.serviceIps, setNames.serviceNodePorts]) {
    for (const element of elementsIn(ruleset, name)) {
      entryOf(element, entries).dispatch = dispatchOf(chainOf(element));
    }
  }
  for (const name of [setNames.noEndpointServices, setNames.noEndpointNodePorts]) {
    for (const element of elementsIn(ruleset, name)) {
      entryOf(element, entries).refusal = refusalOf(element, dispatchOf);
    }
  }
  const sources = readSources(elementsIn(ruleset, setNames.firewallSources));
  const chains = new Map(ruleset.chains.map((chain) => [chain.name, chain]));
  for (const element of elementsIn(ruleset, setNames.firewallIps)) {
    const { key, value } = element;
    const chain = value && 'chain' in value ? chains.get(value.chain) : undefined;
    entryOf(element, entries).sourceRanges = (chain && readAllowed(chain)) ?? sources.get(key) ?? [];
  }
  return entries;
}

function chainOf({ value }: Element): string {
  return value && 'kind' in value && value.kind === 'goto' ? value.chain : '';
}

function refusalOf(element: Element, dispatchOf: (chain: string) => Dispatch): Refusal {
  if (element.value && 'kind' in element.value && element.value.kind === 'drop') {
    return 'dropped';
  }
  return dispatchOf(chainOf(element)).rejects ? 'rejected' : 'not-understood';
}

/** An entry that is being put together. */
type Draft = Mutable<FrontendEntry>;

function entryOf(element: Element, entries: Map<string, Draft>): Draft {
  const { key } = element;
  const known = entries.get(key);
  if (known) {
    known.name ??= nameIn(element);
    return known;
  }
  const entry = {
    ...{ key, name: nameIn(element), kind: undefined },
    ...{ dispatch: undefined, refusal: undefined, sourceRanges: null },
  };
  entries.set(key, entry);
  return entry;
}

/** The comment, where it is one that the compiler writes. */
function nameIn({ comment }: Element): string | undefined {
  return readServicePortName(comment) && comment;
}

/** kube-proxy's chain for the source ranges of a service port: `ip saddr != { 192.0.2.0/24, 198.51.100.1 } drop`. */
function readAllowed({ rules }: Chain): string[] | undefined {
  const [match] = rules[0] ?? [];
  if (match?.kind === 'match-list' && match.negated) {
    return [...match.values].sort(compareAddressTexts);
  }
  return match?.kind === 'match' && match.negated ? [String(match.right)] : undefined;
}

function readSources(elements: readonly Element[]): Map<string, string[]> {
  const sources = new Map<string, string[]>();
  for (const { key } of elements) {
    const [frontend, source] = splitKeyEnd(key);
    pushTo(sources, frontend, source);
  }
  for (const ranges of sources.values()) {
    ranges.sort(compareAddressTexts);
  }
  return sources;
}

/** The endpoints of frontends: by the name of the endpoint map, then by frontend, `10.96.0.1 . 80` or `30080`. */
type EndpointLists = ReadonlyMap<string, ReadonlyMap<string, readonly EndpointAddress[]>>;

/**
 * The lists of all endpoint maps. Elements that stand alone, as a listing has them where an index is missing, come after
 * the rest of their frontend's list.
 */
function readEndpointLists(sets: readonly FilledSet[]): EndpointLists {
  const maps = sets.filter((set) => set.value === 'endpoint' && !isDynamic(set));
  return new Map(maps.map((set) => [set.name, listsOf(set)]));
}

function listsOf({ elements, lists = [] }: FilledSet): ReadonlyMap<string, readonly EndpointAddress[]> {
  const byFrontend = new Map(lists.map(({ key, endpointAddresses }) => [key, endpointAddresses]));
  for (const [key, single] of singleEndpointAddresses(elements)) {
    const all = [...(byFrontend.get(key) ?? [])];
    appendAll(all, single);
    byFrontend.set(key, all);
  }
  return byFrontend;
}

function singleEndpointAddresses(elements: FilledSet['elements']): Map<string, EndpointAddress[]> {
  const byFrontend = new Map<string, EndpointAddress[]>();
  for (const { key, value } of elements) {
    if (value && 'address' in value) {
      const [frontend] = splitKeyEnd(key);
      const endpointAddresses = byFrontend.get(frontend) ?? [];
      endpointAddresses.push(value);
      byFrontend.set(frontend, endpointAddresses);
    }
  }
  return byFrontend;
}

/**
 * The affinity of frontends in seconds, by {@link pinKeyOf}: the timeout of the rule that pins, for all frontends in the
 * set that it asks.
 */
function readPinSeconds({ chains, sets }: Ruleset): ReadonlyMap<string, number> {
  const byName = new Map(sets.map((set) => [set.name, set]));
  const found = new Map<string, number>();
  for (const { rules } of chains) {
    for (const rule of rules) {
      const pinning = pinningOf(rule);
      const set = pinning && byName.get(pinning.set);
      if (set) {
        addSeconds(set, pinning, found);
      }
    }
  }
  return found;
}

interface Pinning {
  readonly protocol: string;
  readonly set: string;
  readonly seconds: number;
}

/** The set that a rule asks whether an endpoint may be pinned; undefined for every other rule. */
function pinningOf(rule: Rule): Pinning | undefined {
  const found: Partial<Mutable<Pinning>> = {};
  for (const statement of rule) {
    if (statement.kind === 'match' && statement.left.kind === 'l4proto') {
      // As earlier versions wrote it.
      found.protocol = `${statement.right}`;
    } else if (statement.kind === 'match' && statement.left.kind === 'dport') {
      found.protocol = statement.left.protocol;
    } else if (statement.kind === 'match-set' && statement.key.some(({ kind }) => kind === 'ct-original-dport')) {
      found.set = statement.set;
    } else if (statement.kind === 'update' && statement.timeoutSeconds !== undefined) {
      found.seconds = statement.timeoutSeconds;
    }
  }
  const { protocol, set, seconds } = found;
  return protocol !== undefined && set !== undefined && seconds !== undefined ? { protocol, set, seconds } : undefined;
}

function addSeconds({ elements }: FilledSet, { protocol, seconds }: Pinning, found: Map<string, number>): void {
  let last = '';
  for (const { key: element } of elements) {
    // The endpoint's address and port are the last two parts, and the endpoints of a frontend stand side by side.
    const [frontend] = splitKeyEnd(splitKeyEnd(element)[0]);
    const key = pinKeyOf(protocol, frontend);
    if (frontend !== last && !found.has(key)) {
      found.set(key, seconds);
    }
    last = frontend;
  }
}
