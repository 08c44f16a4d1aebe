import { compile } from '../compile.ts';
import { readKubeProxyConfig } from '../config/read-kube-proxy-config.ts';
import { type Diagnostic, severityOf } from '../diagnostics.ts';
import type { CompileOptions } from '../options.ts';
import { type ReadResult, readDocuments } from '../phases/1-read/read-documents.ts';
import { exitCodes } from './exit-codes.ts';
import { loadFile, loadInput } from './load-input.ts';
import { releaseInput } from './release-input.ts';
import { progressOn, reportDiagnostics, reportUnusedKinds } from './report.ts';
import type { Streams } from './streams.ts';
import { writeOutput } from './write-output.ts';

/** The flags of `svc2nft compile` as commander hands them over; absent ones were not given. */
export interface CompileFlags {
  readonly node?: string;
  readonly nodeIp?: readonly string[];
  readonly zone?: string;
  readonly config?: string;
  readonly clusterCidr?: readonly string[];
  readonly nodeportAddresses?: readonly string[];
  readonly masqueradeAll?: true;
  readonly table?: string;
  readonly family?: 'ip' | 'ip6';
  readonly targetNft?: CompileOptions['targetNft'];
  readonly keepGoing?: true;
  readonly output?: string;
}

/**
 * Loads, compiles and prints. Diagnostics go to stderr, all of them; the ruleset goes out only when nothing was lost
 * on the way: a file that cannot be read is fatal even with --keep-going, for nobody knows what was in it.
 *
 * @returns the exit code.
 */
export async function runCompile(paths: readonly string[], flags: CompileFlags, streams: Streams): Promise<number> {
  if (paths.length === 0 && streams.stdin.isTTY) {
    streams.stderr.write('error: no input: name a file or folder, or pipe manifests in (see --help)\n');
    return exitCodes.wrongUsage;
  }
  const settings = await readSettings(flags);
  const read = await readInput(paths, streams);
  releaseInput(read.bytes);
  const result = compile(read.documents, settings.options);
  const fatal = [...settings.diagnostics, ...read.diagnostics];
  const refused = result.text === undefined || fatal.some((diagnostic) => severityOf(diagnostic) === 'error');
  const found = [...fatal, ...result.diagnostics];
  reportDiagnostics(refused ? found.filter(isAboutInput) : found, { refused, streams });
  reportUnusedKinds(result.unusedKinds, streams);
  if (refused || result.text === undefined) {
    return exitCodes.badInput;
  }
  return writeOutput(result.text, flags.output, streams);
}

/** Without a ruleset, advice about the ruleset would only hide what is wrong. */
function isAboutInput(diagnostic: Diagnostic): boolean {
  return severityOf(diagnostic) === 'error' || diagnostic.place !== undefined;
}

async function readInput(paths: readonly string[], streams: Streams): Promise<ReadResult & { readonly bytes: number }> {
  const { texts, diagnostics } = await loadInput(paths, streams.stdin);
  const bytes = texts.reduce((sum, { content }) => sum + content.length, 0);
  const read = readDocuments(texts, progressOn(streams));
  return { documents: read.documents, diagnostics: [...diagnostics, ...read.diagnostics], bytes };
}

interface Settings {
  readonly options: Partial<CompileOptions>;
  readonly diagnostics: readonly Diagnostic[];
}

/** The configuration file first, then the flags on top. */
async function readSettings(flags: CompileFlags): Promise<Settings> {
  const config = flags.config === undefined ? undefined : await readConfigFile(flags.config);
  return { options: { ...config?.options, ...optionsOf(flags) }, diagnostics: config?.diagnostics ?? [] };
}

async function readConfigFile(path: string): Promise<Settings> {
  const { texts, diagnostics } = await loadFile(path);
  const config = texts[0] && readKubeProxyConfig(texts[0]);
  return { options: config?.options ?? {}, diagnostics: [...diagnostics, ...(config?.diagnostics ?? [])] };
}

function optionsOf(flags: CompileFlags): Partial<CompileOptions> {
  return {
    ...(flags.node === undefined ? {} : { nodeName: flags.node }),
    ...(flags.nodeIp === undefined ? {} : { nodeAddresses: flags.nodeIp }),
    ...(flags.zone === undefined ? {} : { zone: flags.zone }),
    ...(flags.clusterCidr === undefined ? {} : { clusterCIDRs: flags.clusterCidr }),
    ...(flags.nodeportAddresses === undefined ? {} : { nodePortAddresses: flags.nodeportAddresses }),
    ...(flags.masqueradeAll === undefined ? {} : { masqueradeAll: true }),
    ...(flags.table === undefined ? {} : { table: flags.table }),
    ...(flags.family === undefined ? {} : { families: [flags.family] }),
    ...(flags.targetNft === undefined ? {} : { targetNft: flags.targetNft }),
    ...(flags.keepGoing === undefined ? {} : { keepGoing: true }),
  };
}
