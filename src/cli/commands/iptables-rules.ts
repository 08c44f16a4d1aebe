/** What `apply`, `diff` and `clean` do for rules of iptables. */

import { applyIptables, cleanFlowsOfIptables, type IptablesOutcome } from '../../apply/apply-iptables.ts';
import { startEach } from '../../apply/read-actual-table.ts';
import type { DryRun } from '../../apply/sync-table.ts';
import { compileIptables } from '../../compile.ts';
import { desiredIptables } from '../../engine/desired-snapshot.ts';
import { findCompetitorsOfIptables } from '../../inspect/doctor/check-tables.ts';
import type { ChainFact } from '../../inspect/doctor/facts.ts';
import { diffIptables, emptyIptables } from '../../iptables/diff-iptables.ts';
import type { IptablesRuleset } from '../../iptables/iptables-ruleset.ts';
import { readIptables } from '../../iptables/read-iptables.ts';
import { type SavedRules, savedRulesIn, savedRulesOf } from '../../iptables/saved-rules.ts';
import {
  type IptablesError,
  type IptablesListing,
  type IptablesVariant,
  isIptablesError,
  listIptables,
} from '../../kernel/iptables-programs.ts';
import { enableRouteLocalnet } from '../../kernel/kernel-files.ts';
import type { RunProgram } from '../../kernel/run-program.ts';
import { escapeControls, TextError } from '../../lib/text.ts';
import type { Family } from '../../net/network.ts';
import { withDefaults } from '../../options.ts';
import type { Context } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import type { CompileFlags } from '../flags/compile-flags.ts';
import { iptablesProblem } from '../flags/general-flags.ts';
import { compileOlder } from '../input/compile-older.ts';
import {
  type Cluster,
  type CompileRequest,
  chooseOwnNode,
  compileInput,
  compileSource,
  type InputSource,
  loadSettings,
} from '../input/load-cluster.ts';
import type { LoadedInput } from '../input/load-files.ts';
import { describeSyntaxError } from '../input/load-tables.ts';
import { openRules, type RulesSource, type RulesText } from '../input/open-rules.ts';
import { refusesInput, servedByIptables } from '../input/refuse-incomplete.ts';
import type { Progress } from '../output/progress.ts';
import { renderDifferences, reportIptables, reportIptablesErrors, reportRemoval } from '../output/report-iptables.ts';
import { exitCodeOfError, reportCompetitors } from '../output/report-outcome.ts';
import { writeOutput } from '../output/write-output.ts';

/** How a snapshot is applied. */
export interface ApplySettings {
  readonly run: RunProgram;
  readonly dryRun: DryRun | undefined;
  readonly allowEmpty: boolean;
  readonly output: 'text' | 'json';
}

/**
 * Brings the rules of iptables to what the input compiles to, and reports what became of them. Compiles while iptables-save lists
 * them.
 *
 * @returns the exit code.
 */
export async function applyToIptables(
  input: LoadedInput,
  request: Omit<CompileRequest, 'compile'>,
  { run, dryRun, allowEmpty, output }: ApplySettings,
): Promise<number> {
  const { context, options } = request;
  const reading = new AbortController();
  const listings = await startEach(options.families, (family, onStart) =>
    listIptables(run, { family }, { onStart, signal: reading.signal }),
  );
  const compiled = await compileInput(input, { ...request, compile: compileIptables });
  if (typeof compiled === 'number') {
    reading.abort();
    await Promise.all(listings.values());
    return compiled;
  }
  reportCompetitors(await findCompetitorsOfIptables(run, await listSavedChains(listings, run)), context);
  const readServed = async () => servedByIptables((await Promise.all(listings.values())).map(rulesOf));
  if (await refusesInput(compiled, readServed, { dryRun, allowEmpty, context })) {
    return exitCodes.badInput;
  }
  const desired = desiredIptables(compiled);
  const families = await applyIptables(desired, { run, dryRun, listings });
  const conntrack = dryRun ? undefined : await cleanFlowsOfIptables(families, compiled.views, run);
  // Once the guard is there.
  const isGuarded = desired.some(
    ({ family, usesLoopback }) =>
      usesLoopback && families.some((outcome) => outcome.family === family && outcome.result !== 'failed'),
  );
  const { kernelFiles } = context;
  const localnet =
    isGuarded && kernelFiles ? await enableRouteLocalnet(kernelFiles, { dryRun: dryRun !== undefined }) : undefined;
  return reportIptables({ families, conntrack, localnet }, { context, dryRun: dryRun !== undefined, output });
}

