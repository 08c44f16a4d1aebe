import { setsOf } from '../sets-of.ts';
import { idleChains } from './idle-chains.ts';
import type { Installed, Wanted } from './installed.ts';
import { wantChain, wantElement, wantList, wantSet } from './wanted.ts';

/** Wants nothing else than what is wanted already, except for idle chains and the empty maps that they read. */
export function wantAbsences(wanted: Wanted, installed: Installed): void {
  const idleMaps = wantIdleChains(wanted, installed);
  for (const [name, { declaration, elements, lists }] of installed.sets) {
    if (!wanted.sets.has(name)) {
      wantSet(wanted, name, idleMaps.has(name) ? declaration : undefined);
    }
    for (const key of missingIn(wanted.elements.get(name), elements)) {
      wantElement(wanted, name, key, undefined);
    }
    for (const key of missingIn(wanted.lists.get(name), lists)) {
      wantList(wanted, name, key, undefined);
    }
  }
}

/** Lets go of all chains that are not wanted but the idle ones; the names of the sets that these use. */
function wantIdleChains(wanted: Wanted, { chains, sets }: Installed): Set<string> {
  const unused = [...chains.values()].filter(({ name }) => !wanted.chains.has(name));
  const idle = idleChains(unused, {
    set: (name) => wanted.sets.has(name) || sets.get(name)?.declaration.key.includes('index') === true,
    chain: (name) => wanted.chains.has(name),
  });
  for (const chain of unused) {
    wantChain(wanted, chain.name, undefined);
  }
  for (const chain of idle) {
    wantChain(wanted, chain.name, chain);
  }
  return new Set(idle.flatMap(({ rules }) => rules.flatMap(setsOf)));
}

function missingIn(
  wanted: ReadonlyMap<string, unknown> | undefined,
  installed: ReadonlyMap<string, unknown>,
): string[] {
  return [...installed.keys()].filter((key) => !wanted?.has(key));
}
