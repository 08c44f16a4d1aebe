import type {
  IptablesMatch,
  IptablesRule,
  IptablesRuleset,
  IptablesTable,
} from '../../src/iptables/iptables-ruleset.ts';
import { cidrContains, rangeOf } from '../../src/net/address.ts';
import { endpointText } from '../../src/net/network.ts';
import type { Packet } from '../../src/walk/fate.ts';

/** One way in which the first packet of a connection can go, and how likely it is. */
export interface IptablesOutcome {
  readonly verdict: 'translated' | 'untouched' | 'rejected' | 'dropped';
  readonly rejectedWith: 'tcp-reset' | 'port-unreachable' | undefined;
  /** Its final destination, `10.1.1.1:80`. */
  readonly endpoint: string;
  readonly masqueraded: boolean;
  readonly share: readonly [numerator: bigint, denominator: bigint];
  /** The lists of sources that the packet was put into, or counted in again. */
  readonly lists: readonly string[];
}

/** A packet on its way. */
interface Path extends Packet {
  readonly mark: number;
  readonly isTranslated: boolean;
  readonly masqueraded: boolean;
  readonly rejectedWith?: 'tcp-reset' | 'port-unreachable';
  readonly share: readonly [numerator: bigint, denominator: bigint];
  readonly lists: readonly string[];
  readonly end?: 'accept' | 'drop' | 'reject';
}

interface Walk {
  readonly table: IptablesTable;
  readonly localAddresses: readonly string[];
  /** The lists in which the client is from before. */
  readonly known: ReadonlySet<string>;
}

/**
 * What rules for iptables do with the first packet of a connection: every way in which its walk can end. All policies are
 * accept, and nothing else is in the tables.
 *
 * @param known the lists that hold the source, as an earlier connection has left them.
 */
export function walkIptables(
  { tables }: IptablesRuleset,
  packet: Packet,
  localAddresses: readonly string[],
  known: readonly string[] = [],
): IptablesOutcome[] {
  const isLocal = (address: string): boolean => localAddresses.includes(address) || /^(127\.|::1$)/.test(address);
  const hook = (name: IptablesTable['name'], from: string, paths: readonly Path[]): Path[] => {
    const table = tables.find((one) => one.name === name);
    if (!table) {
      throw new Error(`no table ${name}`);
    }
    const jumps = table.jumps.filter((jump) => jump.from === from).map(({ rule }) => rule);
    const walk = { table, localAddresses, known: new Set(known) };
    return paths.flatMap((path) => (isOver(path) ? [path] : callRules(jumps, path, walk)));
  };
  const start: Path = { ...packet, mark: 0, isTranslated: false, masqueraded: false, share: [1n, 1n], lists: [] };
  const isFromNode = isLocal(packet.source);
  const routed = hook('nat', isFromNode ? 'OUTPUT' : 'PREROUTING', [start]);
  const sent = isFromNode ? hook('filter', 'OUTPUT', routed) : routed;
  const filtered = sent.flatMap((path) => {
    const isForNode = isLocal(path.destination);
    if (isForNode) {
      const over = isFromNode ? hook('nat', 'POSTROUTING', [path]) : [path];
      return hook('filter', 'INPUT', over);
    }
    return hook('nat', 'POSTROUTING', isFromNode ? [path] : hook('filter', 'FORWARD', [path]));
  });
  return filtered.map(outcomeOf);
}

function isOver({ end }: Path): boolean {
  return end === 'drop' || end === 'reject';
}

function outcomeOf(path: Path): IptablesOutcome {
  const { end, isTranslated, destination, port, rejectedWith, share, lists } = path;
  const arrives = isTranslated ? 'translated' : 'untouched';
  const refused = end === 'drop' ? 'dropped' : 'rejected';
  return {
    verdict: isOver(path) ? refused : arrives,
    rejectedWith,
    endpoint: endpointText({ address: destination, port }),
    masqueraded: path.masqueraded,
    share,
    lists,
  };
}

/** The rules of a built-in chain, whose policy is accept. */
function callRules(rules: readonly IptablesRule[], path: Path, walk: Walk): Path[] {
  const { returned, ended } = runRules(rules, path, walk);
  return [...returned, ...ended];
}

/** The paths that come to the end of a chain, and those that a target ends. */
interface Result {
  readonly returned: readonly Path[];
  readonly ended: readonly Path[];
}

function runChain(name: string, path: Path, walk: Walk): Result {
  const chain = walk.table.chains.find((one) => one.name === name);
  if (!chain) {
    throw new Error(`no chain ${name} in table ${walk.table.name}`);
  }
  return runRules(chain.rules, path, walk);
}

