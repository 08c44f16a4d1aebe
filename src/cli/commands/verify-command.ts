import { Command } from 'commander';
import { compileRulesets } from '../../compile.ts';
import { deriveExpectations } from '../../inspect/verify/derive-expectations.ts';
import { loopbackNodePorts } from '../../inspect/verify/proxy-model.ts';
import { renderVerification } from '../../inspect/verify/render-verification.ts';
import type { Verification, VerifyOptions } from '../../inspect/verify/verification.ts';
import { verifyMissingTable, verifyRuleset } from '../../inspect/verify/verify-ruleset.ts';
import { type Family, nameOfFamily } from '../../net/network.ts';
import type { ListedTable, TableName } from '../../nft/listed-table.ts';
import { printRulesets } from '../../nft/print.ts';
import { parseNftText } from '../../nft/text/parse-nft-text.ts';
import { type CompileOptions, iptablesOptions } from '../../options.ts';
import { describeSource } from '../../phases/5-plan/describe-source.ts';
import { knownNames } from '../../phases/5-plan/names.ts';
import type { Context } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { addSnapshotOptions, inputPaths, type SnapshotFlags } from '../flags/compile-flags.ts';
import { addWatchOption, formatOption, type WatchFlags } from '../flags/general-flags.ts';
import { type Cluster, loadCluster, readsCluster, wantsStdinTwice } from '../input/load-cluster.ts';
import { loadKernelTables, loadListedTables, type TableChoice } from '../input/load-tables.ts';
import { openRules, type RulesSource } from '../input/open-rules.ts';
import { runWatched } from '../input/watch-files.ts';
import { addHelpTexts } from '../manual/format-help.ts';
import { fitLines } from '../output/fit-text.ts';
import { writeOutput } from '../output/write-output.ts';

const examples = `
  svc2nft verify dump.yaml --node worker-1 --cluster-cidr 10.244.0.0/16                      check what compile prints
  svc2nft verify dump.yaml --node worker-1 --cluster-cidr 10.244.0.0/16 --ruleset kernel     check what is loaded; needs root
  svc2nft verify dump.yaml --node worker-1 --cluster-cidr 10.244.0.0/16 --ruleset rules.nft  check a file from compile or nft list
  svc2nft verify dump.yaml --node worker-1 --config config.yaml --ruleset iptables-save.txt         check rules of kube-proxy's iptables mode
  svc2nft verify --live --cluster-cidr 10.244.0.0/16 --ruleset kernel                        check what is loaded here against the API; needs root
  svc2nft verify dump.yaml --node worker-1 --cluster-cidr 10.244.0.0/16 -o json | jq '.tables[].faults[].message'
`;

const notes = `
The expected behavior is derived from the Services and EndpointSlices without using the compiler's code. Then the first
packets of connections are walked through the ruleset: from pods, the node, external clients and endpoints themselves to
every address, port and node port of a Service, and to addresses and ports where no Service should answer. This finds wrong,
missing and unequal endpoints, missing or needless masquerading, lost packet marks, wrong verdicts, source ranges and
affinity, and everything in the table that no packet needs. No walk can try all that a rule may match, so every rule, chain,
set and hook is also compared with those that svc2nft itself writes, with any options; all others are faults, whatever they do.

Pins of a loaded ruleset, which clients with affinity follow, are tried as well: none may lead a client to what is no endpoint for
it, or last forever. One whose endpoint is gone loses a single packet, which is as it should be.

Packets of established connections are not walked; instead, filter rules must begin with ct state new. Rules for an address
of the node that the snapshot does not name may be missed.

A table of kube-proxy (its nftables mode, Kubernetes 1.29 to 1.38) is checked for what it does with packets, and for elements that no
Service needs, but not for its layout. What kube-proxy does otherwise on purpose, or in older versions, is printed as a note and is no fault.

Rules of iptables, those of kube-proxy's iptables mode and those of compile --target iptables, are taken from the output of
iptables-save and ip6tables-save, or where nft has no table, from the kernel. They are checked against what that mode does, so that
each difference from what Services ask for has a name; further, each rule, jump and chain must be one that the proxy writes. Rules of other
programs are left out, but where they drop, reject or redirect connections of Services, a note says so.

A table in the layout of an earlier version has one fault that says so, in place of one for each rule that is another now.

Pass the same options as to compile or apply; otherwise differences in options appear as faults. With --ruleset kernel and
without --node, of several Nodes the one with the name of this machine is meant, as for apply.

-o json prints {correct, tables: [{family, table, exists, frontends, endpoints, packets, correct, faults: [{code, service,
frontend, message}], notes: [{code, message, frontends}]}]}; only rules of kube-proxy and of iptables have notes, whose codes are in docs/commands.md; exists is false without a table in that family, which is correct if no Service needs one; code is one of missing-table, earlier-layout, damaged-table, not-understood, wrong-verdict, wrong-endpoint, unequal-shares,
wrong-source, wrong-mark, wrong-affinity, extra-frontend, extra-element, missing-element, dangling-chain, dangling-set,
unknown-chain, unknown-set, unknown-rule, missing-rule, misplaced-rule, wrong-declaration, wrong-hook, unreachable-rule,
wrong-state, wrong-comment.
`;

