import type { Chain, Hook, Rule, Statement } from '../phases/5-plan/ruleset.ts';
import { targetsOf as targetsOfStatement } from '../targets-of.ts';
import { refuseUnless } from './check-key.ts';
import type { RulesetNames } from './indexed-ruleset.ts';
import { UnknownRule } from './unknown-rule.ts';

/**
 * Throws {@link UnknownRule} for what one rule alone does not show: verdict maps to missing chains, chains that come back
 * to themselves, and statements that the kernel refuses in a hook from which their chain can be reached.
 */
export function checkChains(names: RulesetNames): void {
  for (const [set, { targets }] of names.sets) {
    for (const target of targets) {
      refuseUnless(names.chains.get(target)?.hook === undefined, { set }, `${target} is a base chain`);
      refuseUnless(names.chains.has(target), { set }, `there is no chain ${target}`);
    }
  }
  const whole = new Set<string>();
  for (const chain of names.chains.values()) {
    visit(chain, { names, whole, open: new Set() });
    if (chain.hook) {
      checkHook(chain, chain.hook, names);
    }
  }
}

interface Visit {
  readonly names: RulesetNames;
  /** Chains from which every way ends. */
  readonly whole: Set<string>;
  /** Chains on the way to the present one. */
  readonly open: Set<string>;
}

function visit(chain: Chain, context: Visit): void {
  const { names, whole, open } = context;
  if (whole.has(chain.name)) {
    return;
  }
  refuseUnless(!open.has(chain.name), { chain: chain.name }, 'it comes back to itself');
  open.add(chain.name);
  for (const target of targetsOf(chain, names)) {
    visit(target, context);
  }
  open.delete(chain.name);
  whole.add(chain.name);
}

function checkHook(base: Chain, { type, hook }: Hook, names: RulesetNames): void {
  const reached = new Set([base]);
  // A set hands out what is added to it while one goes through it.
  for (const chain of reached) {
    for (const target of targetsOf(chain, names)) {
      reached.add(target);
    }
    for (const [rule, statements] of chain.rules.entries()) {
      const misplaced = statements.find((statement) => !isAllowed(statement, `${type} ${hook}`));
      if (misplaced) {
        throw new UnknownRule(
          { chain: chain.name, rule },
          `${misplaced.kind} in ${base.name}, a ${type} ${hook} chain`,
        );
      }
    }
  }
}

function isAllowed({ kind }: Statement, place: `${Hook['type']} ${Hook['hook']}`): boolean {
  switch (kind) {
    case 'dnat':
    case 'dnat-map':
      return place === 'nat prerouting' || place === 'nat output';
    case 'masquerade':
      return place === 'nat postrouting';
    case 'reject':
      return !place.endsWith('postrouting');
    default:
      return true;
  }
}

/** The chains that a chain can send a packet to. */
function targetsOf(chain: Chain, names: RulesetNames): Chain[] {
  const targets = new Set(chain.rules.flatMap((rule) => namesIn(rule, names)));
  return [...targets].flatMap((name) => names.chains.get(name) ?? []);
}

function namesIn(rule: Rule, { sets }: RulesetNames): string[] {
  return rule.flatMap((statement) =>
    statement.kind === 'vmap' ? [...(sets.get(statement.map)?.targets ?? [])] : targetsOfStatement(statement),
  );
}
