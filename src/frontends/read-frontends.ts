import type { Policy, Refusal } from '../inspect/changes/changes.ts';
import { appendAll } from '../lib/lists.ts';
import { compareText } from '../lib/text.ts';
import { type EndpointAddress, endpointText, protocols } from '../net/network.ts';
import type { Element, FilledSet, Rule, Ruleset } from '../nft/ruleset.ts';
import type { ServicePort } from '../phases/3-model/model.ts';
import { endpointMapName, ownedNames, setNames } from '../phases/5-plan/names.ts';
import { followChains, isDynamic } from './follow-chains.ts';
import type { Choice, Frontend, Way } from './frontend.ts';

/** Every frontend of a ruleset by its key, with whom it serves and how; none for no table. */
export function readFrontends(ruleset: Ruleset | undefined): ReadonlyMap<string, Frontend> {
  if (!ruleset) {
    return new Map();
  }
  const context: Context = {
    wayOf: followChains(ruleset),
    lists: readEndpointLists(ruleset.sets),
    pinTimes: readPinTimes(ruleset),
  };
  const frontends = new Map<string, Frontend>();
  for (const [key, entry] of readEntries(ruleset.sets)) {
    frontends.set(key, readFrontend(entry, context));
  }
  return frontends;
}

interface Context {
  readonly wayOf: (chain: string) => Way;
  readonly lists: EndpointLists;
  readonly pinTimes: ReadonlyMap<string, number>;
}

function readFrontend(entry: Entry, context: Context): Frontend {
  const { key, name = '(unknown)', sourceRanges, taken, refused } = entry;
  const place = placeOf(key);
  const refusal = refused ? refusalOf(refused, context) : 'untranslated';
  const served = taken ? readServed(wayOfElement(taken, context), { name, place, refusal, context }) : undefined;
  return {
    key,
    owner: `${name} ${place.protocol}`,
    name,
    protocol: place.protocol,
    frontend: place.text,
    policy: served ? served.policy : null,
    refusal: served ? served.refusal : refusal,
    affinitySeconds: served ? served.affinitySeconds : 0,
    sourceRanges,
    all: served?.all,
    local: served?.local,
  };
}

/** What the rules say of a frontend whose verdict leads somewhere; `refusal` is for those whom they leave out. */
function readServed(
  way: Way,
  { name, place, refusal, context }: { name: string; place: Place; refusal: Refusal; context: Context },
): Pick<Frontend, 'policy' | 'refusal' | 'affinitySeconds' | 'all' | 'local'> {
  const { everybody, insiders, keepsSeconds, pinned } = way;
  const isLocal = isLocalChoice(way, name, place);
  const [all, local] = isLocal ? [insiders, everybody] : [everybody, undefined];
  const pinSeconds = pinned ? (context.pinTimes.get(`${place.protocol} ${place.key}`) ?? 0) : 0;
  return {
    policy: policyOf(way, isLocal),
    refusal: insiders && !everybody ? `${refusal} from outside` : null,
    affinitySeconds: keepsSeconds || pinSeconds,
    all: all && endpointAddressesAt(all, place, context.lists),
    local: local && endpointAddressesAt(local, place, context.lists),
  };
}

function wayOfElement({ value }: Element, { wayOf }: Context): Way {
  return wayOf(value && 'kind' in value && value.kind === 'goto' ? value.chain : '');
}

function refusalOf(element: Element, context: Context): Refusal {
  if (element.value && 'kind' in element.value && element.value.kind === 'drop') {
    return 'dropped';
  }
  return wayOfElement(element, context).rejects ? 'rejected' : 'not understood';
}

const localMaps: ReadonlySet<string> = new Set(
  protocols.flatMap((protocol) =>
    (['address', 'nodeport'] as const).map((frontend) => endpointMapName({ protocol, frontend, scope: 'local' })),
  ),
);

