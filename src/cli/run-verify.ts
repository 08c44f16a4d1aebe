import type { Listing } from '../listing/listing.ts';
import type { Family } from '../network.ts';
import { validate } from '../phases/2-validate/validate.ts';
import { deriveExpectations } from '../verify/derive-expectations.ts';
import { renderVerification } from '../verify/render-verification.ts';
import type { Verification } from '../verify/verification.ts';
import { verifyMissingTable, verifyRuleset } from '../verify/verify-ruleset.ts';
import type { CompileFlags } from './commands/compile-options.ts';
import { exitCodes } from './exit-codes.ts';
import { type Cluster, loadCluster } from './load-cluster.ts';
import { loadListings } from './load-listings.ts';
import type { Streams } from './streams.ts';
import { wantsStdinTwice } from './wants-stdin-twice.ts';
import { writeOutput } from './write-output.ts';

/** The flags of `svc2nft verify`. */
export interface VerifyFlags extends CompileFlags {
  /** A file, or `kernel`; absent for what the snapshot compiles to. */
  readonly ruleset?: string;
  readonly output: 'text' | 'json';
}

/** Exit codes of a comparison: 1 says that there are faults, so that errors need others. */
const verdicts = { right: 0, faults: 1, badInput: exitCodes.wrongUsage } as const;

/** Checks a ruleset against the snapshot and prints what is wrong with it; resolves to the exit code. */
export async function runVerify(paths: readonly string[], flags: VerifyFlags, streams: Streams): Promise<number> {
  const inputs = paths.length === 0 ? ['-'] : paths;
  if (wantsStdinTwice(inputs, { flag: '--ruleset', value: flags.ruleset }, streams)) {
    return exitCodes.wrongUsage;
  }
  const cluster = await loadCluster(paths, flags, streams);
  if (typeof cluster === 'string') {
    return verdicts.badInput;
  }
  const listings = flags.ruleset === undefined ? [] : await loadListings(flags.ruleset, cluster.options, streams);
  if (typeof listings === 'number') {
    return listings === exitCodes.badInput ? verdicts.badInput : listings;
  }
  const verifications = verifyCluster(cluster, flags.ruleset === undefined ? undefined : listings);
  await writeOutput(flags.output === 'json' ? jsonOf(verifications) : textOf(verifications), undefined, streams);
  return verifications.some(({ faults }) => faults.length > 0) ? verdicts.faults : verdicts.right;
}

/** Checks the table of each family: those that were found, or those that the snapshot compiles to. */
function verifyCluster(
  { documents, views, rulesets, options }: Cluster,
  listings: readonly Listing[] | undefined,
): Verification[] {
  const { snapshot } = validate(documents);
  const { masqueradeAll, masqueradeBit, table } = options;
  return views.map((node) => {
    const expectations = deriveExpectations(snapshot, { node, masqueradeAll, masqueradeBit });
    const isOurs = ({ family }: { readonly family: Family }): boolean => family === node.family;
    const listing = listings?.find(({ ruleset }) => isOurs(ruleset));
    const ruleset = listings ? listing?.ruleset : rulesets.find(isOurs);
    const oddities = listing?.oddities.map(({ message }) => message) ?? [];
    return ruleset
      ? verifyRuleset(ruleset, expectations, { isInstalled: listings !== undefined, oddities })
      : verifyMissingTable(expectations, table);
  });
}

function textOf(verifications: readonly Verification[]): string {
  return verifications
    .flatMap(renderVerification)
    .map((line) => `${line}\n`)
    .join('');
}

function jsonOf(verifications: readonly Verification[]): string {
  const tables = verifications.map((verification) => ({ ...verification, right: verification.faults.length === 0 }));
  return `${JSON.stringify({ right: tables.every(({ right }) => right), tables }, undefined, 2)}\n`;
}