/** The command `svc2nft verify`. */
export function verifyCommand(context: Context, setExitCode: (code: number) => void): Command {
  const command = addSnapshotOptions(new Command('verify'))
    .description('Checks that every Service is reachable as specified, and that nothing else is reachable.')
    .optionsGroup('Input:')
    .option(
      '--ruleset <file|kernel>',
      'ruleset to check, also rules of kube-proxy, or of iptables; - for stdin (default: what compile prints)',
    )
    .optionsGroup('Output:')
    .addOption(formatOption('text: one line per fault; json: for programs', ['text', 'json']).default('text'))
    .action(async (paths: string[], flags: VerifyFlags) => {
      const inputs = inputPaths(paths, flags);
      const isLive = readsCluster(inputs, flags, context);
      const watched = { watch: flags.watch, isLive, paths: inputs, others: [flags.config, flags.ruleset] };
      setExitCode(await runWatched(watched, context, () => runVerify(inputs, flags, context)));
    });
  return addHelpTexts(addWatchOption(command), { notes, examples });
}

/** The flags of `svc2nft verify`. */
interface VerifyFlags extends SnapshotFlags, WatchFlags {
  /** A file, `-` or `kernel`; absent for what the snapshot compiles to. */
  readonly ruleset?: string;
  readonly output: 'text' | 'json';
}

/** 1 means that there are faults, so bad input shares the code of wrong usage. */
const verdicts = { correct: exitCodes.done, faults: 1, badInput: exitCodes.wrongUsage } as const;

/** Checks a ruleset against the snapshot and prints what is wrong with it; resolves to the exit code. */
async function runVerify(paths: readonly string[], flags: VerifyFlags, context: Context): Promise<number> {
  const inputs = paths.length === 0 && !readsCluster(paths, flags, context) ? ['-'] : paths;
  if (wantsStdinTwice(inputs, { flag: '--ruleset', value: flags.ruleset }, context)) {
    return exitCodes.wrongUsage;
  }
  const loaded = await loadChecked(paths, flags, context);
  if (typeof loaded === 'number') {
    return loaded === exitCodes.badInput ? verdicts.badInput : loaded;
  }
  const verifications = verifyCluster(...loaded);
  const text =
    flags.output === 'json'
      ? jsonOf(verifications)
      : fitLines(verifications.flatMap(renderVerification), context.stdout);
  await writeOutput(text, undefined, context);
  return verifications.some(({ faults }) => faults.length > 0) ? verdicts.faults : verdicts.correct;
}

