import { collectAll } from '../lib/lists.ts';
import type { Chain, FilledSet, Rule, Ruleset, Statement } from '../nft/ruleset.ts';
import type { Way } from './frontend.ts';

/** Chains that the kernel follows at most, one from the other. */
const deepest = 16;

const unknownWay: Way = {
  everybody: undefined,
  insiders: undefined,
  masqueraded: false,
  pinned: false,
  keepsSeconds: 0,
  rejects: false,
  understood: false,
};

/** Answers where a chain leads, by its rules and never by its name; each chain is followed once. */
export function followChains({ chains, sets }: Ruleset): (chain: string) => Way {
  const context: Context = {
    chains: new Map(chains.map((chain) => [chain.name, chain])),
    sets: new Map(sets.map((set) => [set.name, set])),
    known: new Map(),
  };
  return (chain) => wayOf(chain, 0, context);
}

interface Context {
  readonly chains: ReadonlyMap<string, Chain>;
  readonly sets: ReadonlyMap<string, FilledSet>;
  readonly known: Map<string, Way>;
}

/** A way that is being put together. */
type Draft = { -readonly [Field in keyof Way]: Way[Field] };

/** The chain that is being read. */
interface Position {
  readonly chain: string;
  readonly depth: number;
  readonly context: Context;
}

function wayOf(name: string, depth: number, context: Context): Way {
  const known = context.known.get(name);
  const chain = context.chains.get(name);
  if (known || !chain || depth >= deepest) {
    return known ?? unknownWay;
  }
  // The kernel refuses circles, but not everything here comes from a kernel.
  context.known.set(name, unknownWay);
  const way: Draft = { ...unknownWay, understood: true };
  for (const rule of chain.rules) {
    readRule(rule, way, { chain: name, depth, context });
  }
  context.known.set(name, way);
  return way;
}

function readRule(rule: Rule, way: Draft, position: Position): void {
  const audience = audienceOf(rule, position.context.sets);
  if (audience === undefined) {
    way.understood = false;
    return;
  }
  for (const statement of rule) {
    readStatement(statement, way, audience, position);
  }
}

function readStatement(statement: Statement, way: Draft, audience: Audience, position: Position): void {
  const { chain, depth, context } = position;
  switch (statement.kind) {
    case 'match':
    case 'match-set':
      return;
    case 'set-mark':
      way.masqueraded ||= audience === 'everybody';
      return;
    case 'jump':
    case 'goto':
      joinChain(way, wayOf(statement.chain, depth + 1, context), audience);
      return;
    case 'random-goto': {
      const ends = statement.chains.map((end) => wayOf(end, depth + 1, context));
      joinEnds(way, ends, chain);
      return;
    }
    case 'dnat': {
      const { protocol, address, port } = statement;
      way.everybody ??= { kind: 'chains', protocol, chain, endpointAddresses: [{ address, port }] };
      return;
    }
    case 'dnat-map':
      joinMap(way, statement, context);
      return;
    case 'update':
      way.keepsSeconds ||= context.sets.get(statement.set)?.timeoutSeconds ?? 0;
      return;
    case 'reject':
      way.rejects = true;
      return;
    case 'match-mark':
    case 'vmap':
    case 'delete':
    case 'drop':
    case 'return':
    case 'masquerade':
      way.understood = false;
      return;
  }
}

function joinChain(way: Draft, next: Way, audience: Audience): void {
  // A client that is kept goes to one of those that the chain's last rule picks from.
  if (audience === 'pinned') {
    return;
  }
  way[audience] ??= next.everybody;
  way.masqueraded ||= audience === 'everybody' && next.masqueraded;
  way.pinned ||= next.pinned;
  way.keepsSeconds ||= next.keepsSeconds;
  way.rejects ||= next.rejects;
  way.understood &&= next.understood;
}

/** `chain` picks among chains of which each is for one endpoint; any other would make the list as long as one likes. */
function joinEnds(way: Draft, ends: readonly Way[], chain: string): void {
  const protocol = ends[0]?.everybody?.protocol;
  if (!protocol || !ends.every(isEnd)) {
    way.understood = false;
    return;
  }
  const endpointAddresses = collectAll(ends, ({ everybody }) =>
    everybody?.kind === 'chains' ? everybody.endpointAddresses : [],
  );
  way.everybody ??= { kind: 'chains', protocol, chain, endpointAddresses };
  way.keepsSeconds ||= ends[0]?.keepsSeconds ?? 0;
}

function isEnd({ everybody, understood }: Way): boolean {
  return understood && everybody?.kind === 'chains' && everybody.endpointAddresses.length === 1;
}

/** The map is one of pins, or of endpoints. */
function joinMap(
  way: Draft,
  { protocol, key, map }: Extract<Statement, { kind: 'dnat-map' }>,
  { sets }: Context,
): void {
  const numgen = key.find((part) => part.kind === 'numgen');
  if (isDynamic(sets.get(map))) {
    way.pinned = true;
  } else if (numgen) {
    way.everybody ??= { kind: 'map', protocol, map, modulus: numgen.modulus };
  } else {
    way.understood = false;
  }
}

/** Whom a rule is for: everybody, pods and the node, or clients that one endpoint keeps in a set of its own. */
type Audience = 'everybody' | 'insiders' | 'pinned';

/** Whom the matches of a rule let through; undefined for a rule that no chain of a frontend has. */
function audienceOf(rule: Rule, sets: ReadonlyMap<string, FilledSet>): Audience | undefined {
  let audience: Audience = 'everybody';
  for (const statement of rule) {
    if (statement.kind === 'match' && isInsider(statement)) {
      audience = 'insiders';
    } else if (statement.kind === 'match-set' && isKeptClient(statement, sets)) {
      audience = 'pinned';
    } else if (statement.kind === 'match-set' || (statement.kind === 'match' && statement.left.kind !== 'l4proto')) {
      return undefined;
    }
  }
  // A rule that could not be read from the kernel is empty.
  return rule.length > 0 ? audience : undefined;
}

/** Whether rules write to a set or map, so that it holds clients. */
export function isDynamic(set: FilledSet | undefined): boolean {
  return set?.flags?.includes('dynamic') ?? false;
}

/** A pod, by address or interface, or the node itself. */
function isInsider({ left, negated }: Extract<Statement, { kind: 'match' }>): boolean {
  const isSource = (left.kind === 'address' || left.kind === 'fib-type') && left.field === 'saddr';
  return !negated && (isSource || left.kind === 'iifname');
}

function isKeptClient(
  { key, negated, set }: Extract<Statement, { kind: 'match-set' }>,
  sets: ReadonlyMap<string, FilledSet>,
): boolean {
  const [field] = key;
  const isSource = key.length === 1 && field?.kind === 'address' && field.field === 'saddr';
  return !negated && isSource && isDynamic(sets.get(set));
}