function runRules(rules: readonly IptablesRule[], start: Path, walk: Walk): Result {
  let going: Path[] = [start];
  const returned: Path[] = [];
  const ended: Path[] = [];
  for (const rule of rules) {
    const next: Path[] = [];
    for (const { path, isMatched } of going.flatMap((one) => matchRule(rule, one, walk))) {
      const result = isMatched ? runTarget(rule, path, walk) : { next: [path] };
      next.push(...(result.next ?? []));
      returned.push(...(result.returned ?? []));
      ended.push(...(result.ended ?? []));
    }
    going = next;
  }
  return { returned: [...returned, ...going], ended };
}

/** `next`: those that go on with the next rule. */
function runTarget(
  { target, protocol }: IptablesRule,
  path: Path,
  walk: Walk,
): Partial<Result & { next: readonly Path[] }> {
  switch (target.kind) {
    case 'jump': {
      const { returned, ended } = runChain(target.chain, path, walk);
      return { next: returned, ended };
    }
    case 'goto':
      return runChain(target.chain, path, walk);
    case 'return':
      return { returned: [path] };
    case 'accept':
    case 'drop':
      return { ended: [{ ...path, end: target.kind }] };
    case 'reject':
      if (target.with === 'tcp-reset' && protocol !== 'tcp') {
        throw new Error('a reset is for TCP');
      }
      return { ended: [{ ...path, end: 'reject', rejectedWith: target.with }] };
    case 'masquerade':
      return { ended: [{ ...path, masqueraded: true, end: 'accept' }] };
    case 'dnat':
      if (protocol === undefined || target.to.address.includes(':') !== path.destination.includes(':')) {
        throw new Error('DNAT to a port needs a protocol, and an address of the family');
      }
      return {
        ended: [{ ...path, destination: target.to.address, port: target.to.port, isTranslated: true, end: 'accept' }],
      };
    case 'set-mark': {
      const mark = target.operator === 'or' ? path.mark | target.mark : path.mark ^ target.mark;
      return { next: [{ ...path, mark: mark >>> 0 }] };
    }
  }
}

/** Whether the rule matches; where chance decides, both. */
function matchRule(rule: IptablesRule, path: Path, walk: Walk): { path: Path; isMatched: boolean }[] {
  if (!matchesHeader(rule, path)) {
    return [{ path, isMatched: false }];
  }
  let going: Path[] = [path];
  const failed: Path[] = [];
  for (const match of rule.matches ?? []) {
    const tried = going.flatMap((one) => tryMatch(match, one, walk));
    going = tried.filter((one) => one.isMatched).map((one) => one.path);
    failed.push(...tried.filter((one) => !one.isMatched).map((one) => one.path));
  }
  return [
    ...going.map((one) => ({ path: one, isMatched: true })),
    ...failed.map((one) => ({ path: one, isMatched: false })),
  ];
}

function matchesHeader({ source, destination, inInterface, protocol, port }: IptablesRule, path: Path): boolean {
  const [first, last] = typeof port === 'number' ? [port, port] : (port ?? [0, 65_535]);
  return (
    (!protocol || protocol === path.protocol) &&
    path.port >= first &&
    path.port <= last &&
    isIn(source, path.source) &&
    isIn(destination, path.destination) &&
    comesFrom(inInterface, path.inputInterface ?? '')
  );
}

function isIn(match: IptablesRule['source'], address: string): boolean {
  if (!match) {
    return true;
  }
  const cidr = rangeOf(match.range);
  return (cidr !== undefined && cidrContains(cidr, address)) !== (match.negated ?? false);
}

function comesFrom(match: IptablesRule['inInterface'], name: string): boolean {
  const isNamed = match && (match.prefix ? name.startsWith(match.name) : name === match.name);
  return !match || isNamed !== (match.negated ?? false);
}

function tryMatch(
  match: IptablesMatch,
  path: Path,
  { localAddresses, known }: Walk,
): { path: Path; isMatched: boolean }[] {
  const as = (isMatched: boolean) => [{ path, isMatched }];
  switch (match.kind) {
    case 'local-address': {
      const address = match.field === 'src' ? path.source : path.destination;
      return as(localAddresses.includes(address) || /^(127\.|::1$)/.test(address));
    }
    case 'state': {
      const holds = match.states === 'NEW' || (match.states === 'DNAT' && path.isTranslated);
      return as(holds !== (match.negated ?? false));
    }
    case 'mark':
      return as(((path.mark & match.mark) >>> 0 === match.mark) !== (match.negated ?? false));
    case 'random': {
      const [numerator, denominator] = path.share;
      const outOf = BigInt(match.outOf);
      const share = (part: bigint): Path => ({ ...path, share: [numerator * part, denominator * outOf] });
      return [
        { path: share(1n), isMatched: true },
        { path: share(outOf - 1n), isMatched: false },
      ];
    }
    case 'list-source':
      return [{ path: { ...path, lists: [...path.lists, match.list] }, isMatched: true }];
    case 'listed-source': {
      const isMatched = known.has(match.list);
      return [{ path: isMatched && match.updates ? { ...path, lists: [...path.lists, match.list] } : path, isMatched }];
    }
  }
}