type Listings = ReadonlyMap<Family, Promise<IptablesListing | IptablesError>>;

function rulesOf(listing: IptablesListing | IptablesError): SavedRules | undefined {
  return isIptablesError(listing) ? undefined : listing.rules;
}

/** The chains of the tables that were read, and of those of the legacy variant where these are not the same. */
async function listSavedChains(listings: Listings, run: RunProgram): Promise<ChainFact[]> {
  const chains: ChainFact[] = [];
  for (const [family, reading] of listings) {
    const listing = await reading;
    if (isIptablesError(listing)) {
      continue;
    }
    // Those that svc2nft writes will be there.
    chains.push(...chainFacts(family, listing.rules, listing.isLegacy), {
      ...{ family, table: 'nat', name: 'SVC2NFT-SERVICES' },
      ...(listing.isLegacy && { legacy: true }),
    });
    if (listing.hasLegacyTables) {
      const legacy = await listIptables(run, { family, variant: '-legacy' });
      chains.push(...(isIptablesError(legacy) ? [] : chainFacts(family, legacy.rules, true)));
    }
  }
  return chains;
}

/** Chains with rules, or that others have made: tables may exist without. */
function chainFacts(family: Family, rules: SavedRules, isLegacy: boolean): ChainFact[] {
  return [...rules].flatMap(([table, chains]) =>
    [...chains].flatMap(([name, held]) =>
      held.length === 0 && /^[A-Z]+$/.test(name)
        ? []
        : [{ family, table, name, ...(isLegacy && { legacy: true as const }) }],
    ),
  );
}

/** What rules of iptables are compared with, and how the difference is printed. */
interface DiffSettings extends CompileFlags {
  /** Another snapshot. */
  readonly from?: string;
  /** What iptables-save and ip6tables-save printed, or `kernel`, which is the default. */
  readonly fromRules?: string;
  readonly output: 'text' | 'nft' | 'iptables' | 'json';
}

/**
 * Prints what leads from the rules of iptables in the kernel, in a file, or of another snapshot, to those of this one.
 *
 * @returns whether there is a difference; the exit code, after a message on stderr, where that cannot be said.
 */
export async function diffIptablesRules(
  input: InputSource,
  settings: DiffSettings,
  { context, progress }: { readonly context: Context; readonly progress: Progress },
): Promise<boolean | number> {
  const { from, fromRules = 'kernel', output } = settings;
  const loaded = await loadSettings(settings);
  const options = withDefaults(loaded.options);
  const problem =
    iptablesProblem(options) ??
    (from === undefined || settings.fromRules === undefined ? undefined : '--from-rules takes no --from');
  if (problem !== undefined) {
    context.stderr.write(`error: ${problem}\n`);
    return exitCodes.wrongUsage;
  }
  const rules = from === undefined ? await openRules(fromRules, context) : undefined;
  if (typeof rules === 'number') {
    return exitCodes.wrongUsage;
  }
  const request = {
    ...{ compile: compileIptables, options, configDiagnostics: loaded.diagnostics, context, progress, needs: {} },
    ...(rules?.machine && chooseOwnNode(rules.machine)),
  };
  const compiled = await compileSource(input, request);
  if (typeof compiled === 'number') {
    return compiled === exitCodes.badInput ? exitCodes.wrongUsage : compiled;
  }
  const actual = rules
    ? await loadSavedRules(rules, compiled.options.families, { run: progress.watch(context.run), context })
    : await compileSaved(from ?? '', compiled, { ...request, ...input });
  if (typeof actual === 'number') {
    return actual;
  }
  const differences = desiredIptables(compiled).map(({ family, rulesetOver }) => {
    const saved = actual.get(family) ?? new Map();
    return diffIptables(saved, rulesetOver(saved));
  });
  await writeOutput(renderDifferences(differences, { output, would: from === undefined, context }), undefined, context);
  return differences.some(({ tables }) => tables.length > 0);
}