/** Whether strangers get the endpoints of this node. */
function isLocalChoice({ everybody, insiders }: Way, name: string, { protocol }: Place): boolean {
  if (insiders || !everybody) {
    return insiders !== undefined;
  }
  if (everybody.kind === 'map') {
    return localMaps.has(everybody.map);
  }
  // Chains of its own look alike for all and for local endpoints; only the name that the compiler gives tells.
  const [service = '', portName = ''] = name.split(':');
  const [namespace = '', serviceName = ''] = service.split('/');
  return everybody.chain === ownedNames.localChain({ namespace, name: serviceName, protocol, portName } as ServicePort);
}

function policyOf({ understood, everybody, insiders, masqueraded }: Way, isLocal: boolean): Policy {
  if (!understood || !(everybody || insiders)) {
    return 'not understood';
  }
  if (insiders) {
    return 'local endpoints, source kept';
  }
  return `${isLocal ? 'local' : 'all'} endpoints${masqueraded ? ', masqueraded' : ''}`;
}

/** A list of another protocol has the same key, but its chain matches no packet of this one. */
function endpointAddressesAt(
  choice: Choice,
  { protocol, key }: Place,
  lists: EndpointLists,
): readonly EndpointAddress[] {
  if (choice.protocol !== protocol) {
    return [];
  }
  if (choice.kind === 'chains') {
    return choice.endpointAddresses;
  }
  const endpointAddresses = lists.get(choice.map)?.get(key) ?? [];
  return endpointAddresses.length > choice.modulus ? endpointAddresses.slice(0, choice.modulus) : endpointAddresses;
}

/** What the maps of verdicts and the firewall say about one frontend. */
interface Entry {
  /** `10.96.0.10 . tcp . 80` or `tcp . 30080`. */
  readonly key: string;
  /** The service port that its elements name; undefined where their comments are none of the compiler's. */
  readonly name: string | undefined;
  /** What picks its endpoints: service-ips, service-nodeports. */
  readonly taken: Element | undefined;
  /** What refuses the rest: no-endpoint-services, no-endpoint-nodeports. */
  readonly refused: Element | undefined;
  /** CIDRs, sorted; null where everybody may use it. */
  readonly sourceRanges: readonly string[] | null;
}

/** Every frontend that a ruleset serves, refuses or guards, by its key. */
function readEntries(sets: readonly FilledSet[]): ReadonlyMap<string, Entry> {
  const elementsIn = (name: string) => sets.find((set) => set.name === name)?.elements ?? [];
  const entries = new Map<string, Draft>();
  for (const name of [setNames.serviceIps, setNames.serviceNodePorts]) {
    for (const element of elementsIn(name)) {
      entryOf(element, entries).taken = element;
    }
  }
  for (const name of [setNames.noEndpointServices, setNames.noEndpointNodePorts]) {
    for (const element of elementsIn(name)) {
      entryOf(element, entries).refused = element;
    }
  }
  const sources = readSources(elementsIn(setNames.firewallSources));
  for (const element of elementsIn(setNames.firewallIps)) {
    entryOf(element, entries).sourceRanges = sources.get(element.key) ?? [];
  }
  return entries;
}

/** An entry that is being put together. */
type Draft = { -readonly [Field in keyof Entry]: Entry[Field] };

function entryOf(element: Element, entries: Map<string, Draft>): Draft {
  const { key } = element;
  const known = entries.get(key);
  if (known) {
    known.name ??= nameIn(element);
    return known;
  }
  const entry = { key, name: nameIn(element), taken: undefined, refused: undefined, sourceRanges: null };
  entries.set(key, entry);
  return entry;
}

/** Namespaces and names are DNS labels, and what is left of the port's name after the cut may be empty. */
function nameIn({ comment }: Element): string | undefined {
  return comment !== undefined && /^[a-z0-9][-a-z0-9]{0,62}\/[a-z0-9][-a-z0-9]{0,62}(:[-a-z0-9]{0,63})?$/.test(comment)
    ? comment
    : undefined;
}

