import { type EndpointAddress, type Protocol, protocols } from '../net/network.ts';
import type { Command } from '../nft/command.ts';
import type { DynamicElement } from '../nft/listed-table.ts';
import { endpointMapName, pinChainName, pinMapName, pinSetName } from '../phases/5-plan/names.ts';
import type { Installed, InstalledSet } from './installed.ts';

/** The commands that pins need. */
type PinCommand = Extract<Command, { kind: 'add-pins' | 'delete-elements' }>;

/** What traffic wrote into the dynamic sets of a table, by the name of the set. */
export type Pins = ReadonlyMap<string, readonly DynamicElement[]>;

/**
 * Parts the pins (affinity in its flat form) that may stay from those that hold a client where it may no longer be: the
 * endpoint is none of its frontend's any more, or the frontend chooses by another policy now. A packet that followed
 * such a pin would be dropped to make the client try again (5-plan/pin-chains.ts), so they go together with the endpoint.
 *
 * @param after the table that the pins are to be in.
 * @param repinned what repinnedFrontends gives: whose pins may not stay.
 */
export function partPins(pins: Pins, after: Installed, repinned: ReadonlySet<string>): { kept: Pins; lost: Pins } {
  const kept = new Map<string, readonly DynamicElement[]>([...pins].filter(([set]) => isClientSet(set, after)));
  const lost = new Map<string, readonly DynamicElement[]>();
  for (const protocol of protocols) {
    const sticky = stickyElements(protocol, after);
    const mayStay = ({ keys, endpoint }: PinParts): boolean =>
      keys.some((key) => sticky.has(`${key} . ${endpoint}`)) &&
      !keys
        .map((key) => frontendKey(protocol, key))
        .some((key) => repinned.has(key) || repinned.has(`${key} . ${endpoint}`));
    for (const set of [pinMapName(protocol), pinSetName(protocol)]) {
      const elements = pins.get(set) ?? [];
      kept.set(
        set,
        elements.filter((pin) => mayStay(partsOf(pin))),
      );
      lost.set(
        set,
        elements.filter((pin) => !mayStay(partsOf(pin))),
      );
    }
  }
  return { kept: withoutEmpty(kept), lost: withoutEmpty(lost) };
}

/**
 * Deletes pins. A pin may expire or be deleted by a packet at any moment, and nft refuses to delete what is not there;
 * so each is added first, which changes nothing for one that is there.
 */
export function deletePins(pins: Pins): PinCommand[] {
  return [...pins].flatMap(([set, elements]): PinCommand[] => [
    { kind: 'add-pins', set, pins: elements.map(({ key, value }) => (value ? { key, value } : { key })) },
    { kind: 'delete-elements', set, elements },
  ]);
}

/** Writes pins into sets that are new and empty. */
export function restorePins(pins: Pins): PinCommand[] {
  return [...pins].map(([set, elements]) => ({ kind: 'add-pins', set, pins: elements }));
}

/** How a frontend with affinity is called here: protocol, address and port. */
export function frontendKey(protocol: Protocol, key: string): string {
  return `${protocol} ${key}`;
}

/** In affinity's other form each endpoint has a set of the clients that it keeps, which comes and goes with it. */
function isClientSet(set: string, { sets }: Installed): boolean {
  const key = sets.get(set)?.declaration.key;
  return key?.length === 1 && sets.get(set)?.declaration.flags?.includes('dynamic') === true;
}

interface PinParts {
  /** The frontend as sticky sets know it: by address and port, or as a node port by its number alone. */
  readonly keys: readonly string[];
  /** `10.244.1.2 . 8080` */
  readonly endpoint: string;
}

/** Reads `client . address . port` with the endpoint as value, or with address and port of the endpoint behind it. */
function partsOf({ key, value }: DynamicElement): PinParts {
  const [, address = '', port = '', ...rest] = key.split(' . ');
  const endpoint = value ? `${value.address} . ${value.port}` : rest.join(' . ');
  return { keys: [`${address} . ${port}`, port], endpoint };
}

