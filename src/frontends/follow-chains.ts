import { collectAll } from '../lib/lists.ts';
import type { Mutable } from '../lib/mutable.ts';
import type { EndpointAddress, Protocol } from '../net/network.ts';
import type { Chain, FilledSet, Rule, Ruleset, StatementInNft, StatementOf } from '../nft/ruleset.ts';
import { isDynamic, isOfIptables } from '../nft/ruleset-parts.ts';

/** What a chain picks an endpoint from. */
export type Choice =
  /** The first `modulus` endpoint addresses of the frontend's list in an endpoint map. */
  | { readonly kind: 'map'; readonly protocol: Protocol; readonly map: string; readonly modulus: number }
  /**
   * The endpoints that `chain` itself picks from, or those of chains that it picks among: affinity over IPv6 on an nft that
   * has no maps for it, and all frontends of kube-proxy.
   */
  | {
      readonly kind: 'chains';
      readonly protocol: Protocol;
      readonly chain: string;
      readonly endpointAddresses: readonly EndpointAddress[];
    };

/** What a chain does with the connections of a frontend. */
export interface Dispatch {
  /** What clients get an endpoint from: all of them, or external ones where internal ones have a choice of their own. */
  readonly choice: Choice | undefined;
  /** What only internal clients, which are pods and the node, get an endpoint from. */
  readonly internalChoice: Choice | undefined;
  readonly masqueraded: boolean;
  /** Whether a map of pins is looked up before the choice. */
  readonly usesPins: boolean;
  /** The timeout of the sets that hold the clients of one endpoint each, in seconds; 0 without such sets. */
  readonly affinitySeconds: number;
  readonly rejects: boolean;
  /** False where a rule is not one that the compiler writes. */
  readonly understood: boolean;
}

/** The most jumps that the kernel follows, one from the other. */
const deepest = 16;

/** That of a chain that does not exist, or of a loop. */
export const unknownDispatch: Dispatch = {
  choice: undefined,
  internalChoice: undefined,
  masqueraded: false,
  usesPins: false,
  affinitySeconds: 0,
  rejects: false,
  understood: false,
};

/** A function that returns what a chain does, judged by its rules and never by its name; each chain is read once. */
export function followChains({ chains, sets }: Ruleset): (chain: string) => Dispatch {
  const context: Context = {
    chains: new Map(chains.map((chain) => [chain.name, chain])),
    sets: new Map(sets.map((set) => [set.name, set])),
    known: new Map(),
  };
  return (chain) => dispatchOf(chain, 0, context);
}

interface Context {
  readonly chains: ReadonlyMap<string, Chain>;
  readonly sets: ReadonlyMap<string, FilledSet>;
  readonly known: Map<string, Dispatch>;
}

type Draft = Mutable<Dispatch>;

/** The chain that is being read. */
interface Position {
  readonly chain: string;
  readonly depth: number;
  readonly context: Context;
}

function dispatchOf(name: string, depth: number, context: Context): Dispatch {
  const known = context.known.get(name);
  const chain = context.chains.get(name);
  if (known || !chain || depth >= deepest) {
    return known ?? unknownDispatch;
  }
  // The kernel refuses loops, but not every ruleset comes from a kernel.
  context.known.set(name, unknownDispatch);
  const dispatch: Draft = { ...unknownDispatch, understood: true };
  for (const rule of chain.rules) {
    readRule(rule, dispatch, { chain: name, depth, context });
  }
  context.known.set(name, dispatch);
  return dispatch;
}

function readRule(rule: Rule, dispatch: Draft, position: Position): void {
  if (marksClusterIP(rule, position)) {
    return;
  }
  const audience = audienceOf(rule, position.context.sets);
  if (audience === undefined) {
    dispatch.understood = false;
    return;
  }
  for (const statement of rule) {
    if (isOfIptables(statement)) {
      dispatch.understood = false;
    } else {
      readStatement(statement, dispatch, audience, position);
    }
  }
}

/**
 * `ip daddr 10.96.0.1 tcp dport 80 ip saddr != 10.244.0.0/16 jump mark-for-masquerade` of kube-proxy before 1.36: whether cluster
 * IPs are masqueraded is a setting of the node, not of a frontend.
 */
function marksClusterIP(rule: Rule, { context, depth }: Position): boolean {
  const isOfAddress = rule.some((one) => one.kind === 'match' && one.left.kind === 'dport');
  const jump = rule.find((one) => one.kind === 'jump');
  const marks = isOfAddress && jump && 'chain' in jump ? dispatchOf(jump.chain, depth + 1, context) : undefined;
  return marks?.masqueraded === true && !marks.choice && !marks.internalChoice;
}

