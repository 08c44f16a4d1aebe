import type { Protocol } from '../net/network.ts';
import type { Statement } from '../nft/ruleset.ts';
import {
  type MaskedBits,
  parseBits,
  parseNatAddress,
  parseNumber,
  parsePorts,
  type SavedOption,
  type SavedRule,
  type SavedTarget,
} from './parse-saved.ts';
import type { RuleContext } from './read-matches.ts';

/**
 * What the target of a rule does: no statement if that changes nothing for a packet, or there is none; an `uncertain` if it is
 * not understood.
 *
 * @param protocol the one that the rule is for, if it is for one.
 */
export function readTarget({ target }: SavedRule, protocol: Protocol | undefined, context: RuleContext): Statement[] {
  if (!target) {
    return [];
  }
  return readKnown(target, protocol, context) ?? [{ kind: 'uncertain', text: target.text, isTarget: true }];
}

function readKnown(target: SavedTarget, protocol: Protocol | undefined, context: RuleContext): Statement[] | undefined {
  const { name, options } = target;
  if (context.chains.has(name)) {
    return readCall(target, context);
  }
  if (hasNoEffect(name)) {
    return [];
  }
  return hasOnly(options, ownOptions.get(name)) ? readBuiltIn(target, protocol, context) : undefined;
}

/** Behind the chain of a goto comes the policy, which is a rule here. */
function readCall({ name, isGoto, options }: SavedTarget, { table, dropsAtEnd }: RuleContext): Statement[] | undefined {
  const isRead = options.length === 0 && !(isGoto && dropsAtEnd);
  return isRead ? [{ kind: isGoto ? 'goto' : 'jump', chain: `${table} ${name}` }] : undefined;
}

function readBuiltIn(
  { name, options }: SavedTarget,
  protocol: Protocol | undefined,
  context: RuleContext,
): Statement[] | undefined {
  switch (name) {
    case 'ACCEPT':
      return [{ kind: 'accept' }];
    case 'DROP':
      return [{ kind: 'drop' }];
    case 'RETURN':
      return [{ kind: context.dropsAtEnd ? 'drop' : 'return' }];
    case 'REJECT':
      return [{ kind: valueNamed(options, '--reject-with') === 'tcp-reset' ? 'tcp-reset' : 'reject' }];
    case 'MASQUERADE':
      return [{ kind: 'masquerade' }];
    case 'DNAT':
      return readDnat(options, protocol, context);
    case 'REDIRECT':
      return readRedirect(options);
    case 'SNAT':
      return readSnat(options, context);
    case 'MARK':
      return readMark(options);
    case 'CONNMARK':
      return readConnectionMark(options);
    case 'CT':
      return options.some((option) => option.name === '--notrack') ? undefined : [];
    default:
      return undefined;
  }
}

/** Whether a target leaves packets as they are. */
export function hasNoEffect(name: string): boolean {
  return withoutEffect.has(name);
}

/** They log, count, or change what no rule here reads, and go on with the next rule. */
const withoutEffect: ReadonlySet<string> = new Set([
  ...['LOG', 'NFLOG', 'ULOG', 'AUDIT', 'TRACE', 'TEE', 'SET', 'LED', 'IDLETIMER', 'RATEEST'],
  ...['CHECKSUM', 'CLASSIFY', 'DSCP', 'ECN', 'HL', 'TCPMSS', 'TCPOPTSTRIP', 'TOS', 'TTL', 'SECMARK', 'CONNSECMARK'],
]);

/** The value of an option that is there once, with one value. */
function valueNamed(options: readonly SavedOption[], name: string): string | undefined {
  const found = options.filter((option) => option.name === name && !option.negated);
  return found.length === 1 && found[0]?.values.length === 1 ? found[0].values[0] : undefined;
}

/** The options of each target that reads them one by one, beside those that only choose a source port or how a range is used. */
const ownOptions: ReadonlyMap<string, readonly string[]> = new Map([
  ['ACCEPT', []],
  ['DROP', []],
  ['RETURN', []],
  ['REJECT', ['--reject-with']],
  ['MASQUERADE', ['--to-ports']],
  ['DNAT', ['--to-destination']],
  ['REDIRECT', ['--to-ports']],
  ['SNAT', ['--to-source']],
]);

