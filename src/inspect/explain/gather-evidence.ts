import { claimedFrontends } from '../../frontends/frontend-claims.ts';
import { readNodeSettings } from '../../frontends/read-node-settings.ts';
import { cidrContains, isLoopback, rangeOf } from '../../net/address.ts';
import type { Chain, Element, FilledSet, Ruleset, Statement } from '../../nft/ruleset.ts';
import type { FrontendKind, NodePortAddresses, NodeView, ServicePort } from '../../phases/3-model/model.ts';
import { displayName, elementComment } from '../../phases/5-plan/names.ts';
import { serviceChainNames } from '../../phases/5-plan-iptables/iptables-names.ts';
import { type Fate, type Packet, type PacketOutcome, type Step, summarizeFate } from '../../walk/fate.ts';
import { walkPacket } from '../../walk/walk-packet.ts';
import type { Destination, Evidence, FrontendMatch, Question, RuleSettings } from './evidence.ts';
import type { UnknownRuleMet } from './explanation.ts';
import { readIptablesPath } from './read-iptables-path.ts';
import { frontendElement, type PacketPath, readPath } from './read-path.ts';

/** What the rules do with the packet, and what rules and snapshot say about it; undefined if no table is in force. */
export function gatherEvidence(question: Question): Evidence | undefined {
  const { ruleset, packet, localAddresses, memory, knowledge } = question;
  if (!ruleset || question.isDormant) {
    return undefined;
  }
  const fate = walkPacket(narrowRuleset(ruleset, packet), packet, { localAddresses }, memory);
  const chains = { family: ruleset.family, chains: new Map(ruleset.chains.map((chain) => [chain.name, chain])) };
  const read = ruleset.language === 'iptables' ? readIptablesPath : readPath;
  const [first, ...rest] = fate.outcomes.map((outcome) => read(outcome, chains));
  const path: PacketPath = first ?? {};
  const element = frontendElement(path);
  const owner = element?.comment ?? (element && knowledge && ownerByChain(element, knowledge.view));
  const settings = readRuleSettings(ruleset);
  const isFromNode = isLoopback(packet.source) || localAddresses.includes(packet.source);
  return {
    ...question,
    ruleset,
    settings,
    isFromNode,
    isFromPod: isFromPod(packet, settings, isFromNode),
    acceptsNodePorts: acceptsNodePorts(packet, settings),
    fate,
    summary: summarizeFate(fate),
    paths: [path, ...rest],
    frontends: element && knowledge ? findFrontends(knowledge.view, packet, { owner, localAddresses }) : [],
    notUnderstood: ruleset.language === 'iptables' ? listUncertain(ruleset, fate) : findUnknownRules(ruleset, fate),
  };
}

/** kube-proxy gives rules of iptables no comments in large clusters, but its chains have a hash of the service port's name. */
function ownerByChain({ value }: Element, { servicePorts }: NodeView): string | undefined {
  const hash = value && 'chain' in value ? /^nat KUBE-[A-Z]+-([A-Z2-7]{16})$/.exec(value.chain)?.[1] : undefined;
  const owner = hash && servicePorts.find((servicePort) => serviceChainNames(servicePort).cluster.endsWith(`-${hash}`));
  return owner ? elementComment(displayName(owner)) : undefined;
}

/**
 * The ruleset without endpoints that this packet cannot match: in endpoint maps, which are most of it, only keys that
 * begin with the packet's own addresses or port. The fate is the same, and the walk need not check a hundred thousand
 * elements.
 */
function narrowRuleset(ruleset: Ruleset, { source, destination, port }: Packet): Ruleset {
  const keys = new Set([`${destination} . ${port}`, `${source} . ${port}`, `${port}`]);
  return { ...ruleset, sets: ruleset.sets.map((set) => (isKeyedByPacket(set) ? narrowSet(set, keys) : set)) };
}

function isKeyedByPacket({ key, value }: FilledSet): boolean {
  const [first, ...rest] = key;
  const isOfFrontend = first === 'port' || (first === 'address' && rest[0] === 'port');
  return value === 'endpoint' && isOfFrontend && key.at(-1) === 'index';
}

