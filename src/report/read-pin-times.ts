import type { FilledSet, Rule, Ruleset } from '../phases/5-plan/ruleset.ts';
import { splitEnd } from './split-end.ts';

/**
 * How many seconds the clients of frontends keep their endpoints in maps of pins, by `protocol frontend`, such as
 * `tcp 10.96.0.1 . 80` and `udp 30053`: the timeout of the rule that pins, for all frontends in the set that it asks.
 */
export function readPinTimes({ chains, sets }: Ruleset): ReadonlyMap<string, number> {
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