/** Whether a target has no other options. In a text written by hand, matches may stand behind the target. */
function hasOnly(options: readonly SavedOption[], names: readonly string[] | undefined): boolean {
  const all = names && [...names, '--random', '--random-fully', '--persistent'];
  return all === undefined || options.every(({ name }) => all.includes(name));
}

function readDnat(
  options: readonly SavedOption[],
  protocol: Protocol | undefined,
  { family }: RuleContext,
): Statement[] | undefined {
  const to = parseNatAddress(valueNamed(options, '--to-destination') ?? '', family);
  if (!to) {
    return undefined;
  }
  const { address, port } = to;
  return protocol !== undefined && address !== undefined && port !== undefined
    ? [{ kind: 'dnat', protocol, address, port }]
    : [{ kind: 'translate', ...to }];
}

function readRedirect(options: readonly SavedOption[]): Statement[] | undefined {
  if (!options.some(({ name }) => name === '--to-ports')) {
    return [{ kind: 'redirect' }];
  }
  const [port, last] = parsePorts(valueNamed(options, '--to-ports') ?? '', '-') ?? [];
  return port === undefined || port !== last ? undefined : [{ kind: 'redirect', port }];
}

/** The source port, and one of several addresses, make no difference to where the packet goes. */
function readSnat(options: readonly SavedOption[], { family }: RuleContext): Statement[] | undefined {
  const [first = ''] = (valueNamed(options, '--to-source') ?? '').split('-');
  const to = parseNatAddress(first, family);
  return to?.address === undefined ? undefined : [{ kind: 'snat', address: to.address }];
}

function readMark(options: readonly SavedOption[]): Statement[] | undefined {
  const written = readWritten(options);
  if (!written) {
    return undefined;
  }
  const { bits, mask } = written;
  if (mask === 0 || mask === bits) {
    return bits === 0 ? [] : [{ kind: 'set-mark', operator: mask === 0 ? 'xor' : 'or', mark: bits }];
  }
  return [{ kind: 'write-mark', place: 'packet', mask, bits }];
}

/** The bits that are cleared, and those that are flipped then. iptables-save prints all of them as `--set-xmark`. */
function readWritten(options: readonly SavedOption[]): MaskedBits | undefined {
  const [option, ...others] = options;
  const given = option && others.length === 0 ? parseBits(valueNamed(options, option.name) ?? '') : undefined;
  if (!given) {
    return undefined;
  }
  const { bits, mask } = given;
  switch (option?.name) {
    case '--set-xmark':
      return given;
    case '--set-mark':
      return { bits, mask: (mask | bits) >>> 0 };
    case '--or-mark':
      return { bits, mask: bits };
    case '--and-mark':
      return { bits: 0, mask: ~bits >>> 0 };
    case '--xor-mark':
      return { bits, mask: 0 };
    default:
      return undefined;
  }
}

/** `--save-mark` copies the packet's mark to the connection, `--restore-mark` that of the connection to the packet. */
function readConnectionMark(options: readonly SavedOption[]): Statement[] | undefined {
  const copy = options.find(({ name }) => name === '--save-mark' || name === '--restore-mark');
  if (!copy) {
    const written = readWritten(options);
    return written && [{ kind: 'write-mark', place: 'connection', ...written }];
  }
  const maskOf = (name: string): number | undefined => {
    const value = options.some((option) => option.name === name) ? valueNamed(options, name) : '0xffffffff';
    return parseNumber(value ?? '');
  };
  const both = maskOf('--mask');
  const [packetMask, connectionMask] = [maskOf('--nfmask'), maskOf('--ctmask')];
  if (both === undefined || packetMask === undefined || connectionMask === undefined) {
    return undefined;
  }
  const [ofPacket, ofConnection] = [(packetMask & both) >>> 0, (connectionMask & both) >>> 0];
  return copy.name === '--save-mark'
    ? [{ kind: 'copy-mark', to: 'connection', fromMask: ofPacket, toMask: ofConnection }]
    : [{ kind: 'copy-mark', to: 'packet', fromMask: ofConnection, toMask: ofPacket }];
}
