import type { Mutable } from '../lib/mutable.ts';
import { cidrText, compareAddressTexts, disjointCidrs, rangeOf } from '../net/address.ts';
import type { Chain, Rule, Ruleset, Statement } from '../nft/ruleset.ts';
import type { FrontendKind } from '../phases/3-model/model.ts';
import { elementComment } from '../phases/5-plan/names.ts';
import { type IptablesChainKind, readIptablesName } from '../phases/5-plan-iptables/iptables-names.ts';
import { followIptablesChains, type IptablesDispatch } from './follow-iptables-chains.ts';
import type { FrontendEntry, Refusal } from './frontend.ts';
import { type FrontendAddress, readServicePortName, verdictKeyOf } from './frontend-address.ts';

type Draft = Mutable<FrontendEntry>;

/**
 * Every frontend that rules of iptables serve, refuse or guard, by its key: those of kube-proxy (`KUBE-SERVICES` and the chains
 * behind it) and of svc2nft (`SVC2NFT-SERVICES`). Of several rules for one address and port, the first counts.
 */
export function readIptablesEntries(ruleset: Ruleset): ReadonlyMap<string, FrontendEntry> {
  const entries = new Map<string, Draft>();
  const context: Context = {
    dispatchOf: followIptablesChains(ruleset),
    chains: new Map(ruleset.chains.map((chain) => [chain.name, chain])),
    entries,
  };
  for (const chain of ruleset.chains) {
    const { kind, table } = readIptablesName(chain.name) ?? {};
    const place = kind && places[kind];
    if (place && (table === 'nat' || table === 'filter')) {
      readChain(chain, { ...place, isNat: table === 'nat' }, context);
    }
  }
  return entries;
}

interface Context {
  readonly dispatchOf: (chain: string) => IptablesDispatch;
  readonly chains: ReadonlyMap<string, Chain>;
  /** Is added to. */
  readonly entries: Map<string, Draft>;
}

/** What the rules of a chain are about. */
interface Place {
  /** Whether the packets that come here are those to the node's own addresses. */
  readonly isNodePorts?: true;
  /** Whether it has some of the rules of the chain for addresses, or of the one for node ports. */
  readonly isBranch?: true;
  /** Whether it is where cluster IPs are refused. */
  readonly isOfClusterIPs?: true;
  /** Whether it drops what source ranges did not let through. */
  readonly isFirewall?: true;
  readonly isNat: boolean;
}

/** The chains with a rule for each frontend. */
const places: Readonly<Partial<Record<IptablesChainKind, Omit<Place, 'isNat'>>>> = {
  services: { isOfClusterIPs: true },
  'external-services': {},
  'node-ports': { isNodePorts: true },
  branch: { isBranch: true },
  'proxy-firewall': { isFirewall: true },
};

function readChain({ rules }: Chain, place: Place, context: Context): void {
  for (const rule of rules) {
    const address = addressOf(rule, place);
    if (address) {
      readRule(rule, address, place, context);
    }
  }
}

/** What a rule is for: one address, protocol and port, or node port; undefined for any other rule. */
function addressOf(rule: Rule, { isNodePorts, isBranch }: Place): FrontendAddress | undefined {
  const found: Partial<Mutable<FrontendAddress>> & { isLocal: boolean } = { isLocal: isNodePorts === true };
  for (const statement of rule) {
    if (statement.kind === 'match' && !readMatch(statement, found)) {
      return undefined;
    }
  }
  const { address, protocol, port, isLocal } = found;
  // Rules for loopback addresses repeat those of node ports.
  const isKnown = address === undefined ? isLocal || isBranch : !isLocal;
  return protocol !== undefined && port !== undefined && isKnown ? { address, protocol, port } : undefined;
}

function readMatch(
  { left, negated, right }: Extract<Statement, { kind: 'match' }>,
  found: Partial<Mutable<FrontendAddress>> & { isLocal: boolean },
): boolean {
  if (left.kind === 'address' && left.field === 'daddr' && !negated) {
    found.address = String(right);
    return !found.address.includes('/');
  }
  if (left.kind === 'l4proto') {
    found.protocol = String(right);
  } else if (left.kind === 'dport') {
    found.port = Number(right);
  } else if (left.kind === 'fib-type' && left.field === 'daddr') {
    found.isLocal = true;
  }
  return !negated && ['l4proto', 'dport', 'fib-type'].includes(left.kind);
}