function narrowSet(set: FilledSet, keys: ReadonlySet<string>): FilledSet {
  const elements = set.elements.filter(({ key }) => keys.has(key.slice(0, Math.max(0, key.lastIndexOf(' . ')))));
  return set.lists ? { ...set, elements, lists: set.lists.filter(({ key }) => keys.has(key)) } : { ...set, elements };
}

/** The settings by the rules that were understood; other rules must not hide them. */
function readRuleSettings(ruleset: Ruleset): RuleSettings {
  const chains = ruleset.chains.map((chain) => ({ ...chain, rules: chain.rules.filter((rule) => rule.length > 0) }));
  const none: NodePortAddresses = ruleset.language === 'iptables' ? { kind: 'listed', addresses: [] } : { kind: 'all' };
  const { detector, masqueraded, nodePortAddresses = none } = readNodeSettings({ ...ruleset, chains });
  return {
    detector: detector === 'none' ? undefined : detector,
    masqueradeAll: masqueraded === 'all traffic',
    nodePortAddresses,
  };
}

/** What the node itself sends has no input interface. */
function isFromPod({ source, inputInterface }: Packet, { detector }: RuleSettings, isFromNode: boolean): boolean {
  if (detector?.kind === 'interface') {
    const name = isFromNode ? '' : (inputInterface ?? '');
    return detector.prefix ? name.startsWith(detector.name) : name === detector.name;
  }
  const range = detector && rangeOf(detector.cidr);
  return range !== undefined && cidrContains(range, source);
}

function acceptsNodePorts({ destination }: Packet, { nodePortAddresses }: RuleSettings): boolean {
  return nodePortAddresses.kind === 'all' || nodePortAddresses.addresses.includes(destination);
}

/**
 * All service ports that claim this destination, first the one that the rules give it to.
 *
 * @param owner the comment by which the rules name that one; undefined if they name none.
 */
export function findFrontends(
  { servicePorts }: NodeView,
  { destination, protocol, port }: Destination,
  { owner, localAddresses }: { readonly owner: string | undefined; readonly localAddresses: readonly string[] },
): FrontendMatch[] {
  const isLocal = localAddresses.includes(destination);
  const matches = servicePorts
    .filter((one) => one.protocol === protocol && (one.port === port || one.nodePort === port))
    .flatMap((servicePort) => {
      const kinds = claimedFrontends(servicePort).filter(([, claimed]) => {
        const isAddress = claimed.address === destination || (claimed.address === undefined && isLocal);
        return isAddress && claimed.port === port;
      });
      // An address that the Service names in several ways counts as the first of them.
      const [first] = kinds.filter(([kind]) => kind !== 'NodePort');
      const nodePorts = kinds.filter(([kind]) => kind === 'NodePort');
      return [...(first ? [first] : []), ...nodePorts].map(([kind]): FrontendMatch => ({ servicePort, kind }));
    });
  const isOwner = ({ servicePort }: FrontendMatch): boolean => elementComment(displayName(servicePort)) === owner;
  return [...matches.filter(isOwner), ...matches.filter((match) => !isOwner(match))];
}

/** What an address is for a service port, whatever the packet's port; undefined if it is none of its frontends. */
export function kindOfAddress(servicePort: ServicePort, address: string): FrontendKind | undefined {
  return claimedFrontends(servicePort).find(([, claimed]) => claimed.address === address)?.[0];
}

/** The rules of iptables that the packet met and that make its fate uncertain, each once. */
function listUncertain({ chains }: Ruleset, { outcomes }: Fate): UnknownRuleMet[] {
  const index = new Map(chains.map((chain) => [chain.name, chain]));
  const met = outcomes
    .filter(({ isUncertain }) => isUncertain)
    .flatMap(({ steps }) => steps.filter((step) => isDoubtful(step, statementOf(step, index))));
  const unknown = met.map(({ chain, rule }) => ({ chain, rule, line: index.get(chain)?.lines?.[rule] ?? '' }));
  return [...new Map(unknown.map((one) => [`${one.chain} ${one.rule}`, one])).values()];
}

