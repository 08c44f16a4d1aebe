import { type Compiled, compileRulesets } from '../../compile.ts';
import type { ServerAddresses, SyncPeriods } from '../../config/config-options.ts';
import { readKubeProxyConfig } from '../../config/kube-proxy-config.ts';
import type { KubeProxySettings } from '../../config/kube-proxy-settings.ts';
import type { ResolveOptions } from '../../control-plane/resolve-objects.ts';
import {
  type Diagnostic,
  type DiagnosticCode,
  hasError,
  severityOf,
  withoutLeniency,
  withStrictSeverity,
} from '../../diagnostics/diagnostic.ts';
import type { Document, InputText } from '../../diagnostics/document.ts';
import { incompleteCodes, withoutRemedy } from '../../kubernetes/completeness.ts';
import { readServiceNotes, type ServiceNote } from '../../kubernetes/service-notes.ts';
import { namespaceOf } from '../../kubernetes/services.ts';
import { escapeControls, listWords } from '../../lib/text.ts';
import type { Ruleset } from '../../nft/ruleset.ts';
import { type CompileOptions, withDefaults } from '../../options.ts';
import { type ReadResult, readDocuments } from '../../phases/1-read/read-documents.ts';
import type { Context } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { type ClusterFlags, namesCluster } from '../flags/cluster-flags.ts';
import { type CompileFlags, type SnapshotFlags, withFlags } from '../flags/compile-flags.ts';
import type { TargetFlags } from '../flags/general-flags.ts';
import { type OptionalResolveFlags, resolveOptionsOf, settingsOfResolve } from '../flags/resolve-flags.ts';
import { isServiceName, withoutKind } from '../flags/service-filters.ts';
import type { Progress } from '../output/progress.ts';
import { progressOn, reportDiagnostics, reportUnusedKinds } from '../output/report-diagnostics.ts';
import { findMissingPaths, type LoadedInput, loadFile, loadInput } from './load-files.ts';
import type { RulesMachine } from './open-rules.ts';
import type { LiveNeeds } from './read-live.ts';
import { findOwnNode, isPartial, type Machine, refuseIncomplete } from './refuse-incomplete.ts';
import type { ResolvedInput } from './resolve-documents.ts';

/** A snapshot of a cluster, and what it compiles to for one node. */
export interface Cluster<R = Ruleset> extends Omit<Compiled<R>, 'rulesets' | 'snapshot'> {
  readonly documents: readonly Document[];
  readonly snapshot: NonNullable<Compiled<R>['snapshot']>;
  readonly rulesets: readonly R[];
  readonly options: CompileOptions;
}

/**
 * Reads and compiles the snapshot in files and folders, or that of a cluster, and reports problems on stderr. For commands that
 * look at rules.
 *
 * @param paths without any, stdin, unless the flags name a cluster.
 * @returns the exit code if there is nothing to read or the input has errors.
 */
export async function loadCluster(
  paths: readonly string[],
  flags: SnapshotFlags,
  context: Context,
  { withoutAdvice, rulesOf, chooseNode = rulesOf && chooseOwnNode(rulesOf).chooseNode, needs = {} }: LoadRequest = {},
): Promise<Cluster | number> {
  const input = chooseInput(paths, flags, context);
  if (typeof input === 'number') {
    return input;
  }
  const { options, diagnostics } = await loadSettings(flags, rulesOf?.configuration);
  if (rulesOf?.configuration && flags.config === undefined) {
    const name = escapeControls(rulesOf.hostName);
    context.stderr.write(`note: the settings are those of kube-proxy on ${name}; --config takes their place\n`);
  }
  return compileSource(input, {
    compile: compileRulesets,
    options: withDefaults(options),
    configDiagnostics: diagnostics,
    usesPods: true,
    ...(withoutAdvice && { withoutAdvice }),
    ...(chooseNode && { chooseNode }),
    needs,
    context,
  });
}