/** What a rule does with the packets of a frontend. */
interface Meaning {
  readonly target: string | undefined;
  readonly comment: string;
  /** Undefined for a rule that serves. */
  readonly refusal: Refusal | undefined;
}

/** Undefined for a rule that neither serves a frontend nor refuses it. */
function meaningOf(rule: Rule, isNat: boolean, chains: Context['chains']): Meaning | undefined {
  const comment = rule.flatMap((statement) => (statement.kind === 'comment' ? [statement.text] : [])).join(' ');
  const jump = rule.find((statement) => statement.kind === 'jump' || statement.kind === 'goto');
  const target = jump && 'chain' in jump ? jump.chain : undefined;
  const refusal = isNat ? undefined : refusalOf(rule, target, chains);
  const isServing = isNat && target !== undefined && serviceKinds.has(readIptablesName(target)?.kind);
  return isServing || refusal ? { target, comment, refusal } : undefined;
}

function readRule(rule: Rule, address: FrontendAddress, place: Place, { dispatchOf, chains, entries }: Context): void {
  const meaning = meaningOf(rule, place.isNat, chains);
  if (!meaning) {
    return;
  }
  const { target = '', comment, refusal } = meaning;
  const key = verdictKeyOf(address);
  const entry = entries.get(key) ?? { ...emptyEntry, key };
  entries.set(key, entry);
  const name = nameIn(comment);
  const kind = place.isOfClusterIPs && refusal ? 'ClusterIP' : kindOf(address, comment);
  // Of several Services that want an address, it is that of the one whose endpoints get the connections.
  const isOwner = !refusal && !entry.dispatch;
  entry.name = isOwner ? (name ?? entry.name) : (entry.name ?? name);
  entry.kind = isOwner ? (kind ?? entry.kind) : (entry.kind ?? kind);
  if (place.isFirewall) {
    entry.sourceRanges ??= [];
  } else if (refusal) {
    entry.refusal ??= refusal;
  } else if (!entry.dispatch) {
    addDispatch(entry, dispatchOf(target));
  }
}

function addDispatch(entry: Draft, dispatch: IptablesDispatch): void {
  entry.dispatch = dispatch;
  if (dispatch.sourceRanges) {
    // As sets of nft have them, which hold no range in another one.
    const ranges = disjointCidrs(dispatch.sourceRanges.flatMap((range) => rangeOf(range) ?? []));
    entry.sourceRanges = ranges.map(cidrText).sort(compareAddressTexts);
  }
  if (dispatch.drops) {
    entry.refusal ??= 'dropped';
  }
}

const emptyEntry: Omit<FrontendEntry, 'key'> = {
  name: undefined,
  kind: undefined,
  dispatch: undefined,
  refusal: undefined,
  sourceRanges: null,
};

/** The chains of a service port to which packets of its frontends go. */
const serviceKinds: ReadonlySet<IptablesChainKind | undefined> = new Set(['cluster', 'local', 'external', 'firewall']);

function refusalOf(rule: Rule, target: string | undefined, chains: Context['chains']): Refusal | undefined {
  const statements = [...rule, ...(chains.get(target ?? '')?.rules.flat() ?? [])];
  if (statements.some(({ kind }) => kind === 'reject' || kind === 'tcp-reset')) {
    return 'rejected';
  }
  return rule.some(({ kind }) => kind === 'drop') ? 'dropped' : undefined;
}

/** `shop/cart:http` of `shop/cart:http cluster IP`, cut as in the rules of nft. */
function nameIn(comment: string): string | undefined {
  const [word = ''] = comment.split(' ', 1);
  const name = elementComment(word);
  return readServicePortName(name) && name;
}

function kindOf({ address }: FrontendAddress, comment: string): FrontendKind | undefined {
  if (address === undefined) {
    return 'NodePort';
  }
  const [, words = ''] = / (cluster|external|load ?balancer) IP$/.exec(comment) ?? [];
  return kinds[words.replace(' ', '')];
}

const kinds: Readonly<Record<string, FrontendKind>> = {
  cluster: 'ClusterIP',
  external: 'ExternalIP',
  loadbalancer: 'LoadBalancer',
};
