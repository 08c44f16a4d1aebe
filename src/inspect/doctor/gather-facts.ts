import {
  classifyNftError,
  createNftError,
  createUnreadable,
  isNftError,
  type NftError,
} from '../../kernel/nft-error.ts';
import { probeNft } from '../../kernel/probe-nft.ts';
import type { ProgramResult, RunProgram } from '../../kernel/run-program.ts';
import { isMapping } from '../../lib/unknown-values.ts';
import type { Family } from '../../net/network.ts';
import {
  type BridgeFact,
  bridgeFiles,
  type ChainFact,
  enabledPaths,
  type Facts,
  type FeatureProbe,
  type FileName,
  type FirewallService,
  firewallServices,
  type Instruments,
  knownFiles,
  type MissingFeature,
  type OwnTable,
  podBridges,
  type UnreadTables,
} from './facts.ts';
import { interfacesOf } from './finding.ts';
import { type KernelFeature, kernelFeatures, trialTable } from './kernel-features.ts';

/** In milliseconds. A program that takes longer is stopped, and counts as failed. */
const longestLook = 20_000;

/** The facts about this machine; changes nothing. Programs and files may be missing. */
export async function gatherFacts({ run: runProgram, readText }: Instruments, table: string): Promise<Facts> {
  const run: RunProgram = (program, args, input) => runProgram(program, args, input, { longest: longestLook });
  const files = await readFiles(readText);
  const nft = await probeNft(run);
  const listed = await listChains(run);
  const legacy = await listLegacyChains(run, files);
  return {
    table,
    nft,
    lacksJson: isNftError(listed) && listed.said.some((line) => /JSON support not compiled/i.test(line)),
    chains: isNftError(listed) ? listed : [...listed, ...legacy.chains],
    unread: legacy.unread,
    ownTables: isNftError(listed) ? [] : await readOwnTables(run, table, listed),
    features: await probeFeatures(run),
    hasConntrack: !(await run('conntrack', ['--version'])).missing,
    files,
    bridges: await readBridges(readText, files),
    services: await findServices(readText),
  };
}

async function readFiles(readText: Instruments['readText']): Promise<Facts['files']> {
  const files: Partial<Record<FileName, string>> = {};
  for (const name of Object.keys(knownFiles) as FileName[]) {
    const text = await readText(knownFiles[name]);
    if (text !== undefined) {
      files[name] = text;
    }
  }
  return files;
}

/** The chains of all tables. nft 1.0.6 reads all elements of all tables for `list tables`, but only chains for this command. */
export async function listChains(run: RunProgram): Promise<readonly ChainFact[] | NftError> {
  const result = await run('nft', ['-j', 'list', 'chains']);
  if (result.exitCode !== 0) {
    return classifyNftError(result);
  }
  return readChains(result.stdout) ?? createNftError('refused', ['nft printed no JSON']);
}

/** Reads them as text: nft 1.0.6 prints broken JSON for a table with flags. */
async function readOwnTables(run: RunProgram, table: string, chains: readonly ChainFact[]): Promise<OwnTable[]> {
  const families: readonly Family[] = ['ip', 'ip6'];
  const tables: OwnTable[] = [];
  for (const family of families.filter((name) =>
    chains.some((chain) => chain.family === name && chain.table === table),
  )) {
    const result = await run('nft', ['-t', 'list', 'table', family, table]);
    const error = result.exitCode === 0 ? undefined : whyUnread(result);
    if (error?.kind === 'no-such-file') {
      // It was deleted meanwhile.
      continue;
    }
    const head = /^.*\{.*\n(?:\t[^\t\n].*(?<!\{)\n)*/.exec(result.stdout)?.[0] ?? '';
    tables.push({
      family,
      comment: /^\tcomment "(.*)"$/m.exec(head)?.[1],
      flags: /^\tflags (.*)$/m.exec(head)?.[1]?.split(',') ?? [],
      ...(error && { error }),
    });
  }
  return tables;
}

function whyUnread(result: ProgramResult): NftError {
  const error = classifyNftError(result);
  return error.kind === 'crashed' ? createUnreadable(error) : error;
}

async function readBridges(readText: Instruments['readText'], files: Facts['files']): Promise<readonly BridgeFact[]> {
  const names = interfacesOf(files).filter((name) => podBridges.includes(name));
  return Promise.all(
    names.map(async (name) => {
      const { calls, calls6 } = bridgeFiles(name);
      return { name, calls: await readText(calls), calls6: await readText(calls6) };
    }),
  );
}

async function findServices(readText: Instruments['readText']): Promise<Facts['services']> {
  const services: Partial<Record<FirewallService, string>> = {};
  for (const service of firewallServices) {
    const texts = await Promise.all(enabledPaths(service).map(readText));
    const text = texts.find((found) => found !== undefined);
    if (text !== undefined) {
      services[service] = text;
    }
  }
  return services;
}

/**
 * The kernel features that are missing, found out by loading trial rules into temporary network namespaces. The rules
 * of the machine stay as they are; the kernel may load modules for the trial rules, as it would for the real ones.
 */
export async function probeFeatures(run: RunProgram): Promise<FeatureProbe> {
  const refusals: string[] = [];
  for (const flags of unshareFlags) {
    const result = await run('unshare', [...flags, 'nft', '--version']);
    if (result.exitCode === 0) {
      return {
        kind: 'probed',
        missing: await findMissing((text) => run('unshare', [...flags, 'nft', '-f', '-'], text)),
      };
    }
    refusals.push(result.missing ? 'unshare is not installed' : firstLine(result.stderr));
  }
  return { kind: 'not-probed', said: refusals[0] ?? '' };
}

/**
 * For root, and for other users that may create user namespaces. util-linux and busybox both know these short flags.
 */
const unshareFlags: readonly (readonly string[])[] = [['-n'], ['-U', '-r', '-n']];

type Load = (text: string) => Promise<ProgramResult>;

async function findMissing(load: Load): Promise<MissingFeature[]> {
  return [...(await findMissingOf('ip', load)), ...(await findMissingOf('ip6', load))];
}

/** Tries features one by one only if the kernel refuses all of them together; without the first one, none works. */
async function findMissingOf(family: Family, load: Load): Promise<MissingFeature[]> {
  if ((await load(trialTable(family, kernelFeatures))).exitCode === 0) {
    return [];
  }
  const missing: MissingFeature[] = [];
  for (const feature of kernelFeatures) {
    const result = await load(trialTable(family, [feature]));
    if (result.exitCode !== 0) {
      missing.push(describeMissingFeature(family, feature, result));
    }
    if (result.exitCode !== 0 && feature === kernelFeatures[0]) {
      break;
    }
  }
  return missing;
}

function describeMissingFeature(
  family: Family,
  { name, module }: KernelFeature,
  result: ProgramResult,
): MissingFeature {
  const { kind, said } = classifyNftError(result);
  return { family, feature: name, module: module(family), said: said[0] ?? kind };
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0]?.slice(0, 160) ?? '';
}

/** The chains that `nft -j list chains` printed; undefined when it printed something else. */
function readChains(text: string): readonly ChainFact[] | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  const objects = isMapping(json) ? json['nftables'] : undefined;
  if (!Array.isArray(objects)) {
    return undefined;
  }
  return objects.map(readChain).filter((chain) => chain !== undefined);
}