function readSources(elements: readonly Element[]): Map<string, string[]> {
  const sources = new Map<string, string[]>();
  for (const { key } of elements) {
    const [frontend, source] = splitEnd(key);
    const others = sources.get(frontend);
    if (others) {
      others.push(source);
    } else {
      sources.set(frontend, [source]);
    }
  }
  for (const ranges of sources.values()) {
    ranges.sort(compareText);
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
      const [frontend] = splitEnd(key);
      const endpointAddresses = byFrontend.get(frontend) ?? [];
      endpointAddresses.push(value);
      byFrontend.set(frontend, endpointAddresses);
    }
  }
  return byFrontend;
}

/**
 * How many seconds the clients of frontends keep their endpoints in maps of pins, by `protocol frontend`, such as
 * `tcp 10.96.0.1 . 80` and `udp 30053`: the timeout of the rule that pins, for all frontends in the set that it asks.
 */
function readPinTimes({ chains, sets }: Ruleset): ReadonlyMap<string, number> {
  const byName = new Map(sets.map((set) => [set.name, set]));
  const times = new Map<string, number>();
  for (const { rules } of chains) {
    for (const rule of rules) {
      const pinning = pinningOf(rule);
      const set = pinning && byName.get(pinning.set);
      if (set) {
        addTimes(set, pinning, times);
      }
    }
  }
  return times;
}

interface Pinning {
  readonly protocol: string;
  readonly set: string;
  readonly seconds: number;
}

/** The set that a rule asks whether an endpoint may be pinned; undefined for every other rule. */
function pinningOf(rule: Rule): Pinning | undefined {
  const found: { -readonly [Field in keyof Pinning]?: Pinning[Field] } = {};
  for (const statement of rule) {
    if (statement.kind === 'match' && statement.left.kind === 'l4proto') {
      found.protocol = `${statement.right}`;
    } else if (statement.kind === 'match-set' && statement.key.some(({ kind }) => kind === 'ct-original-dport')) {
      found.set = statement.set;
    } else if (statement.kind === 'update' && statement.timeoutSeconds !== undefined) {
      found.seconds = statement.timeoutSeconds;
    }
  }
  const { protocol, set, seconds } = found;
  return protocol !== undefined && set !== undefined && seconds !== undefined ? { protocol, set, seconds } : undefined;
}

function addTimes({ elements }: FilledSet, { protocol, seconds }: Pinning, times: Map<string, number>): void {
  let last = '';
  for (const { key } of elements) {
    // The endpoint's address and port are the last two parts, and the endpoints of a frontend stand side by side.
    const [frontend] = splitEnd(splitEnd(key)[0]);
    const name = `${protocol} ${frontend}`;
    if (frontend !== last && !times.has(name)) {
      times.set(name, seconds);
    }
    last = frontend;
  }
}

/** A key of nft without its last part, and that part: `10.96.0.1 . tcp . 80` gives `10.96.0.1 . tcp` and `80`. */
function splitEnd(key: string): [rest: string, end: string] {
  const at = key.lastIndexOf(' . ');
  return at < 0 ? ['', key] : [key.slice(0, at), key.slice(at + 3)];
}

/** Where clients connect to. */
interface Place {
  /** `tcp`, `udp`, `sctp`; empty where the key does not say. */
  readonly protocol: string;
  /** As endpoint maps and sticky sets know it: `10.96.0.1 . 80` or `30080`. */
  readonly key: string;
  /** For people: `10.96.0.1:80/tcp`, `[fd00::1]:80/tcp`, `node port 30080/tcp`. */
  readonly text: string;
}

/**
 * Reads the key of a map of verdicts, `10.96.0.1 . tcp . 80` or `tcp . 30080`. One of another shape, which only others
 * write, is shown as it is.
 */
function placeOf(key: string): Place {
  const parts = key.split(' . ');
  const [first = '', second = '', third = ''] = parts;
  if (parts.length === 2) {
    return { protocol: first, key: second, text: `node port ${second}/${first}` };
  }
  if (parts.length !== 3 || !/^[0-9]+$/.test(third)) {
    return { protocol: '', key, text: key };
  }
  return {
    protocol: second,
    key: `${first} . ${third}`,
    text: `${endpointText({ address: first, port: Number(third) })}/${second}`,
  };
}
