import type { CompiledRulesets } from '../compile.ts';
import { diffRulesets } from '../diff/diff-rulesets.ts';
import { installedRuleset } from '../diff/installed.ts';
import type { Engine, FamilyUpdate, Update } from '../engine/engine.ts';
import { invariant } from '../lib/invariant.ts';
import type { Family } from '../net/network.ts';
import { renderTransaction } from '../nft/command.ts';
import type { Ruleset } from '../nft/ruleset.ts';
import type { CompileOptions } from '../options.ts';
import type { NodeView } from '../phases/3-model/model.ts';
import { selectView } from '../phases/4-select/select-endpoints.ts';
import { planRuleset } from '../phases/5-plan/plan-ruleset.ts';

/** Whoever knows what the kernel should hold: an engine, or a compiled snapshot, to which nothing changes any more. */
export type Target = Omit<Engine, 'update'>;

/** A compiled snapshot as something to apply once: it knows what is wanted, and of no changes. */
export function compiledTarget({ views, rulesets = [] }: CompiledRulesets, options: CompileOptions): Target {
  const excluded = new Map(options.families.map((family) => [family, new Set<string>()]));
  const wanted = new Map(rulesets.map((ruleset) => [ruleset.family, ruleset]));
  const installed = new Map<Family, Ruleset>();
  const plan = (family: Family, without: ReadonlySet<string>): Ruleset =>
    planWithout(views, { family, without: new Set([...(excluded.get(family) ?? []), ...without]), options });
  return {
    families: options.families,
    table: options.table,
    isReady: () => rulesets.length > 0,
    resync: (tables) => {
      const families = [...tables].flatMap(([family, table]): FamilyUpdate[] => {
        const ruleset = wanted.get(family);
        if (!ruleset) {
          return [];
        }
        const difference = diffRulesets(table, ruleset);
        installed.set(family, installedRuleset(difference.installed));
        return [updateOf(family, options.table, difference.commands)];
      });
      return { families, text: families.map(({ text }) => text).join(''), diagnostics: [] };
    },
    // Its updates are of no account, so none can be too old.
    resyncs: () => 0,
    exclude: (family, services) => {
      for (const service of services) {
        excluded.get(family)?.add(service);
      }
      wanted.set(family, plan(family, new Set()));
      return noUpdate;
    },
    excluded: (family) => [...(excluded.get(family) ?? [])].sort(),
    plan,
    rulesets: () => [...installed.values()],
    views: () => views,
  };
}

/** What a compiled snapshot has to say at first: all of it comes from the comparison with the kernel. */
export const noUpdate: Update = { families: [], text: '', diagnostics: [] };

function updateOf(family: Family, table: string, commands: FamilyUpdate['commands']): FamilyUpdate {
  const aftermath = { goneUdpFrontends: [], touchesUdp: false, touchesPins: false, repinned: new Set<string>() };
  return {
    family,
    table,
    commands,
    text: renderTransaction({ family, table, commands }),
    aftermath,
    resyncs: 0,
    sequence: 0,
  };
}

/** Compiles a family's ruleset without some Services, `namespace/name`; the family must have a view. */
export function planWithout(
  views: readonly NodeView[],
  query: { readonly family: Family; readonly without: ReadonlySet<string>; readonly options: CompileOptions },
): Ruleset {
  const { family, without, options } = query;
  const view = views.find((one) => one.family === family);
  invariant(view, `a ruleset of ${family} is asked for before the node is known`);
  const servicePorts = view.servicePorts.filter(({ namespace, name }) => !without.has(`${namespace}/${name}`));
  return planRuleset(selectView({ ...view, servicePorts }), options).ruleset;
}
