import type { DynamicElement } from '../listing/listing.ts';
import type { Protocol } from '../network.ts';
import { pinChainName, pinMapName, pinSetName } from '../phases/5-plan/names.ts';
import { protocols } from '../protocols.ts';
import type { Command } from './command.ts';
import type { Installed } from './installed.ts';

/** The commands that pins need. */
export type PinCommand = Extract<Command, { kind: 'add-pins' | 'delete-elements' }>;

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
