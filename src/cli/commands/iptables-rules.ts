/** What `apply`, `diff` and `clean` do for rules of iptables. */

import { applyIptables, cleanFlowsOfIptables, type IptablesOutcome } from '../../apply/apply-iptables.ts';
import { startEach } from '../../apply/read-actual-table.ts';
import type { DryRun } from '../../apply/sync-table.ts';
import { compileIptables } from '../../compile.ts';
import { desiredIptables } from '../../engine/desired-snapshot.ts';
import { findCompetitorsOfIptables } from '../../inspect/doctor/check-tables.ts';
import type { ChainFact } from '../../inspect/doctor/facts.ts';
import { emptyIptables } from '../../iptables/diff-iptables.ts';
import type { SavedRules } from '../../iptables/saved-rules.ts';
import {
  type IptablesError,
  type IptablesListing,
  type IptablesVariant,
  isIptablesError,
  listIptables,
} from '../../kernel/iptables-programs.ts';
import type { RunProgram } from '../../kernel/run-program.ts';
import type { Family } from '../../net/network.ts';
import { withDefaults } from '../../options.ts';
import type { Context } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { type CompileRequest, compileInput } from '../input/load-cluster.ts';
import type { LoadedInput } from '../input/load-files.ts';
import { refusesInput, servedByIptables } from '../input/refuse-incomplete.ts';
import { reportIptables, reportRemoval } from '../output/report-iptables.ts';
import { reportCompetitors } from '../output/report-outcome.ts';

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
  const families = await applyIptables(desiredIptables(compiled), { run, dryRun, listings });
  const conntrack = dryRun ? undefined : await cleanFlowsOfIptables(families, compiled.views, run);
  return reportIptables({ families, conntrack }, { context, dryRun: dryRun !== undefined, output });
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
      ...{ family, hasServices: false },
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
