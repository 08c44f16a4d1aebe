import type { Mutable } from '../lib/mutable.ts';
import type { EndpointAddress } from '../net/network.ts';
import type { Chain, FilledSet, Rule, Ruleset, Statement, StatementOf } from '../nft/ruleset.ts';
import { isDynamic } from '../nft/ruleset-parts.ts';
import { readIptablesName } from '../phases/5-plan-iptables/iptables-names.ts';
import { type Dispatch, unknownDispatch } from './follow-chains.ts';

/** What a chain of iptables does with the connections of a frontend. */
export interface IptablesDispatch extends Dispatch {
  /** The only sources that it lets through, CIDRs and addresses; null for all. */
  readonly sourceRanges: readonly string[] | null;
  /** Whether it marks for a drop what no endpoint gets, as kube-proxy did until 1.23. */
  readonly drops: boolean;
}

type Draft = Mutable<IptablesDispatch>;

interface Context {
  readonly chains: ReadonlyMap<string, Chain>;
  readonly sets: ReadonlyMap<string, FilledSet>;
  readonly marks: ReadonlySet<number>;
  readonly known: Map<string, IptablesDispatch>;
}

/** The most jumps that are followed: from source ranges to external traffic, to a list of endpoints, to one of them. */
const deepest = 6;

const unknown: IptablesDispatch = { ...unknownDispatch, sourceRanges: null, drops: false };

/**
 * A function that returns what a chain does, judged by its rules, as kube-proxy and svc2nft write them; by names it only tells
 * chains of one endpoint and of source ranges from others. Each chain is read once.
 */
export function followIptablesChains(ruleset: Ruleset): (chain: string) => IptablesDispatch {
  const context: Context = {
    chains: new Map(ruleset.chains.map((chain) => [chain.name, chain])),
    sets: new Map(ruleset.sets.map((set) => [set.name, set])),
    marks: new Set(masqueradeMarksOf(ruleset)),
    known: new Map(),
  };
  return (chain) => dispatchOf(chain, 0, context);
}

/** The marks with which packets are masqueraded. */
export function masqueradeMarksOf({ chains }: Ruleset): number[] {
  const masquerading = chains.filter(({ name }) => readIptablesName(name)?.kind === 'postrouting');
  const statements = masquerading.flatMap(({ rules }) => rules.flat());
  return [...new Set(statements.flatMap((one) => (one.kind === 'match-mark' ? [one.mark] : [])))];
}

function dispatchOf(name: string, depth: number, context: Context): IptablesDispatch {
  const known = context.known.get(name);
  const chain = context.chains.get(name);
  if (known || !chain || depth >= deepest) {
    return known ?? unknown;
  }
  // The kernel refuses loops, but not every ruleset comes from a kernel.
  context.known.set(name, unknown);
  const reading: Reading = {
    chain: name,
    depth,
    context,
    draft: { ...unknown, understood: true, sourceRanges: readIptablesName(name)?.kind === 'firewall' ? [] : null },
    endpointAddresses: [],
    isOpen: true,
  };
  for (const rule of chain.rules) {
    readRule(rule, reading);
  }
  const { draft, endpointAddresses, protocol } = reading;
  if (endpointAddresses.length > 0 && protocol) {
    draft.choice ??= { kind: 'chains', protocol, chain: name, endpointAddresses };
    // The last endpoint of a list gets what is left.
    draft.understood &&= !reading.isOpen;
  }
  context.known.set(name, draft);
  return draft;
}

/** The chain that is being read. */
interface Reading {
  readonly chain: string;
  readonly depth: number;
  readonly context: Context;
  readonly draft: Draft;
  /** Those that it picks from itself. */
  readonly endpointAddresses: EndpointAddress[];
  protocol?: StatementOf<'dnat'>['protocol'];
  /** Whether some packets come to the next rule. */
  isOpen: boolean;
}

/** Whom a rule is for. */
interface Audience {
  /** Pods or the node. */
  isInternal: boolean;
  /** Clients that are listed for one endpoint. */
  isPinned: boolean;
  /** Some at random. */
  isRandom: boolean;
  /** Packets to one address and port, as it is asked whether those to a cluster IP are masqueraded. */
  isOfAddress: boolean;
  /** The source address or range. */
  source: string | undefined;
}

function readRule(rule: Rule, reading: Reading): void {
  const { draft, context } = reading;
  const audience = audienceOf(rule, context);
  const action = rule.find(isAction);
  if (!audience || !action) {
    draft.understood &&= audience !== undefined && rule.length > 0;
    return;
  }
  const mark = markOf(action, reading);
  if (mark !== undefined) {
    readMark(mark, audience, reading);
  } else if (audience.isOfAddress) {
    draft.understood = false;
  } else {
    readChoice(rule, action, audience, reading);
  }
}

const actions: ReadonlySet<Statement['kind']> = new Set(['jump', 'goto', 'dnat', 'set-mark']);

function isAction(statement: Statement): statement is StatementOf<'jump' | 'goto' | 'dnat' | 'set-mark'> {
  return actions.has(statement.kind);
}

