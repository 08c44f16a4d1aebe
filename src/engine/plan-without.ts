import { invariant } from '../invariant.ts';
import type { Family } from '../network.ts';
import type { CompileOptions } from '../options.ts';
import type { NodeView } from '../phases/3-model/model.ts';
import { selectView } from '../phases/4-select/select-view.ts';
import { planRuleset } from '../phases/5-plan/plan-ruleset.ts';
import type { Ruleset } from '../phases/5-plan/ruleset.ts';

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