/** The chains that `iptables-save` printed of a table: `:FORWARD DROP [0:0]`, or `:KUBE-SERVICES - [0:0]`. */
function readSavedChains(text: string, family: 'ip' | 'ip6', table: string): readonly ChainFact[] {
  return [...text.matchAll(/^:(\S+) (\S+)/gm)].map(([, name = '', policy = '-']) => {
    const isBase = policy !== '-';
    return {
      family,
      table,
      name,
      ...(isBase && {
        type: table === 'nat' ? 'nat' : 'filter',
        hook: name.toLowerCase(),
        policy: policy.toLowerCase(),
      }),
      legacy: true as const,
    };
  });
}

function readChain(object: unknown): ChainFact | undefined {
  const chain = isMapping(object) ? object['chain'] : undefined;
  if (!isMapping(chain)) {
    return undefined;
  }
  const { family, table, name, type, hook, prio, policy } = chain;
  if (typeof family !== 'string' || typeof table !== 'string' || typeof name !== 'string') {
    return undefined;
  }
  return {
    family,
    table,
    name,
    ...(typeof type === 'string' && { type }),
    ...(typeof hook === 'string' && { hook }),
    ...(typeof prio === 'number' && { priority: prio }),
    ...(typeof policy === 'string' && { policy }),
  };
}

/** The chains of legacy iptables. */
interface LegacyChains {
  readonly chains: readonly ChainFact[];
  /** Tables that are in use, but could not be listed. */
  readonly unread: readonly UnreadTables[];
}

/** Lists only tables that are in use: for others, the program would load a kernel module. */
async function listLegacyChains(run: RunProgram, files: Facts['files']): Promise<LegacyChains> {
  const chains: ChainFact[] = [];
  const unread: UnreadTables[] = [];
  for (const { family, program, names } of familiesOf(files)) {
    const tables = ['nat', 'filter'].filter((table) => names.split('\n').includes(table));
    const saves = tables.length === 0 ? undefined : await findSave(run, program);
    const refused: string[] = [];
    for (const table of tables) {
      const result = await saves?.(table);
      if (result?.exitCode !== 0) {
        refused.push(table);
        continue;
      }
      for (const chain of readSavedChains(result.stdout, family, table)) {
        chains.push(chain);
      }
    }
    if (refused.length > 0) {
      unread.push({ program, tables: refused });
    }
  }
  return { chains, unread };
}

interface LegacyFamily {
  readonly family: 'ip' | 'ip6';
  readonly program: UnreadTables['program'];
  /** The tables in use, a line for each. */
  readonly names: string;
}

function familiesOf({ legacyTables = '', legacyTables6 = '' }: Facts['files']): readonly LegacyFamily[] {
  return [
    { family: 'ip', program: 'iptables', names: legacyTables },
    { family: 'ip6', program: 'ip6tables', names: legacyTables6 },
  ];
}

type Save = (table: string) => Promise<ProgramResult>;

/**
 * The program that lists legacy tables; undefined if there is none. `iptables-save` may be the legacy one, as its
 * version says: `iptables-save v1.8.9 (legacy)`. That of Fedora and others is `(nf_tables)`, and prints what nft
 * already listed.
 */
async function findSave(run: RunProgram, program: UnreadTables['program']): Promise<Save | undefined> {
  for (const name of [`${program}-legacy-save`, `${program}-save`] as const) {
    const { exitCode, stdout } = await run(name, ['--version']);
    if (exitCode === 0 && (name.includes('-legacy-') || stdout.includes('(legacy)'))) {
      return (table) => run(name, ['-t', table]);
    }
  }
  return undefined;
}
