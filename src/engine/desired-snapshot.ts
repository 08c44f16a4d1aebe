import { isDeepStrictEqual } from 'node:util';
import type { Compiled, CompiledRulesets } from '../compile.ts';
import type { IptablesRuleset } from '../iptables/iptables-ruleset.ts';
import { readSavedServiceRanges } from '../iptables/saved-rules.ts';
import { invariant } from '../lib/invariant.ts';
import { parseCidr } from '../net/address.ts';
import type { Family } from '../net/network.ts';
import type { FilledSet, Ruleset, SetDeclaration } from '../nft/ruleset.ts';
import type { CompileOptions } from '../options.ts';
import type { NodeView } from '../phases/3-model/model.ts';
import { selectView } from '../phases/4-select/select-endpoints.ts';
import { setNames } from '../phases/5-plan/names.ts';
import { planRuleset } from '../phases/5-plan/plan-ruleset.ts';
import { guardsLoopback } from '../phases/5-plan-iptables/loopback.ts';
import { withServiceRanges } from '../phases/5-plan-iptables/plan-iptables.ts';
import type { DesiredIptables, DesiredState } from './desired-state.ts';

/** A compiled snapshot as the desired state, to be applied once. */
export function desiredSnapshot(compiled: CompiledRulesets, options: CompileOptions): DesiredState {
  const { views, rulesets = [] } = compiled;
  const desired = new Map(rulesets.map((ruleset) => [ruleset.family, ruleset]));
  const rejected = new Map<Family, Set<string>>(options.families.map((family) => [family, new Set()]));
  const rejectedIn = (family: Family): Set<string> => rejected.get(family) ?? new Set();
  const desiredWithout = (family: Family, services: ReadonlySet<string>): Ruleset => {
    const view = views.find((one) => one.family === family);
    invariant(view, `no ruleset of ${family} was compiled`);
    return rulesetWithout(view, options, new Set([...rejectedIn(family), ...services]));
  };
  return {
    families: options.families,
    table: options.table,
    isReady: () => rulesets.length > 0,
    desiredRuleset: (family, actual) => {
      const ruleset = desired.get(family);
      invariant(ruleset, `no ruleset of ${family} was compiled`);
      return keepServiceCIDRs(ruleset, compiled, actual);
    },
    desiredWithout,
    // Nothing changes after the snapshot.
    adopt: () => undefined,
    reject: (family, services) => {
      rejected.set(family, new Set([...rejectedIn(family), ...services]));
      desired.set(family, desiredWithout(family, new Set()));
    },
    rejected: (family) => [...rejectedIn(family)].sort(),
    views: () => views,
  };
}

/**
 * A ruleset with the ranges of cluster IPs that another one has, if no ServiceCIDR was in its input. Clusters have at least
 * one since Kubernetes 1.33, so without any they were not asked for, and have not changed. A set that only has the name of
 * ours is not read: its elements may be something else, which nft would refuse.
 *
 * @param compiled what the input of the ruleset gave.
 */
export function keepServiceCIDRs(
  ruleset: Ruleset,
  { hasServiceCIDRs }: Pick<CompiledRulesets, 'hasServiceCIDRs'>,
  other: Ruleset | undefined,
): Ruleset {
  const kept = other?.sets.find(({ name }) => name === setNames.serviceCidrs);
  if (!kept || hasServiceCIDRs) {
    return ruleset;
  }
  const declaration = declarationOf(kept);
  const sets = ruleset.sets.map((set) =>
    isDeepStrictEqual(declarationOf(set), declaration) ? { ...set, elements: kept.elements } : set,
  );
  return { ...ruleset, sets };
}

/** A compiled snapshot as the desired rules of iptables. As above, it says nothing about ranges of cluster IPs without a ServiceCIDR. */
export function desiredIptables({
  rulesets = [],
  views,
  hasServiceCIDRs,
}: Pick<Compiled<IptablesRuleset>, 'rulesets' | 'views' | 'hasServiceCIDRs'>): DesiredIptables[] {
  return rulesets.map((ruleset) => {
    const { family } = ruleset;
    const isOfFamily = (range: string): boolean => parseCidr(range)?.family === family;
    const ports = views.find((view) => view.family === family)?.servicePorts ?? [];
    return {
      family,
      hasServices: ports.length > 0,
      usesLoopback: ruleset.tables.some(guardsLoopback) && ports.some(({ nodePort }) => nodePort > 0),
      rulesetOver: (actual) =>
        hasServiceCIDRs ? ruleset : withServiceRanges(ruleset, readSavedServiceRanges(actual).filter(isOfFamily)),
    };
  });
}

function declarationOf({ elements: _, lists: __, ...declaration }: FilledSet): SetDeclaration {
  return declaration;
}

/** The ruleset of one family without some Services, `namespace/name`, compiled from scratch. */
export function rulesetWithout(view: NodeView, options: CompileOptions, services: ReadonlySet<string>): Ruleset {
  const servicePorts = view.servicePorts.filter(({ namespace, name }) => !services.has(`${namespace}/${name}`));
  return planRuleset(selectView({ ...view, servicePorts }), options).ruleset;
}