function readStatement(statement: StatementInNft, dispatch: Draft, audience: Audience, position: Position): void {
  const { chain, depth, context } = position;
  switch (statement.kind) {
    case 'match':
    case 'match-set':
    case 'counter':
    case 'comment':
      return;
    case 'set-mark':
      dispatch.masqueraded ||= audience === 'all';
      return;
    case 'jump':
    case 'goto':
      joinChain(dispatch, dispatchOf(statement.chain, depth + 1, context), audience);
      return;
    case 'random-goto': {
      const ends = statement.chains.map((end) => dispatchOf(end, depth + 1, context));
      joinEnds(dispatch, ends, chain);
      return;
    }
    case 'dnat': {
      const { protocol, address, port } = statement;
      dispatch.choice ??= { kind: 'chains', protocol, chain, endpointAddresses: [{ address, port }] };
      return;
    }
    case 'random-dnat': {
      const { protocol, endpointAddresses } = statement;
      dispatch.choice ??= { kind: 'chains', protocol, chain, endpointAddresses };
      return;
    }
    case 'dnat-map':
      joinMap(dispatch, statement, context);
      return;
    case 'update':
      dispatch.affinitySeconds ||= context.sets.get(statement.set)?.timeoutSeconds ?? 0;
      return;
    case 'tcp-reset':
    case 'reject':
      dispatch.rejects = true;
      return;
    case 'match-list':
    case 'match-mark':
    case 'vmap':
    case 'delete':
    case 'drop':
    case 'return':
    case 'masquerade':
      dispatch.understood = false;
      return;
  }
}

function joinChain(dispatch: Draft, next: Dispatch, audience: Audience): void {
  // A pinned client goes to one of the endpoints that the chain's last rule picks from.
  if (audience === 'pinned') {
    return;
  }
  dispatch[audience === 'all' ? 'choice' : 'internalChoice'] ??= next.choice;
  dispatch.masqueraded ||= audience === 'all' && next.masqueraded;
  dispatch.usesPins ||= next.usesPins;
  dispatch.affinitySeconds ||= next.affinitySeconds;
  dispatch.rejects ||= next.rejects;
  dispatch.understood &&= next.understood;
}

/** `chain` picks among chains that have one endpoint each; others could make the list arbitrarily long. */
function joinEnds(dispatch: Draft, ends: readonly Dispatch[], chain: string): void {
  const protocol = ends[0]?.choice?.protocol;
  if (!protocol || !ends.every(isEnd)) {
    dispatch.understood = false;
    return;
  }
  const endpointAddresses = collectAll(ends, ({ choice }) =>
    choice?.kind === 'chains' ? choice.endpointAddresses : [],
  );
  dispatch.choice ??= { kind: 'chains', protocol, chain, endpointAddresses };
  dispatch.affinitySeconds ||= ends[0]?.affinitySeconds ?? 0;
}

function isEnd({ choice, understood }: Dispatch): boolean {
  return understood && choice?.kind === 'chains' && choice.endpointAddresses.length === 1;
}

/** The map holds pins, or endpoints. */
function joinMap(dispatch: Draft, { protocol, key, map }: StatementOf<'dnat-map'>, { sets }: Context): void {
  const numgen = key.find((part) => part.kind === 'numgen');
  if (isDynamic(sets.get(map))) {
    dispatch.usesPins = true;
  } else if (numgen) {
    dispatch.choice ??= { kind: 'map', protocol, map, modulus: numgen.modulus };
  } else {
    dispatch.understood = false;
  }
}

/** Clients that a rule is for: all, internal ones, or those in the set of clients of one endpoint. */
type Audience = 'all' | 'internal' | 'pinned';

/** The clients that the matches of a rule let through; undefined for a rule that no chain of a frontend has. */
function audienceOf(rule: Rule, sets: ReadonlyMap<string, FilledSet>): Audience | undefined {
  let audience: Audience = 'all';
  for (const statement of rule) {
    if (statement.kind === 'match' && isInternalClient(statement)) {
      audience = 'internal';
    } else if (statement.kind === 'match-set' && isPinnedClient(statement, sets)) {
      audience = 'pinned';
    } else if (statement.kind === 'match-set' || (statement.kind === 'match' && statement.left.kind !== 'l4proto')) {
      return undefined;
    }
  }
  // A rule that could not be read from the kernel is empty.
  return rule.length > 0 ? audience : undefined;
}

/** A pod, by address or interface, or the node itself. */
function isInternalClient({ left, negated }: StatementOf<'match'>): boolean {
  const isSource = (left.kind === 'address' || left.kind === 'fib-type') && left.field === 'saddr';
  return !negated && (isSource || left.kind === 'iifname');
}

function isPinnedClient(
  { key, negated, set }: StatementOf<'match-set'>,
  sets: ReadonlyMap<string, FilledSet>,
): boolean {
  const [field] = key;
  const isSource = key.length === 1 && field?.kind === 'address' && field.field === 'saddr';
  return !negated && isSource && isDynamic(sets.get(set));
}