/** What a command that looks at rules asks for. */
interface LoadRequest extends Pick<CompileRequest, 'withoutAdvice' | 'chooseNode'> {
  /** What it reads of a cluster, besides what rules depend on. */
  readonly needs?: LiveNeeds;
  /** The machine whose rules it looks at: it says which Node is meant, and what its kube-proxy was told. */
  readonly rulesOf?: RulesMachine | undefined;
}

/** What a snapshot is read from. */
export interface InputSource {
  /** Files and folders; without any, stdin. */
  readonly paths: readonly string[];
  /** A cluster in place of these. */
  readonly cluster: ClusterFlags | undefined;
  /** Completes the manifests of the paths. */
  readonly resolve?: ResolveOptions;
}

/** Whether a command reads a cluster: flags name one, or it is a plugin of kubectl, which has one. */
export function readsCluster(paths: readonly string[], flags: ClusterFlags, { isPlugin }: Context): boolean {
  return namesCluster(flags) || (isPlugin === true && paths.length === 0);
}

/** What to read; the exit code, after a message, where that is nothing, or two things at once. */
export function chooseInput(
  paths: readonly string[],
  flags: ClusterFlags & OptionalResolveFlags,
  context: Context,
): InputSource | number {
  const resolve = flags.resolve && { resolve: resolveOptionsOf(flags) };
  if (!readsCluster(paths, flags, context)) {
    return lacksInput(paths, context) ? exitCodes.wrongUsage : { paths, cluster: undefined, ...resolve };
  }
  if (resolve) {
    context.stderr.write('error: --resolve completes manifests of files: name these\n');
    return exitCodes.wrongUsage;
  }
  if (paths.length > 0) {
    context.stderr.write('error: a snapshot is read from files or from a cluster: omit PATH, or --live and the like\n');
    return exitCodes.wrongUsage;
  }
  const isKubectls = context.isPlugin && flags.tokenFile === undefined && flags.certificateAuthority === undefined;
  return { paths, cluster: isKubectls ? { ...flags, live: true } : flags };
}

/** Reads and compiles a snapshot, and reports problems on stderr; the exit code when there is none, or it is refused. */
export async function compileSource<R>(
  input: InputSource,
  request: CompileRequest<R> & { readonly needs: LiveNeeds },
): Promise<Cluster<R> | number> {
  const snapshot = await readSource(input, request);
  if (typeof snapshot === 'number') {
    return snapshot;
  }
  request.progress?.step('compiling');
  return compileSnapshot(snapshot, request);
}

/** Documents, and which Node is meant, where they are those of a cluster or resolved. */
export interface SourceSnapshot extends ReadResult {
  /** `nodeName` is undefined where neither a flag nor the name of this machine says which one it is. */
  readonly live?: { readonly nodeName: string | undefined };
  readonly resolved?: ResolvedInput;
}

/** Reads a snapshot; the exit code, after a message, where a cluster cannot be read. */
export async function readSource(
  { paths, cluster, resolve }: InputSource,
  request: Pick<CompileRequest, 'options' | 'context' | 'progress'> & { readonly needs: LiveNeeds },
): Promise<SourceSnapshot | number> {
  if (!cluster) {
    const read = await parseInput(await loadPaths(paths, request), request.context);
    return resolve ? resolveRead(read, resolve) : read;
  }
  const { readLive } = await import('./read-live.ts');
  return readLive(cluster, request);
}

/** What was read, as a cluster would have it. */
async function resolveRead(read: ReadResult, options: ResolveOptions): Promise<SourceSnapshot> {
  const { resolveDocuments } = await import('./resolve-documents.ts');
  const resolved = resolveDocuments(read.documents, options);
  return { documents: resolved.documents, diagnostics: read.diagnostics, resolved };
}

