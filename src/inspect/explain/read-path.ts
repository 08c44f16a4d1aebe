import type { Mutable } from '../../lib/mutable.ts';
import { escapeControls } from '../../lib/text.ts';
import { type Family, protocols } from '../../net/network.ts';
import { printRule } from '../../nft/print.ts';
import type { Chain, Element, Rule, Statement, StatementOf } from '../../nft/ruleset.ts';
import { setsOf } from '../../nft/ruleset-parts.ts';
import type { FrontendKind } from '../../phases/3-model/model.ts';
import { isClientSetName } from '../../phases/5-plan/known-names.ts';
import { kubeProxyNames, readKubeProxyName } from '../../phases/5-plan/kube-proxy-names.ts';
import { chainNames, pinMapName, pinSetName, setNames } from '../../phases/5-plan/names.ts';
import type { PacketOutcome, Step } from '../../walk/fate.ts';
import type { RuleReference } from './explanation.ts';

/** A decision that a rule made about a packet. */
export interface Decision {
  readonly step: Step;
  readonly rule: Rule;
  readonly statement: Statement;
  readonly family: Family;
  readonly element: Element | undefined;
  /** The rule as iptables-save prints it; absent for one of nft. */
  readonly line?: string;
  /** What the frontend is, where the rule says it: comments of rules of iptables do. */
  readonly frontendKind?: FrontendKind;
}

/** The rule of a decision as nft or iptables-save writes it, with the element that it matched. */
export function referTo({
  step: { chain, rule: position },
  rule,
  statement,
  family,
  element,
  line,
}: Decision): RuleReference {
  const [set] = setsOf([statement]);
  const nft = line ?? printRule(rule, family);
  return { chain, rule: position, nft, ...(element && set && { element: `${set} { ${describeElement(element)} }` }) };
}

/** The decisions that led to one outcome; those that were not made are absent. */
export interface PacketPath {
  /** The frontend has source ranges; the element is the frontend's. */
  readonly guarded?: Decision;
  /** The client is in one of them (the element), or in none. */
  readonly sourceAllowed?: Decision;
  readonly sourceRefused?: Decision;
  /** A verdict map has the destination. */
  readonly frontend?: Decision;
  /** The destination is not an address with node ports. */
  readonly nodePortClosed?: Decision;
  /** With external policy Local, all endpoints are allowed because the client is a pod, or the node. */
  readonly fromPod?: Decision;
  readonly fromNode?: Decision;
  /** The client keeps the endpoint that it had before. */
  readonly pinFollowed?: Decision;
  readonly picked?: Decision;
  /** From now on, the client keeps its endpoint. */
  readonly pinWritten?: Decision;
  /** Masquerading is requested, at a cluster IP or in the chain of an external frontend. */
  readonly markedAtClusterIp?: Decision;
  readonly markedAtFrontend?: Decision;
  readonly masqueradedByMark?: Decision;
  readonly masqueradedAsHairpin?: Decision;
  readonly refusal?: Decision;
  /** Loopback addresses refuse the node port. */
  readonly localhostRefused?: Decision;
  readonly unknownPort?: Decision;
  readonly unallocated?: Decision;
  readonly stalePin?: Decision;
  /** What rules of iptables that neither svc2nft nor kube-proxy wrote do: they translate, and masquerade. */
  readonly translatedByOther?: Decision;
  readonly masqueradedByOther?: Decision;
  /** The kubelet's rule against packets from elsewhere to loopback addresses. */
  readonly martian?: Decision;
  /** The last statement that was executed. */
  readonly end?: Decision;
}

/** The chains of a ruleset, by name. */
export interface IndexedChains {
  readonly family: Family;
  readonly chains: ReadonlyMap<string, Chain>;
}

/** The element for the destination, whose comment names the Service; undefined if the rules have none. */
export function frontendElement({ frontend, refusal, localhostRefused, guarded }: PacketPath): Element | undefined {
  return (frontend ?? refusal ?? localhostRefused ?? guarded)?.element;
}

type Draft = Mutable<PacketPath>;

/** What the rules decided on the way to an outcome, read from the steps of the walk. */
export function readPath({ steps }: PacketOutcome, { chains, family }: IndexedChains): PacketPath {
  const path: Draft = {};
  for (const step of steps) {
    const rule = chains.get(step.chain)?.rules[step.rule];
    const statement = rule?.[step.statement];
    const decision = statement && decisionOf(statement, step);
    const made = rule && statement && { step, rule, statement, family, element: step.element };
    if (made && step.passed) {
      path.end = made;
    }
    if (made && decision && path[decision] === undefined) {
      path[decision] = made;
    }
    if (!step.passed) {
      forgetRefusal(path, rule);
    }
  }
  return path;
}

/** A rule that looks the destination up and then ends refuses nothing: the address is bound to the node. */
function forgetRefusal(path: Draft, rule: Rule | undefined): void {
  for (const decision of ['unknownPort', 'unallocated'] as const) {
    if (path[decision]?.rule === rule) {
      delete path[decision];
    }
  }
}

