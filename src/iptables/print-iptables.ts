import { invariant } from '../lib/invariant.ts';
import { endpointText, type Family } from '../net/network.ts';
import type {
  BuiltInJump,
  InterfaceMatch,
  IptablesChain,
  IptablesMatch,
  IptablesRule,
  IptablesRuleset,
  IptablesTable,
  IptablesTarget,
} from './iptables-ruleset.ts';

/** What is printed besides the chains. */
export interface PrintIptablesOptions {
  /** Lines at the top, without the `#`. */
  readonly heading: readonly string[];
  /** Whether to print the jumps from built-in chains, which a text that is loaded again would add again. */
  readonly jumps: boolean;
}

/**
 * The text for `iptables-restore --noflush`, or `ip6tables-restore --noflush`: a transaction for each table, which replaces
 * the chains of svc2nft and leaves all others alone. Rules are written as iptables-save of iptables 1.8 prints them.
 *
 * @throws Error for a name or text that iptables would not read in its place, which is a bug of the caller.
 */
export function printIptables({ family, tables }: IptablesRuleset, { heading, jumps }: PrintIptablesOptions): string {
  const lines = [
    ...heading.map((line) => `# ${line}`),
    ...tables.flatMap((table) => printTable(jumps ? table : { ...table, jumps: [] }, family)),
  ];
  return `${lines.join('\n')}\n`;
}

function printTable({ name, jumps, chains }: IptablesTable, family: Family): string[] {
  return [
    `*${name}`,
    // With --noflush, a chain is created, or flushed if it exists.
    ...chains.map((chain) => `:${chainName(chain.name)} - [0:0]`),
    ...jumps.map((jump, index) => printJump(jump, jumps.slice(0, index), family)),
    ...chains.flatMap((chain) => printChain(chain, family)),
    'COMMIT',
  ];
}

/** `-I FORWARD 2 ...`: after those of svc2nft, and ahead of all others. */
function printJump({ from, rule }: BuiltInJump, before: readonly BuiltInJump[], family: Family): string {
  const place = 1 + before.filter((other) => other.from === from).length;
  return `-I ${from} ${place} ${printIptablesRule(rule, family)}`;
}

function printChain({ name, rules }: IptablesChain, family: Family): string[] {
  const start = `-A ${chainName(name)} `;
  return rules.map((rule) => start + printIptablesRule(rule, family));
}

/** The comment on each jump from a built-in chain, by which it is known again. */
export const jumpComment = 'Kubernetes Services';

/** A rule without its chain: `-d 10.96.0.10/32 -p tcp -m tcp --dport 80 -j SVC2NFT-SVC-4N6MUXDCMWU4TGRK`. */
export function printIptablesRule(rule: IptablesRule, family: Family): string {
  const { source, destination, inInterface, protocol, port, matches, comment, target } = rule;
  let text = '';
  if (source) {
    text += `${not(source)}-s ${withPrefix(source.range)} `;
  }
  if (destination) {
    text += `${not(destination)}-d ${withPrefix(destination.range)} `;
  }
  if (inInterface) {
    text += `${not(inInterface)}-i ${interfaceText(inInterface)} `;
  }
  if (protocol) {
    text += `-p ${protocol} `;
  }
  if (port !== undefined) {
    text += `-m ${protocol} --dport ${typeof port === 'number' ? port : port.join(':')} `;
  }
  for (const match of matches ?? []) {
    text += `${printMatch(match, family)} `;
  }
  if (comment !== undefined) {
    text += `-m comment --comment "${checkedComment(comment)}" `;
  }
  return text + printTarget(target, family);
}

function not({ negated }: { readonly negated?: boolean }): string {
  return negated ? '! ' : '';
}

function printMatch(match: IptablesMatch, family: Family): string {
  switch (match.kind) {
    case 'local-address':
      return `-m addrtype --${match.field}-type LOCAL`;
    case 'state':
      return `-m conntrack ${not(match)}--ctstate ${match.states}`;
    case 'mark':
      return `-m mark ${not(match)}--mark ${maskedMark(match.mark, match.mark)}`;
    case 'random':
      return `-m statistic --mode random --probability ${probabilityText(match.outOf)}`;
    case 'list-source':
      return `-m recent --set ${recentList(match.list, family)}`;
    case 'listed-source': {
      // --reap forgets those that are older, so that they take no place in the list.
      const action = match.updates ? '--update' : '--rcheck';
      return `-m recent ${action} --seconds ${match.seconds} --reap ${recentList(match.list, family)}`;
    }
  }
}

/** The whole source address identifies a client. */
function recentList(list: string, family: Family): string {
  const mask = family === 'ip' ? '255.255.255.255' : 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff';
  return `--name ${chainName(list)} --mask ${mask} --rsource`;
}

function printTarget(target: IptablesTarget, family: Family): string {
  switch (target.kind) {
    case 'jump':
      return `-j ${chainName(target.chain)}`;
    case 'goto':
      return `-g ${chainName(target.chain)}`;
    case 'return':
      return '-j RETURN';
    case 'accept':
      return '-j ACCEPT';
    case 'drop':
      return '-j DROP';
    case 'masquerade':
      return '-j MASQUERADE --random-fully';
    case 'reject': {
      const unreachable = family === 'ip' ? 'icmp-port-unreachable' : 'icmp6-port-unreachable';
      return `-j REJECT --reject-with ${target.with === 'tcp-reset' ? 'tcp-reset' : unreachable}`;
    }
    case 'dnat':
      return `-j DNAT --to-destination ${endpointText(target.to)}`;
    case 'set-mark':
      return `-j MARK --set-xmark ${maskedMark(target.mark, target.operator === 'or' ? target.mark : 0)}`;
  }
}

/** The kernel replaces the bits of the mask by zeros, then flips those of the mark. */
function maskedMark(mark: number, mask: number): string {
  return `0x${mark.toString(16)}/0x${mask.toString(16)}`;
}

/**
 * One in `outOf`, as iptables-save prints it. The kernel compares 31 random bits with a number, so the text is that of the
 * nearest such number: 11 digits are enough to read the same number from it (libxt_statistic).
 */
export function probabilityText(outOf: number): string {
  return (Math.round(2 ** 31 / outOf) / 2 ** 31).toFixed(11);
}

function withPrefix(range: string): string {
  invariant(/^[0-9a-f.:/]+$/.test(range), 'not a range of addresses');
  return range.includes('/') ? range : `${range}/${range.includes(':') ? 128 : 32}`;
}

/** A name has 15 bytes at most, so a prefix that long is the whole name, and iptables has no room for its plus sign. */
function interfaceText({ name, prefix }: InterfaceMatch): string {
  invariant(/^[A-Za-z0-9_.@+-]{1,15}$/.test(name), 'not the name of an interface');
  return prefix && name.length < 15 ? `${name}+` : name;
}

/** iptables refuses names of 29 bytes and more. */
function chainName(name: string): string {
  invariant(/^SVC2NFT-[A-Z0-9-]{1,20}$/.test(name), 'not the name of a chain');
  return name;
}

/** iptables refuses comments of 256 bytes and more. */
function checkedComment(comment: string): string {
  invariant(/^[A-Za-z0-9 ._:/>[\]-]{1,255}$/.test(comment), 'not a comment');
  return comment;
}
