import { canonicalAddress, cidrText, parseCidr } from '../net/address.ts';
import { type Family, protocols } from '../net/network.ts';
import type { Expression, Statement } from '../nft/ruleset.ts';
import { parseBits, parsePorts, parseProbability, type SavedOption, type SavedRule } from './parse-saved.ts';

/** What a match means depends on besides its own options. */
export interface RuleContext {
  readonly family: Family;
  /** The name of the table. */
  readonly table: string;
  /** The chains of the table, by their names in iptables. */
  readonly chains: Pick<ReadonlySet<string>, 'has'>;
  /** Those of them that do nothing but log. */
  readonly idleChains: ReadonlySet<string>;
  /**
   * How long the lists of `-m recent` keep an address, in seconds, by their names: 0 for no limit, undefined where rules do not
   * agree.
   */
  readonly recentSeconds: ReadonlyMap<string, number | undefined>;
  /** Whether the policy of the rule's own chain, which the kernel calls, is to drop. */
  readonly dropsAtEnd: boolean;
}

/**
 * What one match compares, as statements that must all hold: none for a match that always holds. Undefined for one that is not
 * understood.
 */
type ReadMatch = (options: readonly SavedOption[], context: RuleContext) => readonly Statement[] | undefined;

/** No packet that starts a connection over TCP, UDP or SCTP is matched. */
const never: readonly Statement[] = [{ kind: 'never' }];

/** The matches of a rule; an `uncertain` stands for each that is not understood. */
export function readMatches({ matches }: SavedRule, context: RuleContext): Statement[] {
  return matches.flatMap((match): readonly Statement[] => {
    const read = Object.hasOwn(modules, match.module) ? modules[match.module] : undefined;
    return read?.(match.options, context) ?? [{ kind: 'uncertain', text: match.text }];
  });
}

/** The text of each option that a match has, by the names that it may have; undefined if it has others, or one twice. */
type Options<Name extends string> = Readonly<Partial<Record<Name, SavedOption>>>;

function pickOptions<Name extends string>(
  options: readonly SavedOption[],
  names: readonly Name[],
): Options<Name> | undefined {
  const found: Partial<Record<Name, SavedOption>> = {};
  for (const option of options) {
    const name = names.find((one) => `--${one}` === option.name);
    if (name === undefined || found[name]) {
      return undefined;
    }
    found[name] = option;
  }
  return found;
}

/** Each option on its own; undefined if one is not understood. */
function eachOption(
  readOption: (option: SavedOption, context: RuleContext) => readonly Statement[] | undefined,
): ReadMatch {
  return (options, context) => {
    const read = options.map((option) => readOption(option, context));
    return read.every((statements) => statements !== undefined) ? read.flat() : undefined;
  };
}

function singleValue({ values }: SavedOption): string {
  return values.length === 1 ? (values[0] ?? '') : '';
}

/** With `negated` only where it is true. */
function negation({ negated }: SavedOption): { readonly negated?: true } {
  return negated ? { negated } : {};
}

/** Holds always, or never. */
function constant(holds: boolean): readonly Statement[] {
  return holds ? [] : never;
}

const readHeader = eachOption((option, context) => {
  switch (option.name) {
    case '-s':
    case '-d':
      return readRange(option, { kind: 'address', field: option.name === '-s' ? 'saddr' : 'daddr' }, context);
    case '-i':
    case '-o':
      return readInterface(option);
    case '-p':
      return readProtocol(option);
    case '-f':
      // A fragment other than the first, which is no packet of a connection.
      return constant(option.negated);
    case '-c':
      return [];
    default:
      return undefined;
  }
});

/** `10.0.0.0/8`, also with the mask `255.0.0.0`, which must be that of a prefix. */
function readRange(option: SavedOption, left: Expression, { family }: RuleContext): readonly Statement[] | undefined {
  const [address = '', mask] = singleValue(option).split('/');
  const cidr = parseCidr(`${address}/${prefixOf(mask, family) ?? 'none'}`);
  if (cidr?.family !== family) {
    return undefined;
  }
  return cidr.prefix === 0
    ? constant(!option.negated)
    : [{ kind: 'match', left, ...negation(option), right: cidrText(cidr) }];
}

