import { compareText } from '../compare-text.ts';
import { setNames } from '../phases/5-plan/names.ts';
import type { Element, FilledSet } from '../phases/5-plan/ruleset.ts';
import { splitEnd } from './split-end.ts';

/** What the maps of verdicts and the firewall say about one frontend. */
export interface Entry {
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
export function readEntries(sets: readonly FilledSet[]): ReadonlyMap<string, Entry> {
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
