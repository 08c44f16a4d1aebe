import type { Socket } from '../network.ts';
import type { ServicePort } from '../phases/3-model/model.ts';
import { endpointMapName, ownedNames } from '../phases/5-plan/names.ts';
import type { Element, Ruleset } from '../phases/5-plan/ruleset.ts';
import { protocols } from '../protocols.ts';
import type { Policy, Refusal } from './family-changes.ts';
import { followChains } from './follow-chains.ts';
import type { Choice, Frontend, Way } from './frontend.ts';
import { type Place, placeOf } from './place-of.ts';
import { type EndpointLists, readEndpointLists } from './read-endpoint-lists.ts';
import { type Entry, readEntries } from './read-entries.ts';
import { readPinTimes } from './read-pin-times.ts';

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
    all: all && socketsAt(all, place, context.lists),
    local: local && socketsAt(local, place, context.lists),
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
function socketsAt(choice: Choice, { protocol, key }: Place, lists: EndpointLists): readonly Socket[] {
  if (choice.protocol !== protocol) {
    return [];
  }
  if (choice.kind === 'chains') {
    return choice.sockets;
  }
  const sockets = lists.get(choice.map)?.get(key) ?? [];
  return sockets.length > choice.modulus ? sockets.slice(0, choice.modulus) : sockets;
}
