import { Command, Option } from 'commander';
import { describeSource } from '../../compile.ts';
import { deriveExpectations } from '../../inspect/verify/derive-expectations.ts';
import { renderVerification } from '../../inspect/verify/render-verification.ts';
import { type Verification, verifyMissingTable, verifyRuleset } from '../../inspect/verify/verify-ruleset.ts';
import type { ListedTable, TableName } from '../../nft/listed-table.ts';
import { renderRulesets } from '../../nft/print.ts';
import { parseNftText } from '../../nft/text/parse-nft-text.ts';
import { validate } from '../../phases/2-validate/validate.ts';
import type { Streams } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { addCompileOptions, type CompileFlags } from '../flags/compile-flags.ts';
import { type Cluster, loadCluster, wantsStdinTwice } from '../input/load-cluster.ts';
import { loadKernelListings, loadListings } from '../input/load-rules.ts';
import { writeOutput } from '../output/write-output.ts';

const examples = `Examples:
  svc2nft verify dump.yaml --node worker-1 --cluster-cidr 10.244.0.0/16    what compile prints for the snapshot
  svc2nft verify dump.yaml --node worker-1 --ruleset kernel                what is loaded now; needs root
  svc2nft verify dump.yaml --node worker-1 --ruleset rules.nft             what compile or nft list wrote to a file
  svc2nft verify dump.yaml --node worker-1 -o json | jq '.tables[].faults[] | select(.service == "shop/web:http")'
`;

const exitText = `
What should be is derived from the Services and EndpointSlices a second time, without the code that makes rules. Then first
packets of connections are walked through the ruleset: to every address, port and node port, from pods, the node, clients
outside and from endpoints to themselves; and to where nobody should answer: of node ports one of each kind, at addresses
of every kind and at those that rules name. Found are wrong, missing and unequal endpoints, lost or needless masquerading,
lost marks, refusals, source ranges, affinity, and everything in the table that no packet needs. Packets of connections
under way are not walked: rules of filter chains must begin with ct state new. A rule for an address of the node that the
snapshot does not name may stay unseen.

-o json prints {right, tables: [{family, table, frontends, endpoints, packets, right, faults: [{code, service, frontend,
message}]}]}; code is one of missing-table, not-understood, wrong-verdict, wrong-endpoint, unequal-shares, wrong-source,
wrong-mark, wrong-affinity, extra-frontend, extra-element, missing-element, dangling-chain, dangling-set, wrong-hook,
unreachable-rule, wrong-state, wrong-comment.

Exit codes: 0 right, 1 faults (also where the kernel has no table), 2 bad input or wrong usage, 3 nft or the kernel refused,
4 no permission or no nft.`;

/** `svc2nft verify`: whether a ruleset does what the snapshot asks for. */
export function verifyCommand(streams: Streams, setExitCode: (code: number) => void): Command {
  return addCompileOptions(new Command('verify'))
    .description('Checks that every Service is reached as it should be on this node, and nothing else is.')
    .option('--ruleset <file|kernel>', 'check this ruleset, or - for stdin; default: what compile prints')
    .addOption(
      new Option('-o, --output <format>', 'text: a line for each fault; json: for programs')
        .choices(['text', 'json'])
        .default('text'),
    )
    .addHelpText('before', examples)
    .addHelpText('after', exitText)
    .action(async (paths: string[], flags: VerifyFlags) => {
      setExitCode(await runVerify(paths, flags, streams));
    });
}

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
function loadInstalled(
  source: string,
  { options }: Cluster,
  streams: Streams,
): Promise<readonly ListedTable[] | number> {
  return source === 'kernel' ? loadKernelListings(namesOf(options), streams) : loadListings(source, options, streams);
}

/** What compile prints, read back, so that the printer is under check as well. */
function readCompiled({ rulesets, views, options }: Cluster): readonly ListedTable[] {
  return parseNftText(renderRulesets(rulesets, describeSource(views)), namesOf(options)).listings;
}

function namesOf({ families, table }: Cluster['options']): TableName[] {
  return families.map((family) => ({ family, table }));
}

/** Checks the table of each family. */
function verifyCluster(
  { documents, views, options }: Cluster,
  { listings, isInstalled }: { readonly listings: readonly ListedTable[]; readonly isInstalled: boolean },
): Verification[] {
  const { snapshot } = validate(documents);
  const { masqueradeAll, masqueradeBit, table } = options;
  return views.map((node) => {
    const expectations = deriveExpectations(snapshot, { node, masqueradeAll, masqueradeBit });
    const listing = listings.find(({ ruleset }) => ruleset.family === node.family);
    const deviations = listing?.deviations.map(({ message }) => message) ?? [];
    return listing
      ? verifyRuleset(listing.ruleset, expectations, { isInstalled, deviations })
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
