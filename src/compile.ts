import { checkOptions } from './config/check-options.ts';
import { type Diagnostic, diagnosticCodes, severityOf } from './diagnostics/diagnostic.ts';
import type { Document } from './diagnostics/document.ts';
import { type Namespaced, setNamespaced } from './kubernetes/namespaced-map.ts';
import { nameOfFamily } from './net/network.ts';
import { type Heading, renderRulesets } from './nft/print.ts';
import type { Ruleset } from './nft/ruleset.ts';
import { type CompileOptions, withDefaults } from './options.ts';
import { validate } from './phases/2-validate/validate.ts';
import { buildModel } from './phases/3-model/build-model.ts';
import type { NodeView, ServicePort } from './phases/3-model/model.ts';
import { selectView } from './phases/4-select/select-endpoints.ts';
import { planRuleset } from './phases/5-plan/plan-ruleset.ts';
import { version } from './version.ts';

/** What a compilation gives: diagnostics always, rulesets unless an error forbids them. */
export interface CompileResult {
  /** One for each family asked for, or undefined when the input has errors and options.keepGoing is not set. */
  readonly rulesets: readonly Ruleset[] | undefined;
  /** The same as text for `nft -f`, one transaction; undefined with the rulesets. */
  readonly text: string | undefined;
  readonly diagnostics: readonly Diagnostic[];
  /** How many objects were ignored because they have nothing to do with Services, by kind. */
  readonly unusedKinds: ReadonlyMap<string, number>;
}

/**
 * Compiles a snapshot of a cluster into the nftables ruleset of one node. Pure: the same documents in any order give
 * the same bytes. Nothing is thrown for wrong input; see {@link CompileResult.diagnostics}.
 *
 * @param documents the snapshot's objects: from readDocuments, or documentsOf for objects at hand.
 */
export function compile(documents: readonly Document[], options: Partial<CompileOptions> = {}): CompileResult {
  const { views, rulesets, diagnostics, unusedKinds } = compileRulesets(documents, options);
  const text = rulesets && renderRulesets(rulesets, describeSource(views));
  return { rulesets, text, diagnostics, unusedKinds };
}

/** What {@link compileRulesets} gives: no text, but what the rulesets were made of. */
export interface CompiledRulesets extends Omit<CompileResult, 'text'> {
  /** One for each family; empty without rulesets. */
  readonly views: readonly NodeView[];
}

/** The same without rendering, for those who put the rulesets into the kernel. */
export function compileRulesets(
  documents: readonly Document[],
  options: Partial<CompileOptions> = {},
): CompiledRulesets {
  const settings = withDefaults(options);
  const misuse = checkOptions(settings);
  if (misuse.length > 0) {
    return { views: [], rulesets: undefined, diagnostics: misuse, unusedKinds: new Map() };
  }
  const { snapshot, diagnostics } = validate(documents);
  const { unusedKinds } = snapshot;
  const model = buildModel(snapshot, settings);
  const found = [...diagnostics, ...model.diagnostics];
  // Invalid objects can be left out; not to know the node would make every ruleset wrong.
  if (
    hasError(model.diagnostics) ||
    (hasError(diagnostics) && !(settings.keepGoing && knowsNode(diagnostics, settings)))
  ) {
    return { views: [], rulesets: undefined, diagnostics: found, unusedKinds };
  }
  const { views } = model;
  const plans = views.map(selectView).map((view) => planRuleset(view, settings));
  const conflicts = withoutRepeats(plans.flatMap((plan) => plan.diagnostics));
  const rulesets = plans.map((plan) => plan.ruleset);
  return { views, rulesets, diagnostics: [...found, ...conflicts], unusedKinds };
}

function hasError(diagnostics: readonly Diagnostic[]): boolean {
  return diagnostics.some((diagnostic) => severityOf(diagnostic) === 'error');
}

/** Without its Node object, for which others could be taken, a node has no addresses, and node ports would open on all. */
function knowsNode(diagnostics: readonly Diagnostic[], { nodeName, nodeAddresses }: CompileOptions): boolean {
  const isRefused = diagnostics.some(
    ({ code, object }) =>
      diagnosticCodes[code] === 'error' &&
      object?.kind === 'Node' &&
      (nodeName === undefined || object.name === nodeName),
  );
  return !isRefused || nodeAddresses.length > 0;
}

/** What concerns both families is said once. */
function withoutRepeats(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  return [...new Map(diagnostics.map((diagnostic) => [diagnostic.message, diagnostic])).values()];
}

/** Says what a ruleset was made by, from what and for whom, without the time, so that equal input gives equal bytes. */
export function describeSource(views: readonly NodeView[]): Heading {
  const ports = views.flatMap((view) => view.servicePorts);
  const services = countServices(ports);
  const endpoints = ports.reduce((sum, port) => sum + port.endpoints.length, 0);
  const nodeName = views[0]?.nodeName ?? '';
  return {
    lines: [
      `svc2nft ${version}: ${services} ${services === 1 ? 'Service' : 'Services'}, ` +
        `${endpoints} ${endpoints === 1 ? 'endpoint' : 'endpoints'}, ` +
        `${nodeName === '' ? 'no node' : `node ${nodeName}`}, ${views.map(({ family }) => nameOfFamily(family)).join(' and ')}`,
      'Load with nft -f: replaces the tables below in one transaction and touches no others.',
    ],
  };
}

/** A Service may have several ports, and be in both families. */
function countServices(ports: readonly ServicePort[]): number {
  const services: Namespaced<true> = new Map();
  for (const { namespace, name } of ports) {
    setNamespaced(services, namespace, name, true);
  }
  return [...services.values()].reduce((sum, names) => sum + names.size, 0);
}