/** Options for the compiler, and diagnostics about the configuration file. */
interface Settings {
  readonly options: Partial<CompileOptions>;
  /** How often an agent syncs. */
  readonly periods: SyncPeriods;
  /** Where an agent serves HTTP. */
  readonly servers?: ServerAddresses;
  /** What else concerns an agent alone. */
  readonly settings: KubeProxySettings;
  /** The mode of kube-proxy that the configuration is for; absent without one. */
  readonly mode?: string;
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Reads the configuration file, if there is one; flags take precedence over it.
 *
 * @param otherwise a configuration that counts without a file; of what is wrong with it only errors are of interest.
 */
export async function loadSettings(
  flags: CompileFlags & OptionalResolveFlags & TargetFlags,
  otherwise?: InputText,
): Promise<Settings> {
  const found: Diagnostic[] = [];
  const other = otherwise && readKubeProxyConfig(otherwise);
  const collected = other && { ...other, diagnostics: other.diagnostics.filter((one) => severityOf(one) === 'error') };
  const config = flags.config === undefined ? collected : await readConfigFile(flags.config);
  const configured = { ...settingsOfResolve(flags), ...config?.options };
  const options = withFlags(configured, flags, (code, _, message) => found.push({ code, message }));
  const { periods = {}, servers, settings = {}, mode, diagnostics = [] } = config ?? {};
  const all = [...diagnostics, ...found];
  const isForIptables = flags.target === 'iptables';
  return {
    options,
    periods,
    ...(servers && { servers }),
    settings,
    ...(mode !== undefined && { mode }),
    diagnostics: isForIptables ? all.filter((diagnostic) => !isOfIptablesMode(diagnostic)) : all,
  };
}

/** Whether a finding says that something has an effect on rules for iptables alone. */
export function isOfIptablesMode({ code, place }: Diagnostic): boolean {
  const [section] = place?.path ?? [];
  return code === 'config-without-effect' && (section === 'mode' || section === 'iptables');
}

async function readConfigFile(path: string): Promise<Settings> {
  const { texts, diagnostics } = await loadFile(path);
  const config = texts[0] && readKubeProxyConfig(texts[0]);
  const nothing = { options: {}, periods: {}, settings: {} };
  return { ...(config ?? nothing), diagnostics: [...diagnostics, ...(config?.diagnostics ?? [])] };
}

/** How a snapshot is compiled, and what is said about it. */
export interface CompileRequest<R = Ruleset> {
  /** Plans rules for nft, or for iptables. */
  readonly compile: (documents: readonly Document[], options: CompileOptions) => Compiled<R>;
  readonly options: CompileOptions;
  /** Findings about the configuration file. */
  readonly configDiagnostics: readonly Diagnostic[];
  /** Reports only what concerns the input, nothing that follows from settings. */
  readonly onlyAboutInput?: true;
  /** The command answers about one packet, or shows other rules: advice about what these rules do is not reported. */
  readonly withoutAdvice?: true;
  /** The command shows Pods, so they are not reported as ignored. */
  readonly usesPods?: true;
  /** The rules are for this machine, so the input must have all that they depend on. */
  readonly machine?: Machine;
  readonly context: Context;
  readonly progress?: Progress;
  /** The node to compile for if the options name none; undefined for the only Node of the input. */
  readonly chooseNode?: (documents: readonly Document[]) => string | undefined;
}

/** The bytes of files and folders, or of stdin without any. */
export function loadPaths(
  paths: readonly string[],
  { context, progress }: Pick<CompileRequest, 'context' | 'progress'>,
): Promise<LoadedInput> {
  const name = paths.length === 0 || paths.includes('-') ? 'stdin' : paths.join(' ');
  progress?.step(`reading ${escapeControls(name)}`);
  return loadInput(paths, context.stdin);
}

/** Compiles a snapshot whose bytes are loaded, which it gives up; the exit code when the input is refused. */
export async function compileInput<R>(input: LoadedInput, request: CompileRequest<R>): Promise<Cluster<R> | number> {
  const snapshot = await parseInput(input, request.context);
  request.progress?.step('compiling');
  return compileSnapshot(snapshot, request);
}

async function parseInput({ texts, diagnostics }: LoadedInput, context: Context): Promise<ReadResult> {
  const bytes = texts.reduce((sum, { content }) => sum + content.length, 0);
  const read = readDocuments(texts, progressOn(context));
  texts.length = 0;
  await releaseInput(bytes);
  return { documents: read.documents, diagnostics: [...diagnostics, ...read.diagnostics] };
}

/**
 * Compiles documents and reports problems on stderr; the exit code when the input is refused. A file that cannot be read is
 * fatal even with --keep-going, because its content is unknown.
 */
export function compileSnapshot<R>(snapshot: SourceSnapshot, request: CompileRequest<R>): Cluster<R> | number {
  const { documents, diagnostics, live, resolved } = snapshot;
  const { configDiagnostics, onlyAboutInput, withoutAdvice, usesPods, machine, context } = request;
  const options = withNode(snapshot, request);
  const compiled = request.compile(documents, options);
  const { rulesets, snapshot: valid } = compiled;
  const refusals =
    machine && rulesets
      ? refuseIncomplete([...diagnostics, ...compiled.diagnostics], { documents, options }, machine)
      : [];
  const read = [...configDiagnostics, ...(machine ? withoutLeniency(diagnostics) : diagnostics)];
  const aboutFiles = options.strict ? withStrictSeverity(read) : read;
  if (refusals.length > 0 && !hasError(aboutFiles)) {
    // Anything else that is odd follows from them.
    reportDiagnostics(refusals, { refused: true, context });
    return exitCodes.badInput;
  }
  const refused = resolved?.diagnostics ?? [];
  const isRefused = !rulesets || !valid || hasError(aboutFiles) || (hasError(refused) && !options.keepGoing);
  const aboutObjects = [...refused, ...compiled.diagnostics].filter(
    (diagnostic) =>
      (!onlyAboutInput || isAboutInput(diagnostic) || incompleteCodes.has(diagnostic.code)) &&
      !(withoutAdvice && adviceOnRules.has(diagnostic.code)),
  );
  const isHeldBack = (diagnostic: Diagnostic): boolean => machine !== undefined && !isRefused && isPartial(diagnostic);
  const all = [...aboutFiles, ...aboutObjects].filter((diagnostic) => !isHeldBack(diagnostic));
  const found = live ? all.map(withoutRemedy) : all;
  // Without a ruleset, advice about the ruleset would only hide what is wrong.
  reportDiagnostics(isRefused ? found.filter(isAboutInput) : found, { refused: isRefused, context });
  if (!resolved) {
    const unusedKinds = new Map([...compiled.unusedKinds].filter(([kind]) => !(usesPods && kind === 'Pod')));
    reportUnusedKinds(unusedKinds, context);
  }
  return isRefused ? exitCodes.badInput : { ...compiled, rulesets, snapshot: valid, documents, options };
}

/** The options with the name of the node: a given one, else the one that the machine or the command chooses. */
function withNode(
  { documents, live, resolved }: SourceSnapshot,
  request: Pick<CompileRequest, 'options' | 'machine' | 'chooseNode'>,
): CompileOptions {
  const { options, machine, chooseNode } = request;
  const choose = (): string | undefined => (machine ? findOwnNode(documents, machine) : chooseNode?.(documents));
  const nodeName = options.nodeName ?? choose() ?? (live ?? resolved)?.nodeName;
  return nodeName === undefined ? options : { ...options, nodeName };
}

/** How a command that compares with the kernel chooses the node without `--node`: as `apply` does. */
export function chooseOwnNode({ hostName }: Pick<Machine, 'hostName'>): Pick<CompileRequest, 'chooseNode'> {
  return { chooseNode: (documents) => findOwnNode(documents, { hostName }) };
}

/** About what the compiled rules do to packets (adviseOn), or what is right in some clusters. */
const adviceOnRules: ReadonlySet<DiagnosticCode> = new Set([
  'no-local-detector',
  'pods-outside-cluster-cidr',
  'node-ports-on-all-addresses',
  'unusual-node-port',
]);

/** Whether a finding is an error or about files; all else is advice about the ruleset, which follows from settings. */
function isAboutInput(diagnostic: Diagnostic): boolean {
  return severityOf(diagnostic) === 'error' || diagnostic.place !== undefined || diagnostic.code === 'foreign-files';
}

/** In bytes. Collecting garbage takes some ten milliseconds, which only a large input is worth. */
const worthwhile = 2 ** 24;

/**
 * Frees bytes and text of a large input that is parsed and no longer referenced. Both are outside of V8's heap, where it
 * collects too late: a dump of 85 MB would add 170 MB to the peak.
 *
 * @param bytes how large the input was.
 */
async function releaseInput(bytes: number): Promise<void> {
  if (bytes >= worthwhile) {
    const [{ setFlagsFromString }, { runInNewContext }] = await Promise.all([import('node:v8'), import('node:vm')]);
    setFlagsFromString('--expose-gc');
    runInNewContext('gc')();
  }
}

/** Whether there is nothing to read: no path, and a terminal instead of a pipe. Reports it. */
export function lacksInput(paths: readonly string[], { stdin, stderr }: Context): boolean {
  const lacks = paths.length === 0 && stdin.isTTY === true;
  if (lacks) {
    stderr.write('error: no input: name a file or folder, or pipe manifests in (see --help)\n');
  }
  return lacks;
}

/** A flag that may read stdin, as the paths may. */
interface OtherInput {
  readonly flag: string;
  readonly value: string | undefined;
}

/** Whether both paths and a flag want stdin, which can be read only once. Reports it. */
export function wantsStdinTwice(paths: readonly string[], { flag, value }: OtherInput, { stderr }: Context): boolean {
  const wants = value === '-' && paths.includes('-');
  if (wants) {
    stderr.write(`error: stdin can be read only once: give PATH or ${flag} a file or folder (see --help)\n`);
  }
  return wants;
}

/** Kinds of objects that kubectl accepts before names. */
const kindOfKubectl = /^(all|svc|services?|po|pods?|ep|endpoints?|endpointslices?|no|nodes?)$/;

/**
 * Advice on stderr where words after the command name Services, as in `kubectl get svc web` and `kubectl get svc/web`, and
 * no file or folder has such a name. A word alone may also be a mistyped path.
 */
export async function noteServices(paths: readonly string[], { stderr }: Pick<Context, 'stderr'>): Promise<void> {
  const missing = await findMissingPaths(paths);
  const kinds = missing.filter((path) => kindOfKubectl.test(path));
  const names = missing.filter((path) => !kinds.includes(path) && isServiceName(path));
  const namesKind = kinds.length > 0 || names.some((name) => withoutKind(name) !== name);
  const advice = (text: string): boolean => stderr.write(`note: a PATH is a file or folder; ${text}\n`);
  if (names.length > 0) {
    const purpose = namesKind
      ? 'to select Services'
      : `if ${names.length > 1 ? `${listWords(names)} are Services` : `${names[0]} is a Service`}`;
    advice(`${purpose}, use --service ${names.join(',')}`);
  } else if (kinds.length > 0) {
    advice(`without ${kinds.join(' and ')}, all Services are shown`);
  }
}

/** Notes about all Services of a snapshot; those that `--keep-going` left out have that as the reason why they get no rules. */
export function notesOf({ documents, diagnostics }: Pick<Cluster, 'documents' | 'diagnostics'>): ServiceNote[] {
  const refused = new Set(
    diagnostics.flatMap((diagnostic) =>
      severityOf(diagnostic) === 'error' && diagnostic.object?.kind === 'Service'
        ? escapeControls(`${namespaceOf(diagnostic.object)}/${diagnostic.object.name}`)
        : [],
    ),
  );
  return readServiceNotes(documents).map((note) =>
    refused.has(`${note.namespace}/${note.name}`) ? { ...note, unserved: 'left out' } : note,
  );
}
