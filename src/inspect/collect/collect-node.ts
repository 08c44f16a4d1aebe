import { isNftError, type NftError } from '../../kernel/nft-error.ts';
import type { Program, ProgramResult, RunProgram } from '../../kernel/run-program.ts';
import { isMapping, type Mapping } from '../../lib/unknown-values.ts';
import { canonicalAddress, isLoopback } from '../../net/address.ts';
import type { ChainFact } from '../doctor/facts.ts';
import { listChains } from '../doctor/gather-facts.ts';
import type { CollectedDetails, CollectedNode } from './collected-node.ts';
import { readConfigz } from './read-configz.ts';

/** How a node is looked at. */
export interface CollectInstruments {
  readonly run: RunProgram;
  /** A file of /proc, as text; undefined if it does not exist or may not be read. */
  readonly readText: (path: string) => Promise<string | undefined>;
  /** What kube-proxy answers at a path, such as `/proxyMode`; undefined if it does not answer with status 200. */
  readonly askKubeProxy: (path: string) => Promise<string | undefined>;
}

/** What is collected. */
export interface CollectOptions {
  /** The name of the Node, if it is given. */
  readonly node: string | undefined;
  readonly hostName: string;
  /** The addresses of the machine, where no program tells them. */
  readonly addresses: readonly string[];
  /** The names of the nft tables to read. */
  readonly tables: readonly string[];
  /** Whether tables of other programs are read as well. */
  readonly allTables: boolean;
}

/** Everything that `svc2nft collect` prints, but for the version of svc2nft and the time. */
export interface Collected {
  readonly collected: CollectedNode;
  readonly details: Pick<CollectedDetails, 'versions' | 'settings' | 'otherTables' | 'network'>;
}

/** In milliseconds, of programs that list rules. A table with a million endpoints takes less than a minute on a fast machine. */
const longestListing = 300_000;

/** In characters, of one program; and of all together, so that the file is short enough to be read. */
const [largestOutput, largestFile] = [200_000_000, 400_000_000];

/** What is known so far. */
interface Collecting {
  readonly instruments: CollectInstruments;
  readonly outputs: Record<string, string>;
  readonly missing: string[];
  size: number;
}

/** What a node has: rules, addresses, settings, and what kube-proxy tells of itself. Changes nothing, and reads no secrets. */
export async function collectNode(instruments: CollectInstruments, options: CollectOptions): Promise<Collected> {
  const collecting: Collecting = { instruments, outputs: {}, missing: [], size: 0 };
  const kubeProxy = await readKubeProxy(instruments);
  const versions = await readVersions(collecting);
  const chains = await listChains(instruments.run);
  const otherTables = await readNftTables(chains, options, collecting);
  await readIptables(chains, collecting);
  const network = await readNetwork(collecting);
  const { outputs, missing } = collecting;
  const { hostnameOverride } = kubeProxy.configuration ?? {};
  const name = typeof hostnameOverride === 'string' ? hostnameOverride : options.hostName;
  return {
    collected: {
      node: options.node ?? name.trim().toLowerCase(),
      addresses: addressesIn(network['interfaces']) ?? options.addresses,
      missing,
      kubeProxy,
      outputs,
    },
    details: {
      versions,
      settings: await readSettings(instruments),
      otherTables: withoutCollected(otherTables, outputs),
      network,
    },
  };
}

async function readKubeProxy({ askKubeProxy }: CollectInstruments): Promise<CollectedNode['kubeProxy']> {
  const mode = (await askKubeProxy('/proxyMode'))?.trim();
  const configuration = readConfigz(await askKubeProxy('/configz'));
  return {
    ...(mode && /^[a-z]{1,20}$/.test(mode) && { mode }),
    ...(configuration && { configuration }),
  };
}

async function readVersions({ instruments: { run, readText } }: Collecting): Promise<Record<string, string>> {
  const versions: Record<string, string> = {};
  const kernel = await readText('/proc/sys/kernel/osrelease');
  if (kernel !== undefined) {
    versions['kernel'] = kernel.trim();
  }
  for (const [name, program] of [
    ['nft', 'nft'],
    ['iptables', 'iptables-save'],
  ] as const) {
    const { exitCode, stdout } = await run(program, ['--version']);
    if (exitCode === 0) {
      versions[name] = firstLine(stdout);
    }
  }
  return versions;
}

/** The chains of all tables of nft. */
type Chains = readonly ChainFact[] | NftError;

