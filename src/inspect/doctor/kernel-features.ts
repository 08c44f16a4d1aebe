import { isNftError } from '../../kernel/nft-error.ts';
import { pushTo } from '../../lib/lists.ts';
import { listWords } from '../../lib/text.ts';
import type { Family } from '../../net/network.ts';
import type { Facts, MissingFeature } from './facts.ts';
import { type Judgment, note, ok, problem, warning } from './finding.ts';

/** Something that the rules need from the kernel. */
export interface KernelFeature {
  readonly name: string;
  /** The kernel module that provides it; see docs/nft-errors.md. */
  readonly module: (family: Family) => string;
  /** The contents of a table that tries it, in the shape of the real rules and without the other features. */
  readonly rules: (words: FamilyWords) => readonly string[];
}

/** What differs between the families. */
interface FamilyWords {
  /** How rules name the header: `ip daddr`. */
  readonly ip: Family;
  readonly type: 'ipv4_addr' | 'ipv6_addr';
  readonly address: string;
  readonly range: string;
}

const words: Readonly<Record<Family, FamilyWords>> = {
  ip: { ip: 'ip', type: 'ipv4_addr', address: '192.0.2.1', range: '198.51.100.0/24' },
  ip6: { ip: 'ip6', type: 'ipv6_addr', address: '2001:db8::1', range: '2001:db8:1::/64' },
};

/** All features; the others depend on the first one. */
export const kernelFeatures: readonly KernelFeature[] = [
  {
    name: 'tables and chains',
    module: () => 'nf_tables',
    rules: () => chain('base', 'type filter hook forward priority 0; policy accept;'),
  },
  {
    name: 'chains of type nat',
    module: () => 'nft_chain_nat',
    rules: () => [
      ...chain('nat-prerouting', 'type nat hook prerouting priority -100; policy accept;'),
      ...chain('nat-output', 'type nat hook output priority -100; policy accept;'),
      ...chain('nat-postrouting', 'type nat hook postrouting priority 100; policy accept;'),
    ],
  },
  {
    name: 'verdict maps with concatenated keys',
    module: () => 'nf_tables',
    rules: ({ ip, type }) => [
      ...set('map', 'verdicts', `type ${type} . inet_proto . inet_service : verdict;`),
      ...chain('verdict', `${ip} daddr . meta l4proto . th dport vmap @verdicts`),
    ],
  },
  {
    name: 'ranges in concatenated keys',
    module: () => 'nf_tables',
    rules: ({ ip, type, address, range }) => [
      ...set(
        'set',
        'ranges',
        `type ${type} . inet_proto . inet_service . ${type};`,
        'flags interval;',
        `elements = { ${address} . tcp . 80 . ${range} }`,
      ),
      ...chain('range', `${ip} daddr . meta l4proto . th dport . ${ip} saddr != @ranges drop`),
    ],
  },
  {
    name: 'random numbers (numgen)',
    module: () => 'nft_numgen',
    rules: () => chain('draw', 'meta mark set numgen random mod 2'),
  },
  {
    name: 'destination NAT (dnat)',
    module: () => 'nft_nat',
    rules: ({ ip, type }) => [
      ...set('map', 'endpoints', `type ${type} . inet_service : ${type} . inet_service;`),
      ...chain('translate', `meta l4proto tcp dnat ${ip} to ${ip} daddr . tcp dport map @endpoints`),
    ],
  },
  {
    name: 'sets that rules write to',
    module: () => 'nf_tables',
    rules: ({ ip, type }) => [
      ...set('set', 'pins', `type ${type} . inet_service;`, 'flags dynamic,timeout;', 'size 65535;'),
      ...chain('pin', `meta l4proto tcp update @pins { ${ip} saddr . tcp dport timeout 60s }`),
    ],
  },
  {
    name: 'connection state (ct)',
    module: () => 'nft_ct',
    rules: ({ ip, type }) => [
      ...set('set', 'frontends', `type ${type} . inet_service;`),
      ...chain(
        'connection',
        'ct state new ct status ! dnat accept',
        'ct status ! dnat accept',
        `ct state new ct status dnat meta l4proto tcp ct original ${ip} daddr . ct original proto-dst @frontends accept`,
      ),
    ],
  },
  {
    name: 'address types (fib)',
    module: (family) => (family === 'ip' ? 'nft_fib_ipv4' : 'nft_fib_ipv6'),
    rules: () => chain('local', 'fib daddr type local accept'),
  },
  {
    name: 'masquerade fully-random',
    module: () => 'nft_masq',
    rules: () => chain('masquerading', 'masquerade fully-random'),
  },
  {
    name: 'reject',
    module: (family) => (family === 'ip' ? 'nft_reject_ipv4' : 'nft_reject_ipv6'),
    rules: () => chain('refuse', 'meta l4proto tcp reject with tcp reset', 'reject'),
  },
];

