import { checkOptions } from './config/check-options.ts';
import { type Diagnostic, hasError, withoutRepeats, withStrictSeverity } from './diagnostics/diagnostic.ts';
import type { Document } from './diagnostics/document.ts';
import type { IptablesRuleset } from './iptables/iptables-ruleset.ts';
import { printRulesets } from './nft/print.ts';
import type { Ruleset } from './nft/ruleset.ts';
import { type CompileOptions, iptablesOptions, withDefaults } from './options.ts';
import { checkDocuments, validate } from './phases/2-validate/validate.ts';
import { buildModel } from './phases/3-model/build-model.ts';
import type { NodeView } from './phases/3-model/model.ts';
import { isNodeKnown } from './phases/3-model/resolve-node.ts';
import { type SelectedView, selectView } from './phases/4-select/select-endpoints.ts';
import { describeSource } from './phases/5-plan/describe-source.ts';
import { planRuleset } from './phases/5-plan/plan-ruleset.ts';
import { planIptables } from './phases/5-plan-iptables/plan-iptables.ts';

/** The result of a compilation: always diagnostics, and rulesets unless there are errors. */
export interface CompileResult {
  /** One for each requested family; undefined when the input has errors and options.keepGoing is not set. */
  readonly rulesets: readonly Ruleset[] | undefined;
  /** The same as text for `nft -f`, one transaction; undefined with the rulesets. */
  readonly text: string | undefined;
  readonly diagnostics: readonly Diagnostic[];
  /** How many objects were ignored because they have nothing to do with Services, by kind. */
  readonly unusedKinds: ReadonlyMap<string, number>;
}

/**
 * Compiles a snapshot of a cluster into the nftables ruleset of one node. Pure: the same documents in any order give
 * the same bytes. Wrong input does not throw; see {@link CompileResult.diagnostics}.
 *
 * @param documents the snapshot's objects, from readDocuments or documentsOf.
 */
export function compile(documents: readonly Document[], options: Partial<CompileOptions> = {}): CompileResult {
  const { views, rulesets, diagnostics, unusedKinds } = compileRulesets(documents, options);
  const text = rulesets && printRulesets(rulesets, describeSource(views));
  return { rulesets, text, diagnostics, unusedKinds };
}

/** The rules of one node, by which program ever: no text, but the views from which they were planned. */
export interface Compiled<R> extends Pick<CompileResult, 'diagnostics' | 'unusedKinds'> {
  /** One for each requested family; undefined when the input has errors and options.keepGoing is not set. */
  readonly rulesets: readonly R[] | undefined;
  /** One for each family; empty without rulesets. */
  readonly views: readonly NodeView[];
  /** The valid objects; undefined if documents or options are none at all. */
  readonly snapshot: ReturnType<typeof validate>['snapshot'] | undefined;
  /** Whether a valid ServiceCIDR was among the documents, of whatever family. */
  readonly hasServiceCIDRs: boolean;
}

/** The result of {@link compileRulesets}. */
export type CompiledRulesets = Compiled<Ruleset>;

/** Like {@link compile}, without the text. */
export function compileRulesets(
  documents: readonly Document[],
  options: Partial<CompileOptions> = {},
): CompiledRulesets {
  return compileWith(planRuleset, documents, withDefaults(options));
}

/** The rules for iptables of the same node, which do what kube-proxy's iptables mode does. Nothing is planned for nft. */
export function compileIptables(
  documents: readonly Document[],
  options: Partial<CompileOptions> = {},
): Compiled<IptablesRuleset> {
  return compileWith(planIptables, documents, iptablesOptions(withDefaults(options)));
}

/** Plans the rules of one family, and warns where several service ports want the same address. */
type Plan<R> = (view: SelectedView, options: CompileOptions) => { ruleset: R; diagnostics: Diagnostic[] };

function compileWith<R>(plan: Plan<R>, documents: readonly Document[], settings: CompileOptions): Compiled<R> {
  const misuse = [...checkDocuments(documents), ...checkOptions(settings)];
  if (misuse.length > 0) {
    const unusedKinds = new Map();
    return {
      views: [],
      snapshot: undefined,
      rulesets: undefined,
      diagnostics: misuse,
      unusedKinds,
      hasServiceCIDRs: false,
    };
  }
  const compiled = compileValid(plan, documents, settings);
  const diagnostics = settings.strict ? withStrictSeverity(compiled.diagnostics) : compiled.diagnostics;
  const isRefused = settings.strict && hasError(diagnostics);
  return { ...compiled, diagnostics, ...(isRefused && { views: [], rulesets: undefined }) };
}

function compileValid<R>(plan: Plan<R>, documents: readonly Document[], settings: CompileOptions): Compiled<R> {
  const { snapshot, diagnostics: invalid, lacking } = validate(documents);
  const { unusedKinds, serviceCIDRs } = snapshot;
  const hasServiceCIDRs = serviceCIDRs.length > 0;
  const model = buildModel(snapshot, settings);
  const diagnostics = [...invalid, ...withoutRepeats(model.diagnostics)];
  // Invalid objects can be left out, but without the right node every ruleset would be wrong.
  const mayGoOn = !hasError(invalid) || (settings.keepGoing && isNodeKnown(invalid, settings));
  if (hasError(model.diagnostics) || !mayGoOn) {
    return { views: [], snapshot, rulesets: undefined, diagnostics, unusedKinds, hasServiceCIDRs };
  }

  const { views } = model;
  const plans = views.map(selectView).map((view) => plan(view, settings));
  const conflicts = withoutRepeats(plans.flatMap((planned) => planned.diagnostics));
  const rulesets = plans.map((planned) => planned.ruleset);
  // What is missing comes first, because it explains the rest.
  const all = [...lacking, ...diagnostics, ...conflicts];
  return { views, snapshot, rulesets, diagnostics: all, unusedKinds, hasServiceCIDRs };
}
