import type { Diagnostic } from '../diagnostics/diagnostic.ts';
import { listWords } from '../lib/text.ts';
import { describeValue, isMapping } from '../lib/unknown-values.ts';
import { type Cidr, parseAddress, parseCidr } from '../net/address.ts';
import type { CompileOptions, IptablesOptions } from '../options.ts';

/**
 * Diagnostics for invalid options of a calling program. Those of the command line and of configuration files were checked
 * when they were read. Some end up in nft text, so none are trusted.
 */
export function checkOptions(options: CompileOptions): Diagnostic[] {
  const mistyped = optionNames.filter((name) => options[name] !== undefined && !isTyped(options[name], name));
  if (mistyped.length > 0) {
    return mistyped.map((name) => invalidOption(name, `${describeValue(options[name])} has the wrong type`));
  }
  return problemsOf(options).flatMap(([name, problem]) =>
    problem === undefined ? [] : [invalidOption(name, problem)],
  );
}

function invalidOption(name: keyof CompileOptions, problem: string): Diagnostic {
  return { code: 'invalid-option', message: `${name}: ${problem}` };
}

/** Programs in JavaScript have no compiler to check this. */
function isTyped(value: unknown, name: keyof CompileOptions): boolean {
  const type = optionTypes[name];
  switch (type) {
    case 'texts':
      return Array.isArray(value) && value.every((entry) => typeof entry === 'string');
    case 'iptables':
      return isMapping(value) && Object.entries(value).every(([key, one]) => hasIptablesType(key, one));
    default:
      return typeof value === type;
  }
}

function hasIptablesType(key: string, value: unknown): boolean {
  const type = Object.hasOwn(iptablesTypes, key) ? iptablesTypes[key as keyof IptablesOptions] : undefined;
  return type !== undefined && (value === undefined || typeof value === type);
}

const iptablesTypes: Readonly<Record<keyof IptablesOptions, 'number' | 'boolean'>> = {
  masqueradeAll: 'boolean',
  masqueradeBit: 'number',
  localhostNodePorts: 'boolean',
};

const optionTypes: Readonly<Record<keyof CompileOptions, 'string' | 'number' | 'boolean' | 'texts' | 'iptables'>> = {
  nodeName: 'string',
  nodeAddresses: 'texts',
  bindAddress: 'string',
  zone: 'string',
  families: 'texts',
  table: 'string',
  detectLocalMode: 'string',
  clusterCIDRs: 'texts',
  detectLocalInterface: 'string',
  nodePortAddresses: 'texts',
  masqueradeAll: 'boolean',
  allowServiceExternalIPs: 'boolean',
  localhostNodePorts: 'boolean',
  masqueradeBit: 'number',
  iptables: 'iptables',
  counters: 'boolean',
  keepGoing: 'boolean',
  strict: 'boolean',
  targetNft: 'string',
};

const optionNames = Object.keys(optionTypes) as (keyof CompileOptions)[];

function problemsOf(options: CompileOptions): [keyof CompileOptions, string | undefined][] {
  const { nodeName, bindAddress, masqueradeBit, detectLocalMode, detectLocalInterface } = options;
  const isInterfaceMode = detectLocalMode === 'BridgeInterface' || detectLocalMode === 'InterfaceNamePrefix';
  const iptablesBit = options.iptables?.masqueradeBit;
  return [
    ['nodeName', nodeName === undefined ? undefined : nodeNameProblem(nodeName)],
    ['bindAddress', bindAddress === undefined ? undefined : addressProblem(bindAddress)],
    ['nodeAddresses', firstProblem(options.nodeAddresses, addressProblem)],
    ['clusterCIDRs', firstProblem(options.clusterCIDRs, cidrProblem)],
    ['families', familiesProblem(options.families)],
    ['detectLocalMode', wordProblem(detectLocalMode, detectLocalModes)],
    ['targetNft', wordProblem(options.targetNft, nftVersions)],
    ['nodePortAddresses', firstProblem(options.nodePortAddresses, nodePortAddressProblem)],
    ['table', tableNameProblem(options.table)],
    ['detectLocalInterface', isInterfaceMode ? interfaceNameProblem(detectLocalInterface) : undefined],
    ['masqueradeBit', markBitProblem(masqueradeBit)],
    ['iptables', iptablesBit === undefined ? undefined : markBitProblem(iptablesBit)],
  ];
}

const nftVersions = ['1.0.6', '1.1.3'];

function familiesProblem(families: readonly string[]): string | undefined {
  const isEach = families.every((family) => family === 'ip' || family === 'ip6');
  const isOnce = families.length > 0 && new Set(families).size === families.length;
  return isEach && isOnce ? undefined : 'expected ip, ip6 or both, each once';
}

function wordProblem(word: string, possible: readonly string[]): string | undefined {
  return possible.includes(word) ? undefined : `${describeValue(word)} is not one of ${listWords(possible)}`;
}