function prefixOf(mask: string | undefined, family: Family): number | undefined {
  if (mask === undefined) {
    return whole[family];
  }
  if (/^\d{1,3}$/.test(mask)) {
    return Number(mask);
  }
  const canonical = canonicalAddress(mask);
  const all = family === 'ip' ? '255.255.255.255' : 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff';
  const lengths = Array.from({ length: whole[family] + 1 }, (_, length) => length);
  return lengths.find((length) => canonical === parseCidr(`${all}/${length}`)?.address);
}

/** The prefix length of a single address. */
const whole: Readonly<Record<Family, number>> = { ip: 32, ip6: 128 };

/** In iptables a trailing `+` makes a name a prefix, in nft's words `*` does. */
function readInterface(option: SavedOption): readonly Statement[] | undefined {
  const value = singleValue(option);
  if (value === '' || value.includes('*')) {
    return undefined;
  }
  if (value === '+') {
    return constant(!option.negated);
  }
  const name = value.replace(/\+$/, '*');
  return option.name === '-i'
    ? [{ kind: 'match', left: { kind: 'iifname' }, ...negation(option), right: name }]
    : [{ kind: 'match-oifname', name, ...negation(option) }];
}

const protocolNumbers: Readonly<Record<string, string>> = { 6: 'tcp', 17: 'udp', 132: 'sctp', 0: 'all', ip: 'all' };

function readProtocol(option: SavedOption): readonly Statement[] | undefined {
  const value = singleValue(option);
  const name = protocolNumbers[value] ?? value;
  if (value === '') {
    return undefined;
  }
  if (name === 'all') {
    return constant(!option.negated);
  }
  const isKnown = protocols.some((protocol) => protocol === name);
  return isKnown
    ? [{ kind: 'match', left: { kind: 'l4proto' }, ...negation(option), right: name }]
    : constant(option.negated);
}

/** `--dport 80`, `--dport 8000:9000`; the source port of a client is not known. */
const readPorts = eachOption((option) => {
  switch (option.name) {
    case '--dport':
      return portsOf(option, [singleValue(option)]);
    case '--tcp-flags':
      return readFlags(option);
    case '--sport':
      return [{ kind: 'uncertain', text: `${option.negated ? '! ' : ''}--sport ${singleValue(option)}` }];
    case '--syn':
      return constant(!option.negated);
    default:
      return undefined;
  }
});

const readMultiport = eachOption((option) => {
  return option.name === '--dports' || option.name === '--dport'
    ? portsOf(option, singleValue(option).split(','))
    : undefined;
});

function portsOf(
  option: SavedOption,
  texts: readonly string[],
  port: 'destination' | 'original' = 'destination',
): readonly Statement[] | undefined {
  const ranges = texts.map((text) => parsePorts(text, ':'));
  if (!ranges.every((range) => range !== undefined)) {
    return undefined;
  }
  const [only, ...others] = ranges;
  if (others.length === 0 && only && only[0] === only[1] && !option.negated) {
    const left: Expression = port === 'original' ? { kind: 'ct-original-dport' } : { kind: 'dport', protocol: 'th' };
    return [{ kind: 'match', left, right: only[0] }];
  }
  return [{ kind: 'match-ports', port, ...negation(option), ranges }];
}

/** `--tcp-flags FIN,SYN,RST,ACK SYN`: of these flags, exactly those. A first packet has SYN, and perhaps flags of ECN. */
function readFlags({ values: [of = '', set = '', ...others], negated }: SavedOption): readonly Statement[] | undefined {
  const [mask, flags] = [of.split(','), set.split(',')];
  if (others.length > 0 || set === '' || [...mask, ...flags].some((flag) => !knownFlags.has(flag))) {
    return undefined;
  }
  const isIn = (flag: string, list: readonly string[]): boolean => list.includes(flag) || list.includes('ALL');
  const holds = [...knownFlags].every((flag) => {
    const isSet = isIn(flag, mask) && flag === 'SYN';
    return flag === 'ALL' || flag === 'NONE' || isSet === isIn(flag, flags);
  });
  return constant(holds !== negated);
}