/** The keys of all sets that say which endpoints may be pinned: those that the pin chain looks into before it writes. */
function stickyElements(protocol: Protocol, { sets, chains }: Installed): ReadonlySet<string> {
  const rules = chains.get(pinChainName(protocol))?.rules ?? [];
  const asked = rules.flat().filter((statement) => statement.kind === 'match-set');
  // Others ask about an address alone.
  const names = asked.filter(({ key }) => key.some(({ kind }) => kind === 'ct-original-dport')).map(({ set }) => set);
  const found = names.filter((name) => name !== pinSetName(protocol)).map((name) => sets.get(name));
  return new Set(found.flatMap((set) => [...(set?.elements.keys() ?? [])]));
}

function withoutEmpty(pins: Pins): Pins {
  return new Map([...pins].filter(([, elements]) => elements.length > 0));
}

/** The endpoint lists that a frontend picks from; an absent one is not asked. */
export interface FrontendLists {
  readonly cluster: readonly EndpointAddress[] | undefined;
  readonly local: readonly EndpointAddress[] | undefined;
}

/**
 * Of which endpoints the clients of a frontend must choose anew although the endpoint may still be pinned: `all`, or
 * some. A pin does not say which list it came from: when the policy changes from Cluster to Local, a client from outside
 * would stay with an endpoint on another node, which now sees the client's own address and answers around this node.
 */
function repinned(before: FrontendLists, after: FrontendLists): 'all' | readonly EndpointAddress[] {
  const changesPolicy =
    (before.cluster === undefined) !== (after.cluster === undefined) ||
    (before.local === undefined) !== (after.local === undefined);
  if (changesPolicy) {
    return 'all';
  }
  const stays = new Set(after.local?.map(({ address, port }) => `${address} ${port}`));
  return before.local?.filter(({ address, port }) => !stays.has(`${address} ${port}`)) ?? [];
}

/** The same as keys that partPins understands: the frontend, or the frontend with an endpoint behind it. */
export function repinnedKeys(frontend: string, before: FrontendLists, after: FrontendLists): string[] {
  const endpoints = repinned(before, after);
  return endpoints === 'all' ? [frontend] : endpoints.map(({ address, port }) => `${frontend} . ${address} . ${port}`);
}

type Sets = ReadonlyMap<string, Pick<InstalledSet, 'lists'>>;

/** Between two states of a table: whose clients must choose anew, whether there is affinity or not. */
export function repinnedFrontends(before: Sets, after: Sets): Set<string> {
  const found = new Set<string>();
  for (const protocol of protocols) {
    for (const frontend of ['address', 'nodeport'] as const) {
      for (const key of keysOf(before, protocol, frontend)) {
        const listsBefore = listsAt(before, protocol, frontend, key);
        const listsAfter = listsAt(after, protocol, frontend, key);
        for (const repinnedKey of repinnedKeys(frontendKey(protocol, key), listsBefore, listsAfter)) {
          found.add(repinnedKey);
        }
      }
    }
  }
  return found;
}

function keysOf(sets: Sets, protocol: Protocol, frontend: 'address' | 'nodeport'): Set<string> {
  const scopes = ['cluster', 'local'] as const;
  return new Set(
    scopes.flatMap((scope) => [...(sets.get(endpointMapName({ protocol, frontend, scope }))?.lists.keys() ?? [])]),
  );
}

function listsAt(sets: Sets, protocol: Protocol, frontend: 'address' | 'nodeport', key: string): FrontendLists {
  const listOf = (scope: 'cluster' | 'local'): readonly EndpointAddress[] | undefined =>
    sets.get(endpointMapName({ protocol, frontend, scope }))?.lists.get(key);
  return { cluster: listOf('cluster'), local: listOf('local') };
}