function firstProblem(texts: readonly string[], problemOf: (text: string) => string | undefined): string | undefined {
  return texts.map(problemOf).find((problem) => problem !== undefined);
}

/** KubeProxyConfiguration.detectLocalMode. */
export const detectLocalModes = ['ClusterCIDR', 'NodeCIDR', 'BridgeInterface', 'InterfaceNamePrefix'] as const;

/** What is wrong with the number of a bit in the packet mark (KubeProxyConfiguration.nftables.masqueradeBit), or undefined. */
export function markBitProblem(value: number): string | undefined {
  return Number.isInteger(value) && value >= 0 && value <= 31
    ? undefined
    : `${value} is not a bit of the packet mark; expected 0 to 31`;
}

/** Keywords of KubeProxyConfiguration.nodePortAddresses. */
const addressKeywords = ['primary', 'localhost', 'all'];

/** What is wrong with an address, or undefined. Flags and configuration share these checks and messages. */
export function addressProblem(text: string): string | undefined {
  return parseAddress(text) ? undefined : `${describeValue(text)} is not a valid IP address`;
}

/** What is wrong with an `address/prefix`, or undefined. */
function cidrProblem(text: string): string | undefined {
  return parseCidr(text)
    ? undefined
    : `${describeValue(text)} is not a valid CIDR; expected one such as 10.244.0.0/16 or fd00:10:244::/56`;
}

/** What is wrong with a list of cluster CIDRs, or undefined: at most one for each family (clusterCIDR). */
export function clusterCIDRsProblem(texts: readonly string[]): string | undefined {
  const problem = texts.map(cidrProblem).find((found) => found !== undefined);
  if (problem !== undefined) {
    return problem;
  }
  const families = texts.flatMap((text) => parseCidr(text) ?? []).map((cidr: Cidr) => cidr.family);
  return new Set(families).size < families.length
    ? `${describeValue(texts.join(','))} has two CIDRs of one family; give at most one each for IPv4 and IPv6`
    : undefined;
}

/** What is wrong with an entry of nodePortAddresses, or undefined: a CIDR or one of the keywords. */
export function nodePortAddressProblem(text: string): string | undefined {
  if (addressKeywords.includes(text) || parseCidr(text)) {
    return undefined;
  }
  return `${describeValue(text)} is neither a CIDR nor one of ${listWords(addressKeywords)}`;
}

/** What is wrong with the name of a network interface, or the start of one, or undefined. Linux allows 15 bytes. */
export function interfaceNameProblem(text: string): string | undefined {
  if (/^[A-Za-z0-9_.@+-]{1,15}$/.test(text) && text !== '.' && text !== '..') {
    return undefined;
  }
  return `${describeValue(text)} is not a valid interface name; expected 1 to 15 letters, digits or _ . @ + -`;
}

/** What is wrong with the name of an nft table, or undefined. Shorter than nft's limit, for names derived from it. */
export function tableNameProblem(text: string): string | undefined {
  if (nftWords.has(text)) {
    return `${describeValue(text)} is a reserved word of nft, so it cannot be the name of a table`;
  }
  if (/^[A-Za-z][A-Za-z0-9_.-]{0,30}$/.test(text)) {
    return undefined;
  }
  return `${describeValue(text)} is not a valid table name; expected a letter, then up to 30 letters, digits or _ . -`;
}

/**
 * Words that nft 1.0.6 or 1.1.3 refuses as the name of a table, in one command or another: in others they are keywords.
 * `hooks`, for example, can be created but not listed. nft accepts its other keywords as names, such as `hash`.
 */
const nftWords: ReadonlySet<string> = new Set(
  `accept add ah all arp auto-merge bridge cgroup chain chains comment comp constant continue counter counters cpu
  create ct day dccp define delete describe destroy device devices dnat drop dst dup dynamic ecn element elements esp
  ether exists expires export exthdr fib flags flow flowtable flowtables flush frag fwd gc-interval geneve get goto
  gre gretap handle hbh hook hooks hour ibriport ibrname icmp icmpv6 igmp iif iifgroup iifname iiftype import include
  index inet insert interval ip ip6 ipsec jhash jump limit limits list log map maps mark masquerade meta meter meters
  mh missing monitor netdev nftrace notrack numgen obriport obrname offload oif oifgroup oifname oiftype or osf
  pkttype policy position priority queue quota quotas random redefine redirect reject rename replace reset return rt
  rt0 rt2 rtclassid rule rules ruleset sctp secmark secmarks set sets size skgid skuid snat socket srh symhash
  synproxy synproxys table tables tcp th time timeout tproxy type typeof udp udplite undefine update vlan vmap vni
  vxlan xt`.split(/\s+/),
);

/** What is wrong with the name of a Node, or undefined: a DNS subdomain (RFC 1123), at most 253 characters. */
export function nodeNameProblem(text: string): string | undefined {
  if (text.length <= 253 && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(text)) {
    return undefined;
  }
  return `${describeValue(text)} is not a valid node name; expected lowercase letters, digits, - and .`;
}