const knownFlags: ReadonlySet<string> = new Set(['SYN', 'ACK', 'FIN', 'RST', 'URG', 'PSH', 'ALL', 'NONE']);

/** Types of addresses that no host has. */
const hostlessTypes: ReadonlySet<string> = new Set(['BROADCAST', 'MULTICAST']);

/** `--dst-type LOCAL`; whether an address is one of an interface is known only for an address that the node does not have. */
const readAddressType: ReadMatch = (options) => {
  const found = pickOptions(options, ['src-type', 'dst-type', 'limit-iface-in', 'limit-iface-out']);
  if (!found) {
    return undefined;
  }
  const isLimited = found['limit-iface-in'] !== undefined || found['limit-iface-out'] !== undefined;
  const read = [found['src-type'], found['dst-type']].map((option): readonly Statement[] | undefined => {
    if (!option) {
      return [];
    }
    const types = singleValue(option).split(',');
    if (types.every((type) => hostlessTypes.has(type))) {
      return constant(option.negated);
    }
    if (types.join() !== 'LOCAL' || (isLimited && option.negated)) {
      return undefined;
    }
    const field = option.name === '--src-type' ? 'saddr' : 'daddr';
    const local: Statement = { kind: 'match', left: { kind: 'fib-type', field }, ...negation(option), right: 'local' };
    return isLimited
      ? [local, { kind: 'uncertain', text: `-m addrtype ${option.name} LOCAL of an interface` }]
      : [local];
  });
  return read.every((statements) => statements !== undefined) ? read.flat() : undefined;
};

const readConntrack = eachOption((option, context) => {
  switch (option.name) {
    case '--ctstate':
    case '--state':
      return readStates(option);
    case '--ctdir':
      return singleValue(option) === 'ORIGINAL' || singleValue(option) === 'REPLY'
        ? constant((singleValue(option) === 'ORIGINAL') !== option.negated)
        : undefined;
    case '--ctstatus':
      return readStatus(option);
    case '--ctproto':
      return readProtocol(option);
    case '--ctorigdst':
      return readRange(option, { kind: 'ct-original-daddr' }, context);
    case '--ctorigdstport':
      return portsOf(option, [singleValue(option)], 'original');
    default:
      return undefined;
  }
});

const states: ReadonlySet<string> = new Set(['INVALID', 'NEW', 'ESTABLISHED', 'RELATED', 'UNTRACKED', 'SNAT', 'DNAT']);

/** A first packet is in the state NEW; the states SNAT and DNAT are bits of its connection's status. */
function readStates(option: SavedOption): readonly Statement[] | undefined {
  const listed = singleValue(option).split(',');
  if (!listed.every((state) => states.has(state))) {
    return undefined;
  }
  if (listed.includes('NEW')) {
    return constant(!option.negated);
  }
  const of = (['dnat', 'snat'] as const).filter((status) => listed.includes(status.toUpperCase()));
  return of.length === 0 ? constant(option.negated) : [{ kind: 'match-translated', of, ...negation(option) }];
}

/** A connection has none of these until its reply; CONFIRMED depends on how far the packet has come. */
function readStatus(option: SavedOption): readonly Statement[] | undefined {
  const listed = singleValue(option).split(',');
  const isKnown = listed.every((status) => ['NONE', 'EXPECTED', 'SEEN_REPLY', 'ASSURED'].includes(status));
  return isKnown ? constant(option.negated) : undefined;
}

