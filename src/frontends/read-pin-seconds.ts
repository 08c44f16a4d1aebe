import type { Mutable } from '../lib/mutable.ts';
import type { FilledSet, Rule, Ruleset } from '../nft/ruleset.ts';
import { splitKeyEnd } from '../nft/ruleset-parts.ts';
import { pinKeyOf } from '../phases/5-plan/names.ts';

/**
 * The affinity of frontends in seconds, by {@link pinKeyOf}: the timeout of the rule that pins, for all frontends in the
 * set that it asks.
 */
export function readPinSeconds({ chains, sets }: Ruleset): ReadonlyMap<string, number> {
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