/** The decision that a step makes; undefined if it makes none that explanations mention. */
function decisionOf(statement: Statement, step: Step): keyof PacketPath | undefined {
  switch (statement.kind) {
    case 'match':
      return rangeOf(statement, step) ?? clientMatchOf(statement, step);
    case 'match-list':
      return rangeOf(statement, step);
    case 'match-set':
      return membershipOf(statement, step);
    case 'vmap':
      return step.element && (lookups.get(statement.map) ?? 'frontend');
    case 'set-mark':
      return markOf(statement, step);
    case 'jump':
      return statement.chain === kubeProxyNames.markChain ? markOf({ operator: 'or' }, step) : undefined;
    case 'dnat-map':
      return step.element && (pinMaps.has(statement.map) ? 'pinFollowed' : 'picked');
    case 'dnat':
    case 'random-dnat':
    case 'random-goto':
      return 'picked';
    case 'update':
      return 'pinWritten';
    case 'match-mark':
      return step.passed === (statement.negated ?? false) ? undefined : 'masqueradedByMark';
    default:
      return undefined;
  }
}

/** What an element of a verdict map decides; of all others, where connections to a frontend go. */
const lookups: ReadonlyMap<string, keyof PacketPath> = new Map([
  [setNames.noEndpointServices, 'refusal'],
  [setNames.noEndpointNodePorts, 'refusal'],
  [setNames.firewallIps, 'guarded'],
  [kubeProxyNames.localhostRejections, 'localhostRefused'],
]);
/** The third one is that of earlier versions, in forward and output, and the last one of both, or kube-proxy's. */
const refusingChains: ReadonlySet<string> = new Set([
  chainNames.incomingRefusals,
  chainNames.outgoingRefusals,
  'refusals',
  kubeProxyNames.clusterIpsCheck,
]);
const pinMaps: ReadonlySet<string> = new Set(protocols.map(pinMapName));
const pinSets: ReadonlySet<string> = new Set(protocols.map(pinSetName));

/** The ranges that kube-proxy's rules name: `ip saddr != { 192.0.2.0/24 } drop`, and `ip daddr 10.96.0.0/12 drop`. */
function rangeOf(
  { left, negated }: StatementOf<'match'> | StatementOf<'match-list'>,
  { chain, passed }: Step,
): keyof PacketPath | undefined {
  if (left.kind !== 'address') {
    return undefined;
  }
  if (left.field === 'daddr') {
    return chain === kubeProxyNames.clusterIpsCheck && passed ? 'unallocated' : undefined;
  }
  if (!negated || readKubeProxyName(chain)?.prefix !== 'firewall') {
    return undefined;
  }
  return passed ? 'sourceRefused' : 'sourceAllowed';
}

/** Only chains of external frontends match the source without setting a mark in the same rule. */
function clientMatchOf({ left, negated }: StatementOf<'match'>, { chain, passed }: Step): keyof PacketPath | undefined {
  if (!passed || negated || readKubeProxyName(chain)?.prefix === 'endpoint') {
    return undefined;
  }
  if (left.kind === 'fib-type' && left.field === 'saddr') {
    return 'fromNode';
  }
  const isSource = left.kind === 'iifname' || (left.kind === 'address' && left.field === 'saddr');
  return isSource ? 'fromPod' : undefined;
}

function membershipOf(
  { set, negated }: StatementOf<'match-set'>,
  { chain, passed }: Step,
): keyof PacketPath | undefined {
  if (set === setNames.firewallSources && negated) {
    return passed ? 'sourceRefused' : 'sourceAllowed';
  }
  if (set === setNames.nodePortIps && chain === chainNames.services) {
    return passed ? undefined : 'nodePortClosed';
  }
  return passed ? memberOf(set, chain) : undefined;
}

function memberOf(set: string, chain: string): keyof PacketPath | undefined {
  switch (set) {
    case setNames.clusterIps:
      return refusingChains.has(chain) ? 'unknownPort' : undefined;
    case setNames.serviceCidrs:
      return 'unallocated';
    case setNames.hairpinConnections:
      return 'masqueradedAsHairpin';
    case setNames.firewallIps:
      return 'guarded';
    case setNames.localhostNodePorts:
      return 'localhostRefused';
    case setNames.nodePortIps:
      return undefined;
    default:
      return pinSets.has(set) ? 'stalePin' : affinityOf(set);
  }
}

/**
 * Before nft 1.1.3, affinity over IPv6 has one set of clients per endpoint. Other sets here list endpoints that may be
 * kept.
 */
function affinityOf(set: string): keyof PacketPath | undefined {
  return isClientSetName(set) ? 'pinFollowed' : undefined;
}

/** Before 1.36, kube-proxy's chains jump to the one that sets the mark. */
function markOf(
  { operator }: Pick<StatementOf<'set-mark'>, 'operator'>,
  { chain }: Step,
): keyof PacketPath | undefined {
  if (operator !== 'or' || chain === kubeProxyNames.markChain) {
    return undefined;
  }
  switch (readKubeProxyName(chain)?.prefix) {
    case 'service':
    case 'local':
      return 'markedAtClusterIp';
    case 'endpoint':
      return 'masqueradedAsHairpin';
    default:
      return chain === chainNames.services ? 'markedAtClusterIp' : 'markedAtFrontend';
  }
}

/**
 * An element as nft writes it. Other programs may have added it, with a comment that elementText of nft/print refuses.
 */
function describeElement({ key, value, comment }: Element): string {
  const note = comment === undefined ? '' : ` comment "${comment}"`;
  return escapeControls(`${key}${note}${value ? ` : ${valueText(value)}` : ''}`);
}

function valueText(value: NonNullable<Element['value']>): string {
  if ('address' in value) {
    return `${value.address} . ${value.port}`;
  }
  return value.kind === 'drop' ? 'drop' : `goto ${value.chain}`;
}