/** Undefined where a rule has anything that no chain of a service port has. */
function audienceOf(rule: Rule, { sets }: Context): Audience | undefined {
  const audience: Audience = {
    ...{ isInternal: false, isPinned: false, isRandom: false, isOfAddress: false },
    source: undefined,
  };
  return rule.every((statement) => readMatch(statement, audience, sets)) ? audience : undefined;
}

function readMatch(statement: Statement, audience: Audience, sets: Context['sets']): boolean {
  switch (statement.kind) {
    case 'match':
      return readComparison(statement, audience);
    case 'match-random':
      audience.isRandom = true;
      return true;
    case 'match-set':
      audience.isPinned = true;
      return !statement.negated && isDynamic(sets.get(statement.set));
    case 'update':
    case 'comment':
    case 'counter':
      return true;
    default:
      return isAction(statement);
  }
}

function readComparison({ left, negated, right }: StatementOf<'match'>, audience: Audience): boolean {
  switch (left.kind) {
    case 'l4proto':
      return !negated;
    case 'dport':
      audience.isOfAddress = true;
      return !negated;
    case 'iifname':
      audience.isInternal ||= !negated;
      return true;
    case 'fib-type':
      audience.isInternal = true;
      return !negated && left.field === 'saddr';
    case 'address':
      if (left.field === 'daddr') {
        audience.isOfAddress = true;
      } else if (!negated) {
        audience.isInternal = true;
        audience.source = String(right);
      }
      return left.field === 'saddr' || !negated;
    default:
      return false;
  }
}

/** The mark that is all that an action sets, itself or in a chain; undefined for another action. */
function markOf(action: StatementOf<'jump' | 'goto' | 'dnat' | 'set-mark'>, { context }: Reading): number | undefined {
  if (action.kind === 'set-mark') {
    return action.mark;
  }
  const [rule, ...others] = action.kind === 'dnat' ? [] : (context.chains.get(action.chain)?.rules ?? []);
  const [statement] = rule ?? [];
  return others.length === 0 && rule?.length === 1 && statement?.kind === 'set-mark' ? statement.mark : undefined;
}

/** Connections of an endpoint to itself, and of the node to external addresses, are masqueraded at every frontend. */
function readMark(mark: number, audience: Audience, { draft, context }: Reading): void {
  const isForAll = !audience.isInternal && !audience.isOfAddress && !audience.isPinned;
  // Without the chain that masquerades, it is not known which mark asks for it.
  if (context.marks.has(mark) || context.marks.size === 0) {
    draft.masqueraded ||= isForAll;
  } else {
    draft.drops ||= isForAll;
  }
}

function readChoice(
  rule: Rule,
  action: StatementOf<'jump' | 'goto' | 'dnat' | 'set-mark'>,
  audience: Audience,
  reading: Reading,
): void {
  const { draft, depth, context } = reading;
  draft.affinitySeconds ||= listingSeconds(rule);
  if (action.kind === 'dnat') {
    const { protocol, address, port } = action;
    pickEndpoint({ address, port }, protocol, audience, reading);
    return;
  }
  if (action.kind === 'set-mark') {
    return;
  }
  const next = dispatchOf(action.chain, depth + 1, context);
  draft.understood &&= next.understood;
  draft.affinitySeconds ||= next.affinitySeconds;
  if (readIptablesName(action.chain)?.kind === 'endpoint') {
    const [endpoint] = next.choice?.kind === 'chains' ? next.choice.endpointAddresses : [];
    if (endpoint && next.choice) {
      pickEndpoint(endpoint, next.choice.protocol, audience, reading);
    }
    draft.understood &&= endpoint !== undefined;
  } else {
    joinDispatch(next, audience, reading);
  }
}

/** How long a rule lists its client for the endpoint, in seconds; 0 if it does not. */
function listingSeconds(rule: Rule): number {
  const [seconds = 0] = rule.flatMap((statement) =>
    statement.kind === 'update' ? (statement.timeoutSeconds ?? 0) : [],
  );
  return seconds;
}

/** A pinned client goes to one of the endpoints that rules further down pick from. */
function pickEndpoint(
  endpoint: EndpointAddress,
  protocol: NonNullable<Reading['protocol']>,
  { isInternal, isPinned, isRandom }: Audience,
  reading: Reading,
): void {
  reading.draft.understood &&= !isInternal && (reading.protocol ?? protocol) === protocol;
  if (!isPinned && reading.isOpen) {
    reading.endpointAddresses.push(endpoint);
    reading.protocol = protocol;
    reading.isOpen = isRandom;
  }
}

/** All connections go on to another chain, or those of internal clients, or those from a source range. */
function joinDispatch(next: IptablesDispatch, audience: Audience, { draft }: Reading): void {
  if (draft.sourceRanges) {
    draft.sourceRanges = [...draft.sourceRanges, ...(audience.source === undefined ? [] : [audience.source])];
  } else if (audience.isInternal) {
    draft.internalChoice ??= next.choice;
    return;
  }
  draft.choice ??= next.choice;
  draft.internalChoice ??= next.internalChoice;
  draft.masqueraded ||= next.masqueraded;
  draft.drops ||= next.drops;
  draft.understood &&= !audience.isRandom && !audience.isPinned;
}