/** What iptables-save would print of another snapshot; the exit code where it is invalid. */
async function compileSaved(
  from: string,
  desired: Cluster<IptablesRuleset>,
  request: CompileRequest<IptablesRuleset> & InputSource,
): Promise<RulesByFamily | number> {
  const older = await compileOlder(from, desired, request);
  if (!older) {
    return exitCodes.wrongUsage;
  }
  // What only one of both says has not changed.
  const newer = new Map(desired.rulesets.map((ruleset) => [ruleset.family, savedRulesOf(ruleset)]));
  return new Map(
    desiredIptables(older).map(({ family, rulesetOver }) => [
      family,
      savedRulesOf(rulesetOver(newer.get(family) ?? new Map())),
    ]),
  );
}

type RulesByFamily = ReadonlyMap<Family, SavedRules>;

/** Rules in the kernel, or in a text, of each family; the exit code after a message on stderr where they cannot be read. */
async function loadSavedRules(
  { texts }: RulesSource,
  families: readonly Family[],
  { run, context }: { readonly run: RunProgram; readonly context: Context },
): Promise<RulesByFamily | number> {
  if (texts) {
    return readSavedTexts(texts, context);
  }
  const found = new Map<Family, SavedRules>();
  for (const family of families) {
    const listing = await listIptables(run, { family });
    if (isIptablesError(listing)) {
      reportIptablesErrors([{ family, result: 'failed', error: listing }], context);
      return exitCodeOfError(listing);
    }
    found.set(family, listing.rules);
  }
  return found;
}

/** Those of the first text with a table of iptables; what `svc2nft collect` prints has rules of nft, too. */
function readSavedTexts(texts: readonly RulesText[], { stderr }: Pick<Context, 'stderr'>): RulesByFamily | number {
  const [first] = texts;
  const { file, text } = texts.find((one) => /^\*\w+$/m.test(one.text)) ?? { file: first?.file ?? '', text: '' };
  try {
    const tables = readIptables(text);
    if (tables.length === 0) {
      stderr.write(`error: ${escapeControls(file)} has no rules of iptables, as iptables-save prints them\n`);
    }
    const found = new Map(tables.map((table) => [table.ruleset.family, savedRulesIn(table)]));
    return found.size === 0 ? exitCodes.wrongUsage : found;
  } catch (error) {
    if (error instanceof TextError) {
      stderr.write(`${describeSyntaxError(error, file)}\n`);
      return exitCodes.wrongUsage;
    }
    throw error;
  }
}

/** The machine's choice, and each variant where it has a name of its own: what is removed by one of them is not there for the next. */
const variants: readonly IptablesVariant[] = ['', '-nft', '-legacy'];

/**
 * Removes the rules of svc2nft from iptables, in all variants that are installed, and says where there were some. No iptables is no
 * error.
 *
 * @param settings.isNamed the command is about iptables alone, so it also says that there were none.
 * @returns the exit code.
 */
export async function removeIptables(
  families: readonly Family[],
  { isNamed, context }: { readonly isNamed: boolean; readonly context: Context },
): Promise<number> {
  const { table } = withDefaults({});
  const outcomes = await context.lock({ table, run: context.run }, async (run) => {
    const desired = families.map((family) => ({
      ...{ family, hasServices: false, usesLoopback: false },
      rulesetOver: () => emptyIptables(family),
    }));
    const all: IptablesOutcome[] = [];
    for (const variant of variants) {
      // Without permission, the others would fail in the same way.
      if (!all.some(({ error }) => error?.kind === 'no-permission')) {
        all.push(...(await applyIptables(desired, { run, variant })));
      }
    }
    return all;
  });
  return reportRemoval(outcomes, { isNamed, context });
}