/** Matches that the walk takes for ones that do not hold, and redirections to an address that it does not know. */
function isDoubtful({ passed }: Step, statement: Statement | undefined): boolean {
  return passed
    ? statement?.kind === 'redirect'
    : statement?.kind === 'uncertain' || statement?.kind === 'match-oifname' || statement?.kind === 'redirect';
}

/**
 * The rules that the packet may meet and that were not understood, which have no statements: those in chains that it
 * may enter, unless an earlier rule of the chain ends it. What they do to the packet is not known.
 */
function findUnknownRules({ chains }: Ruleset, { outcomes }: Fate): UnknownRuleMet[] {
  const unknown = chains.filter(({ rules }) => rules.some((rule) => rule.length === 0));
  if (unknown.length === 0) {
    return [];
  }
  const index = new Map(chains.map((chain) => [chain.name, chain]));
  return unknown.flatMap((chain) =>
    [...chain.rules.entries()].flatMap(([rule, statements]) =>
      statements.length === 0 && outcomes.some((outcome) => comesTo(outcome, { chain, rule, index }))
        ? [{ chain: chain.name, rule }]
        : [],
    ),
  );
}

interface RulePosition {
  readonly chain: Chain;
  readonly rule: number;
  readonly index: ReadonlyMap<string, Chain>;
}

/** Also counts chains of hooks that the packet may not pass: a needless warning is better than a missing one. */
function comesTo(outcome: PacketOutcome, position: RulePosition): boolean {
  const { steps } = outcome;
  const {
    chain: { name, hook },
    rule,
    index,
  } = position;
  if (isBehindEnd(outcome, position)) {
    return false;
  }
  const own = steps.filter(({ chain }) => chain === name);
  const isCalled = hook !== undefined && (steps.length === 0 || steps.some((step) => step.hook === hook.hook));
  const isEntered = own.length > 0 || isCalled || steps.some((step) => leadsTo(step, name, index));
  return isEntered && !own.some((step) => step.rule < rule && step.passed && endsChain(statementOf(step, index)));
}

/**
 * Whether a rule of a base chain comes after what ends the packet's way through a hook: a refusal ends all chains of it, and
 * a translation those for NAT.
 */
function isBehindEnd({ steps, verdict }: PacketOutcome, { chain, rule, index }: RulePosition): boolean {
  const { name, hook } = chain;
  if (!hook) {
    return false;
  }
  const isRefused = verdict === 'dropped' || verdict === 'rejected';
  return steps.some((step, place) => {
    const isEnd = isRefused && place === steps.length - 1;
    if (step.hook !== hook.hook || !(isEnd || (hook.type === 'nat' && translates(step, index)))) {
      return false;
    }
    const entry = steps.slice(0, place + 1).findLast((one) => index.get(one.chain)?.hook !== undefined);
    const base = entry && index.get(entry.chain)?.hook;
    return (
      base !== undefined && (hook.priority > base.priority || (entry?.chain === name && rule > (entry?.rule ?? rule)))
    );
  });
}

function translates(step: Step, index: RulePosition['index']): boolean {
  const kind = statementOf(step, index)?.kind;
  return step.passed && (kind === 'dnat' || kind === 'random-dnat' || kind === 'dnat-map' || kind === 'masquerade');
}

function statementOf({ chain, rule, statement }: Step, index: RulePosition['index']): Statement | undefined {
  return index.get(chain)?.rules[rule]?.[statement];
}

function leadsTo(step: Step, name: string, index: RulePosition['index']): boolean {
  const value = step.element?.value;
  const statement = statementOf(step, index);
  return (
    (value !== undefined && 'kind' in value && value.kind === 'goto' && value.chain === name) ||
    ((statement?.kind === 'jump' || statement?.kind === 'goto') && step.passed && statement.chain === name)
  );
}

const ends: readonly Statement['kind'][] = [
  'goto',
  'drop',
  'reject',
  'tcp-reset',
  'return',
  'masquerade',
  'dnat',
  'random-dnat',
  'dnat-map',
  'random-goto',
  'vmap',
];

function endsChain(statement: Statement | undefined): boolean {
  return statement !== undefined && ends.includes(statement.kind);
}
