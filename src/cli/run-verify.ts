import { describeSource } from '../describe-source.ts';
import type { TableName } from '../listing/collect-objects.ts';
import type { Listing } from '../listing/listing.ts';
import { parseNftText } from '../nft-text/parse-nft-text.ts';
import { validate } from '../phases/2-validate/validate.ts';
import { renderRulesets } from '../phases/6-render/render-ruleset.ts';
import { deriveExpectations } from '../verify/derive-expectations.ts';
import { renderVerification } from '../verify/render-verification.ts';
import type { Verification } from '../verify/verification.ts';
import { verifyMissingTable, verifyRuleset } from '../verify/verify-ruleset.ts';
import type { CompileFlags } from './commands/compile-options.ts';
import { exitCodes } from './exit-codes.ts';
import { type Cluster, loadCluster } from './load-cluster.ts';
import { loadKernelListings, loadListings } from './load-listings.ts';
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
  const { ruleset } = flags;
  const isInstalled = ruleset !== undefined;
  const listings = isInstalled ? await loadInstalled(ruleset, cluster, streams) : readCompiled(cluster);
  if (typeof listings === 'number') {
    return listings === exitCodes.badInput ? verdicts.badInput : listings;
  }
  const verifications = verifyCluster(cluster, { listings, isInstalled });
  await writeOutput(flags.output === 'json' ? jsonOf(verifications) : textOf(verifications), undefined, streams);
  return verifications.some(({ faults }) => faults.length > 0) ? verdicts.faults : verdicts.right;
}

/** That the kernel has no table is a fault for whoever needs one; a file without a table is the wrong file. */
function loadInstalled(source: string, { options }: Cluster, streams: Streams): Promise<readonly Listing[] | number> {
  return source === 'kernel' ? loadKernelListings(namesOf(options), streams) : loadListings(source, options, streams);
}

/** What compile prints, read back, so that the printer is under check as well. */
function readCompiled({ rulesets, views, options }: Cluster): readonly Listing[] {
  return parseNftText(renderRulesets(rulesets, describeSource(views)), namesOf(options)).listings;
}

function namesOf({ families, table }: Cluster['options']): TableName[] {
  return families.map((family) => ({ family, table }));
}

/** Checks the table of each family. */
function verifyCluster(
  { documents, views, options }: Cluster,
  { listings, isInstalled }: { readonly listings: readonly Listing[]; readonly isInstalled: boolean },
): Verification[] {
  const { snapshot } = validate(documents);
  const { masqueradeAll, masqueradeBit, table } = options;
  return views.map((node) => {
    const expectations = deriveExpectations(snapshot, { node, masqueradeAll, masqueradeBit });
    const listing = listings.find(({ ruleset }) => ruleset.family === node.family);
    const oddities = listing?.oddities.map(({ message }) => message) ?? [];
    return listing
      ? verifyRuleset(listing.ruleset, expectations, { isInstalled, oddities })
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
