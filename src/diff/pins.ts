import { type EndpointAddress, type Protocol, protocols } from '../net/network.ts';
import type { Command } from '../nft/command.ts';
import type { DynamicElement } from '../nft/listed-table.ts';
import { isDynamic } from '../nft/ruleset-parts.ts';
import {
  endpointMapName,
  type FrontendScheme,
  pinChainName,
  pinKeyOf,
  pinMapName,
  pinSetName,
} from '../phases/5-plan/names.ts';
import type { SetState, TableState } from './table-state.ts';

/** The commands that pins need. */
type PinCommand = Extract<Command, { kind: 'add-pins' | 'delete-elements' }>;

/** What traffic wrote into the dynamic sets of a table, by the name of the set. */
export type Pins = ReadonlyMap<string, readonly DynamicElement[]>;

/**
 * Splits the pins of shared affinity into those that stay valid and those that do not: their endpoint no longer belongs
 * to the frontend, the frontend chooses by another policy now, or they never expire, as no rule writes them. A packet that follows an invalid pin is dropped to make
 * the client try again (5-plan/shared-affinity.ts), so pins are deleted together with their endpoint.
 *
 * @param after the table that is to hold the pins.
 * @param invalidated what findInvalidatedPins returns.
 */
export function splitPins(pins: Pins, after: TableState, invalidated: ReadonlySet<string>): { kept: Pins; lost: Pins } {
  const kept = new Map<string, readonly DynamicElement[]>([...pins].filter(([set]) => isClientSet(set, after)));
  const lost = new Map<string, readonly DynamicElement[]>();
  for (const protocol of protocols) {
    const endpoints = affinityElements(protocol, after);
    const mayStay = ({ keys, endpoint }: PinParts): boolean =>
      keys.some((key) => endpoints.has(`${key} . ${endpoint}`)) &&
      !keys
        .map((key) => pinKeyOf(protocol, key))
        .some((key) => invalidated.has(key) || invalidated.has(`${key} . ${endpoint}`));
    for (const set of [pinMapName(protocol), pinSetName(protocol)]) {
      const elements = pins.get(set) ?? [];
      kept.set(
        set,
        elements.filter((pin) => expires(pin) && mayStay(partsOf(pin))),
      );
      lost.set(
        set,
        elements.filter((pin) => !(expires(pin) && mayStay(partsOf(pin)))),
      );
    }
  }
  return { kept: withoutEmpty(kept), lost: withoutEmpty(lost) };
}

/** nft prints the time of each element of a set that declares none, as those of shared affinity. */
function expires({ timeoutSeconds, expiresSeconds }: DynamicElement): boolean {
  return timeoutSeconds !== undefined || expiresSeconds !== undefined;
}

/**
 * Deletes pins. A pin may expire or be deleted by a packet at any moment, and nft refuses to delete what does not exist;
 * so each pin is added first, which does not change an existing one.
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

/** With affinity per endpoint, each endpoint has a set of its clients, which is created and deleted with it. */
function isClientSet(set: string, { sets }: TableState): boolean {
  const declaration = sets.get(set)?.declaration;
  return declaration?.key.length === 1 && isDynamic(declaration);
}

interface PinParts {
  /** The frontend as affinity sets know it: by address and port, or as a node port by its number alone. */
  readonly keys: readonly string[];
  /** `10.244.1.2 . 8080` */
  readonly endpoint: string;
}

/** Reads `client . address . port` with the endpoint as value, or followed by the endpoint's address and port. */
function partsOf({ key, value }: DynamicElement): PinParts {
  const [, address = '', port = '', ...rest] = key.split(' . ');
  const endpoint = value ? `${value.address} . ${value.port}` : rest.join(' . ');
  return { keys: [`${address} . ${port}`, port], endpoint };
}

/** The keys of all sets that list the endpoints with affinity: those that the pin chain looks up before it writes a pin. */
function affinityElements(protocol: Protocol, { sets, chains }: TableState): ReadonlySet<string> {
  const rules = chains.get(pinChainName(protocol))?.rules ?? [];
  const lookups = rules.flat().filter((statement) => statement.kind === 'match-set');
  // Other lookups use an address alone.
  const names = lookups.filter(({ key }) => key.some(({ kind }) => kind === 'ct-original-dport')).map(({ set }) => set);
  const found = names.filter((name) => name !== pinSetName(protocol)).map((name) => sets.get(name));
  return new Set(found.flatMap((set) => [...(set?.elements.keys() ?? [])]));
}

function withoutEmpty(pins: Pins): Pins {
  return new Map([...pins].filter(([, elements]) => elements.length > 0));
}

/** The endpoint lists that a frontend picks from; an absent one is not used. */
export interface FrontendLists {
  readonly cluster: readonly EndpointAddress[] | undefined;
  readonly local: readonly EndpointAddress[] | undefined;
}

/**
 * The endpoints whose pins of a frontend become invalid although the frontend still has them: `all`, or some. A pin does
 * not say which list it came from: when the policy changes from Cluster to Local, an external client would stay with an
 * endpoint on another node, which now sees the client's own address and answers around this node.
 */
function invalidatedEndpoints(before: FrontendLists, after: FrontendLists): 'all' | readonly EndpointAddress[] {
  const changesPolicy =
    (before.cluster === undefined) !== (after.cluster === undefined) ||
    (before.local === undefined) !== (after.local === undefined);
  if (changesPolicy) {
    return 'all';
  }
  const stays = new Set(after.local?.map(({ address, port }) => `${address} ${port}`));
  return before.local?.filter(({ address, port }) => !stays.has(`${address} ${port}`)) ?? [];
}

/** The same as keys for splitPins: the frontend, or the frontend and an endpoint. */
export function invalidatedPinKeys(frontend: string, before: FrontendLists, after: FrontendLists): string[] {
  const endpoints = invalidatedEndpoints(before, after);
  return endpoints === 'all' ? [frontend] : endpoints.map(({ address, port }) => `${frontend} . ${address} . ${port}`);
}

type Sets = ReadonlyMap<string, Pick<SetState, 'lists'>>;

/** Whose pins become invalid between two states of a table, as keys for splitPins; frontends without affinity included. */
export function findInvalidatedPins(before: Sets, after: Sets): Set<string> {
  const found = new Set<string>();
  for (const protocol of protocols) {
    for (const frontend of ['address', 'nodeport'] as const) {
      for (const key of keysOf(before, protocol, frontend)) {
        const listsBefore = listsAt(before, protocol, frontend, key);
        const listsAfter = listsAt(after, protocol, frontend, key);
        for (const pinKey of invalidatedPinKeys(pinKeyOf(protocol, key), listsBefore, listsAfter)) {
          found.add(pinKey);
        }
      }
    }
  }
  return found;
}

function keysOf(sets: Sets, protocol: Protocol, frontend: FrontendScheme): Set<string> {
  const scopes = ['cluster', 'local'] as const;
  return new Set(
    scopes.flatMap((scope) => [...(sets.get(endpointMapName({ protocol, frontend, scope }))?.lists.keys() ?? [])]),
  );
}

function listsAt(sets: Sets, protocol: Protocol, frontend: FrontendScheme, key: string): FrontendLists {
  const listOf = (scope: 'cluster' | 'local'): readonly EndpointAddress[] | undefined =>
    sets.get(endpointMapName({ protocol, frontend, scope }))?.lists.get(key);
  return { cluster: listOf('cluster'), local: listOf('local') };
}