/** A table with the rules of some features, for `nft -f -`. */
export function trialTable(family: Family, features: readonly KernelFeature[]): string {
  const lines = features.flatMap(({ rules }) => rules(words[family]));
  return [`table ${family} trial {`, ...lines, '}', ''].join('\n');
}

function chain(name: string, ...rules: readonly string[]): string[] {
  return [`chain ${name} {`, ...rules, '}'];
}

function set(kind: 'set' | 'map', name: string, ...fields: readonly string[]): string[] {
  return [`${kind} ${name} {`, ...fields, '}'];
}

/** Whether the kernel is new enough. */
export function checkKernel({ nft, files }: Facts): Judgment {
  const release = files.release?.trim();
  if (isNftError(nft) && nft.kind === 'kernel-too-old') {
    return problem(`${nft.said.join(' ')} is too old`, nft.advice);
  }
  if (release === undefined) {
    return note('could not read the kernel version', 'Make sure that the kernel is Linux 5.13 or newer.');
  }
  // probeNft compares the versions, but only if there is an nft.
  return isNftError(nft)
    ? note(`Linux ${release}`, 'Make sure that the kernel is Linux 5.13 or newer.')
    : ok(`Linux ${release}`);
}

/** Whether the kernel accepts each kind of rule, found out by trying. */
export function checkFeatures({ nft, features }: Facts): Judgment {
  if (features.kind === 'not-probed' && isNftError(nft) && ['not-found', 'no-permission'].includes(nft.kind)) {
    return note(`not tried, because ${nft.said.join(' ')}`, nft.advice);
  }
  if (features.kind === 'not-probed') {
    return note(
      `not tried, because no network namespace can be created: ${features.said}`,
      'Run as root on the host, or where `unshare -n` is allowed.',
    );
  }
  const { missing } = features;
  if (missing.length === 0) {
    return ok(`the kernel accepts all ${kernelFeatures.length} kinds of rules, for IPv4 and IPv6`);
  }
  if (missing.every(({ family, feature }) => family === 'ip6' && feature === kernelFeatures[0]?.name)) {
    return warning(
      `the kernel has no nftables for IPv6 (${missing[0]?.said ?? ''})`,
      'Use --family ip, or a kernel with IPv6.',
    );
  }
  return problem(
    `the kernel refuses ${listMissingFeatures(missing)}: ${missing[0]?.said ?? ''}`,
    `Load or install ${listWords([...new Set(missing.map(({ module }) => module))])} (docs/nft-errors.md#modules).`,
  );
}

/** `reject (ip, ip6) and masquerade (ip6)`; often both families lack the same feature. */
function listMissingFeatures(missing: readonly MissingFeature[]): string {
  const families = new Map<string, string[]>();
  for (const { feature, family } of missing) {
    pushTo(families, feature, family);
  }
  return listWords([...families].map(([feature, names]) => `${feature} (${names.join(', ')})`));
}