/** Reads tables, and names the others. */
async function readNftTables(
  chains: Chains,
  { tables, allTables }: CollectOptions,
  collecting: Collecting,
): Promise<Record<string, string[]>> {
  if (isNftError(chains)) {
    collecting.missing.push(`rules of nft: ${[chains.kind, ...chains.said.slice(0, 1)].join(': ')}`);
    return {};
  }
  const others: Record<string, string[]> = {};
  const known = new Map(chains.map(({ family, table }) => [`${family} ${table}`, { family, table }]));
  for (const [name, { family, table }] of known) {
    const isWanted = allTables || (tables.includes(table) && (family === 'ip' || family === 'ip6'));
    if (!isWanted || !(await collectOutput(['nft', '-n', 'list', 'table', family, table], collecting))) {
      others[name] = chains.filter((chain) => chain.family === family && chain.table === table).flatMap(describeBase);
    }
  }
  return others;
}

/** Without the tables that iptables-save has printed. */
function withoutCollected(
  tables: Record<string, readonly string[]>,
  outputs: CollectedNode['outputs'],
): Record<string, readonly string[]> {
  const printed = (family: string): string =>
    outputs[family === 'ip' ? 'iptables-nft-save' : 'ip6tables-nft-save'] ?? '';
  return Object.fromEntries(
    Object.entries(tables).filter(([name]) => {
      const [family = '', table = ''] = name.split(' ');
      return !printed(family).includes(`\n*${table}\n`);
    }),
  );
}

/** A base chain in nft's words; nothing for any other chain. */
function describeBase({ name, type, hook, priority, policy }: ChainFact): string[] {
  return hook === undefined
    ? []
    : [`${name}: type ${type} hook ${hook} priority ${priority}${policy === undefined ? '' : `, policy ${policy}`}`];
}

const iptables = [
  { program: 'iptables', family: 'ip', legacyTables: '/proc/net/ip_tables_names' },
  { program: 'ip6tables', family: 'ip6', legacyTables: '/proc/net/ip6_tables_names' },
] as const;

/** Reads the rules of both variants of iptables. */
async function readIptables(chains: Chains, collecting: Collecting): Promise<void> {
  const { run, readText } = collecting.instruments;
  for (const { program, family, legacyTables } of iptables) {
    const { exitCode, stdout } = await run(`${program}-save`, ['--version']);
    const isNft = exitCode === 0 && stdout.includes('(nf_tables)');
    const plain = exitCode === 0 ? ([`${program}-save`] as const) : [];
    const isInstalled = await collectFirst([`${program}-nft-save`, ...(isNft ? plain : [])], collecting);
    if (!isInstalled && mayHaveRules(chains, family)) {
      collecting.missing.push(`rules of ${program}: ${program}-nft-save is not installed`);
    }
    // For tables that are not in use, the program would load a kernel module.
    const isInUse = (await readText(legacyTables))?.trim();
    if (isInUse && !(await collectFirst([`${program}-legacy-save`, ...(isNft ? [] : plain)], collecting))) {
      collecting.missing.push(`legacy rules of ${program}: ${program}-legacy-save is not installed`);
    }
  }
}

/** Whether tables of nft may be those of iptables. */
function mayHaveRules(chains: Chains, family: string): boolean {
  const names = ['raw', 'mangle', 'nat', 'filter', 'security'];
  return isNftError(chains) || chains.some((chain) => chain.family === family && names.includes(chain.table));
}

/** Reads rules with the first program that is installed; false if none is. */
async function collectFirst(programs: readonly Program[], collecting: Collecting): Promise<boolean> {
  for (const program of programs) {
    if ((await collectOutput([program], collecting, withoutTimes)) !== 'missing') {
      return true;
    }
  }
  return false;
}