/** `--mark 0x4000/0x4000`: of the bits of the mask, these are set. */
function readMark(place: 'packet' | 'connection'): ReadMatch {
  return eachOption((option) => {
    const parsed = option.name === '--mark' ? parseBits(singleValue(option)) : undefined;
    if (!parsed) {
      return undefined;
    }
    const { bits, mask } = parsed;
    const isOneBit = bits === mask && (mask & (mask - 1)) === 0 && mask !== 0;
    return place === 'packet' && isOneBit
      ? [{ kind: 'match-mark', mark: mask, ...negation(option) }]
      : [{ kind: 'match-masked', place, mask, bits, ...negation(option) }];
  });
}

/** `--mode random --probability 0.33333333349`; what the nth packet is depends on the ones before. */
const readRandom: ReadMatch = (options) => {
  const found = pickOptions(options, ['mode', 'probability']);
  const share = found?.probability && parseProbability(singleValue(found.probability));
  if (!share || !found?.mode || singleValue(found.mode) !== 'random') {
    return undefined;
  }
  const { numerator, denominator } = share;
  return [
    { kind: 'match-random', numerator: found.probability?.negated ? denominator - numerator : numerator, denominator },
  ];
};

/** `--set` lists the source, `--rcheck` and `--update` look for it, and `--update` lists it again. */
const readRecent: ReadMatch = (options, { recentSeconds, family }) => {
  const found = pickOptions(options, [
    ...(['set', 'rcheck', 'update', 'remove', 'seconds', 'reap'] as const),
    ...(['name', 'mask', 'rsource', 'rdest'] as const),
  ]);
  const action = found?.set ?? found?.rcheck ?? found?.update ?? found?.remove;
  const set = recentListOf(options);
  const seconds = recentSeconds.get(set);
  if (
    !found ||
    !action ||
    seconds === undefined ||
    (found.mask && prefixOf(singleValue(found.mask), family) !== whole[family])
  ) {
    return undefined;
  }
  const key: readonly Expression[] = [{ kind: 'address', field: found.rdest ? 'daddr' : 'saddr' }];
  const listed: Statement = { kind: 'match-set', key, ...negation(action), set };
  const list: Statement = { kind: 'update', set, key, ...(seconds > 0 && { timeoutSeconds: seconds }) };
  switch (action.name) {
    case '--rcheck':
      return [listed];
    case '--set':
      return action.negated ? undefined : [list];
    case '--update':
      return action.negated ? undefined : [listed, list];
    default:
      return action.negated ? undefined : [listed, { kind: 'delete', set, key }];
  }
};

/** The list that `-m recent` is about. */
export function recentListOf(options: readonly SavedOption[]): string {
  const name = options.find((option) => option.name === '--name');
  return name ? singleValue(name) : 'DEFAULT';
}

/** Ports of bridges are not known; packets of the node itself have come in at none. */
const readPhysdev: ReadMatch = (options) => {
  const isKnown = options.every(({ name }) => /^--physdev-(?:in|out|is-in|is-out|is-bridged)$/.test(name));
  const fromNode = options.every(({ negated }) => negated);
  return isKnown ? [{ kind: 'uncertain', text: '-m physdev', fromNode }] : undefined;
};

const readComment = eachOption((option) =>
  option.name === '--comment' ? [{ kind: 'comment', text: singleValue(option) }] : undefined,
);

const isNoSuchProtocol: ReadMatch = () => never;

const modules: Readonly<Record<string, ReadMatch>> = {
  '': readHeader,
  tcp: readPorts,
  udp: readPorts,
  sctp: readPorts,
  multiport: readMultiport,
  addrtype: readAddressType,
  mark: readMark('packet'),
  connmark: readMark('connection'),
  conntrack: readConntrack,
  state: readConntrack,
  statistic: readRandom,
  recent: readRecent,
  comment: readComment,
  physdev: readPhysdev,
  // It counts.
  nfacct: () => [],
  icmp: isNoSuchProtocol,
  icmp6: isNoSuchProtocol,
  ah: isNoSuchProtocol,
  esp: isNoSuchProtocol,
  dccp: isNoSuchProtocol,
  udplite: isNoSuchProtocol,
};