/** The snapshot and the rules to check; the exit code after a message on stderr where one of them cannot be read. */
async function loadChecked(
  paths: readonly string[],
  flags: VerifyFlags,
  context: Context,
): Promise<[Cluster, CheckedTables] | number> {
  const rules = flags.ruleset === undefined ? undefined : await openRules(flags.ruleset, context);
  if (typeof rules === 'number') {
    return rules;
  }
  const cluster = await loadCluster(paths, flags, context, { rulesOf: rules?.machine });
  if (typeof cluster === 'number') {
    return cluster;
  }
  const choice = { families: cluster.options.families, table: flags.table, takesIptables: true };
  const tables = rules ? await loadActual(rules, choice, context) : readCompiled(cluster);
  if (typeof tables === 'number') {
    return tables;
  }
  const families = rules?.texts ? familiesInFile(tables, choice.families, context) : choice.families;
  return [cluster, { tables, families, isActual: rules !== undefined }];
}

/** iptables-save and ip6tables-save print one family each, so a file with the rules of one is not missing the other. */
function familiesInFile(tables: readonly ListedTable[], all: readonly Family[], context: Context): readonly Family[] {
  const isIptables = tables.some(({ ruleset }) => ruleset.language === 'iptables');
  const found = all.filter((family) => tables.some(({ ruleset }) => ruleset.family === family));
  const missing = all.find((family) => !found.includes(family));
  if (!isIptables || missing === undefined) {
    return all;
  }
  const program = missing === 'ip' ? 'iptables-save' : 'ip6tables-save';
  context.stderr.write(
    `note: ${nameOfFamily(missing)} is not checked: the output of ${program} is not in the file; append it, or use --family ${found[0]}\n`,
  );
  return found;
}

/** Tables, and whether they are not those that the snapshot compiles to. */
interface CheckedTables {
  readonly tables: readonly ListedTable[];
  readonly families: readonly Family[];
  readonly isActual: boolean;
}

/** A table that is missing in the kernel is a fault if the snapshot needs it; a file without a table is an error. */
function loadActual(
  rules: RulesSource,
  choice: TableChoice,
  context: Context,
): Promise<readonly ListedTable[] | number> {
  return rules.texts ? loadListedTables(rules, choice, context) : loadKernelTables(choice, context);
}

/** What compile prints, read back, so that the printer is checked as well. */
function readCompiled({ rulesets, views, options }: Cluster): readonly ListedTable[] {
  return parseNftText(printRulesets(rulesets, describeSource(views)), namesOf(options), knownNames).tables;
}

function namesOf({ families, table }: Cluster['options']): TableName[] {
  return families.map((family) => ({ family, table }));
}

/** Checks the table of each family. */
function verifyCluster(cluster: Cluster, { tables, families, isActual }: CheckedTables): Verification[] {
  const isIptables = tables.some(({ ruleset }) => ruleset.language === 'iptables');
  const { snapshot, documents, options: given } = cluster;
  const options = isIptables ? iptablesOptions(given) : given;
  const all = isIptables ? compileRulesets(documents, options).views : cluster.views;
  const views = all.filter(({ family }) => families.includes(family));
  const { masqueradeAll, masqueradeBit } = options;
  return views.map((node) => {
    const expectations = deriveExpectations(snapshot, { node, masqueradeAll, masqueradeBit });
    const table = tables.find(({ ruleset }) => ruleset.family === node.family);
    return table
      ? verifyRuleset(table.ruleset, expectations, {
          isActual,
          deviations: table.deviations,
          configured: configuredIptables(given, node.family),
          pins: table.dynamic,
        })
      : verifyMissingTable(expectations, tables[0]?.ruleset.table ?? options.table);
  });
}

/** What the options say of kube-proxy's iptables mode. */
function configuredIptables(
  { iptables = {}, nodePortAddresses }: CompileOptions,
  family: Family,
): NonNullable<VerifyOptions['configured']> {
  const { localhostNodePorts: isOn, ...masquerading } = iptables;
  const served = isOn === undefined ? undefined : (loopbackNodePorts(family, { nodePortAddresses, isOn }) ?? null);
  return { ...masquerading, ...(served !== undefined && { loopbackNodePorts: served }) };
}

function jsonOf(verifications: readonly Verification[]): string {
  const tables = verifications.map((verification) => ({ ...verification, correct: verification.faults.length === 0 }));
  return `${JSON.stringify({ correct: tables.every(({ correct }) => correct), tables }, undefined, 2)}\n`;
}