/** Without what differs from one time to the next although the rules are the same: the date, and counters of base chains. */
function withoutTimes(text: string): string {
  return text
    .replace(/^(# Generated by \S+ v[\w.-]+(?: \(\w+\))?) on .*$/gm, '$1')
    .replace(/^# Completed on .*\n/gm, '')
    .replace(/^(:\S+ [A-Z-]+) \[\d+:\d+\]$/gm, '$1 [0:0]');
}

/** Keeps what a program prints; false where that is nothing. Says what is missing where it fails. */
async function collectOutput(
  [program, ...args]: readonly [Program, ...string[]],
  collecting: Collecting,
  edit: (text: string) => string = (text) => text,
): Promise<boolean | 'missing'> {
  const { instruments, outputs, missing } = collecting;
  const command = [program, ...args].join(' ');
  const largest = Math.min(largestOutput, largestFile - collecting.size);
  const result = await instruments.run(program, args, undefined, { longest: longestListing, largest });
  if (result.exitCode !== 0) {
    if (result.missing) {
      return 'missing';
    }
    missing.push(`${command}: ${describeFailure(result)}`);
    return false;
  }
  const text = edit(result.stdout);
  collecting.size += text.length;
  if (text !== '') {
    outputs[command] = text;
  }
  return text !== '';
}

function describeFailure({ timedOut, denied, stderr, exitCode, signal }: ProgramResult): string {
  if (timedOut !== undefined) {
    return `it took longer than ${timedOut / 1000} s`;
  }
  const end = signal === undefined ? `exit code ${exitCode ?? 'unknown'}` : `ended by ${signal}`;
  return denied ? 'it may not be executed' : firstLine(stderr) || end;
}

function firstLine(text: string): string {
  return text.trimStart().split('\n', 1)[0]?.slice(0, 200) ?? '';
}

/** Interfaces with addresses, routes and rules, by name. */
const networkCommands: Readonly<Record<string, readonly string[]>> = {
  interfaces: ['-j', 'address'],
  rules: ['-j', 'rule'],
  rules6: ['-6', '-j', 'rule'],
  routes: ['-j', 'route', 'show', 'table', 'all'],
  routes6: ['-6', '-j', 'route', 'show', 'table', 'all'],
};

/** In characters. Nodes that speak BGP may have a million routes. */
const largestNetwork = 20_000_000;

async function readNetwork({ instruments: { run }, missing }: Collecting): Promise<Record<string, unknown>> {
  const network: Record<string, unknown> = {};
  for (const [name, args] of Object.entries(networkCommands)) {
    const result = await run('ip', args, undefined, { largest: largestNetwork });
    const value = result.exitCode === 0 ? parseJson(result.stdout) : undefined;
    if (result.missing) {
      missing.push('interfaces, routes and rules: ip is not installed');
      break;
    }
    if (value === undefined) {
      missing.push(`ip ${args.join(' ')}: ${result.exitCode === 0 ? 'it printed no JSON' : describeFailure(result)}`);
    } else {
      network[name] = withoutLifetimes(value);
    }
  }
  return network;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text.trim() || '[]');
  } catch {
    return undefined;
  }
}

/** They count down. */
const lifetimes: ReadonlySet<string> = new Set(['valid_life_time', 'preferred_life_time', 'expires']);

function withoutLifetimes(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(withoutLifetimes);
  }
  return isMapping(value)
    ? Object.fromEntries(
        Object.entries(value).flatMap(([key, part]) => (lifetimes.has(key) ? [] : [[key, withoutLifetimes(part)]])),
      )
    : value;
}

/** The node's own addresses among those of its interfaces; undefined if these are not known. */
function addressesIn(interfaces: unknown): string[] | undefined {
  if (interfaces === undefined) {
    return undefined;
  }
  const infos = listOf(interfaces).flatMap(({ addr_info: list }) => listOf(list));
  const addresses = infos.flatMap(({ local }) => (typeof local === 'string' ? (canonicalAddress(local) ?? []) : []));
  return addresses.filter((address) => !isLoopback(address));
}

function listOf(value: unknown): Mapping[] {
  return Array.isArray(value) ? value.filter(isMapping) : [];
}

/** What rules depend on, or connections; files below /proc/sys. */
const settingPaths = [
  'net/ipv4/ip_forward',
  'net/ipv4/ip_local_port_range',
  'net/ipv4/ip_local_reserved_ports',
  'net/ipv4/ip_nonlocal_bind',
  'net/ipv4/conf/all/route_localnet',
  'net/ipv4/conf/all/rp_filter',
  'net/ipv4/conf/default/rp_filter',
  'net/ipv4/conf/all/src_valid_mark',
  'net/ipv6/conf/all/forwarding',
  'net/bridge/bridge-nf-call-iptables',
  'net/bridge/bridge-nf-call-ip6tables',
  'net/netfilter/nf_conntrack_max',
  'net/netfilter/nf_conntrack_tcp_be_liberal',
  'net/netfilter/nf_conntrack_tcp_timeout_established',
  'net/netfilter/nf_conntrack_tcp_timeout_close_wait',
  'net/netfilter/nf_conntrack_udp_timeout',
  'net/netfilter/nf_conntrack_udp_timeout_stream',
];

/** Settings that the kernel does not have, because a module is not loaded, are left out. */
async function readSettings({ readText }: CollectInstruments): Promise<Record<string, string>> {
  const settings: Record<string, string> = {};
  for (const path of settingPaths) {
    const text = await readText(`/proc/sys/${path}`);
    if (text !== undefined) {
      settings[path.replaceAll('/', '.')] = text.trim().replaceAll('\t', ' ');
    }
  }
  return settings;
}
