import { escapeControls } from '../../lib/text.ts';
import { type Family, protocols } from '../../net/network.ts';
import { renderRule } from '../../nft/print.ts';
import type { Chain, Element, Rule, Statement } from '../../nft/ruleset.ts';
import { setsOf } from '../../nft/ruleset-parts.ts';
import { chainNames, pinMapName, pinSetName, setNames } from '../../phases/5-plan/names.ts';
import type { Outcome, Step } from '../../walk/fate.ts';
import type { RuleReference } from './explanation.ts';

/** A decision that a rule made. */
export interface Decision {
  readonly step: Step;
  readonly rule: Rule;
  readonly statement: Statement;
  readonly family: Family;
  readonly element: Element | undefined;
}

/** The rule of a decision for people, with the element that it found. */
export function referTo({
  step: { chain, rule: position },
  rule,
  statement,
  family,
  element,
}: Decision): RuleReference {
  const [set] = setsOf([statement]);
  const nft = renderRule(rule, family);
  return { chain, rule: position, nft, ...(element && set && { element: `${set} { ${describeElement(element)} }` }) };
}

/** The decisions on the way to one outcome; absent ones were not met. */
export interface Way {
  /** The frontend has source ranges: the element says whose. */
  readonly guarded?: Decision;
  /** The client is in one of them (the element), or in none. */
  readonly sourceAllowed?: Decision;
  readonly sourceRefused?: Decision;
  /** The verdict map that knows the destination. */
  readonly frontend?: Decision;
  /** The destination is no address that accepts node ports. */
  readonly nodePortClosed?: Decision;
  /** External policy Local: all endpoints, because the client is a pod, or the node. */
  readonly fromPod?: Decision;
  readonly fromNode?: Decision;
  /** The endpoint is the one that the client had before. */
  readonly pinned?: Decision;
  readonly picked?: Decision;
  /** From now on the client keeps its endpoint. */
  readonly kept?: Decision;
  /** What asks for masquerading: at cluster IPs, or in the chain of an external frontend. */
  readonly markedAtClusterIp?: Decision;
  readonly markedAtFrontend?: Decision;
  readonly masqueradedByMark?: Decision;
  readonly masqueradedAsHairpin?: Decision;
  readonly refusal?: Decision;
  readonly unknownPort?: Decision;
  readonly unallocated?: Decision;
  readonly stalePin?: Decision;
  /** The last statement that was carried out. */
  readonly end?: Decision;
}

/** A ruleset whose chains are found by their names. */
interface IndexedChains {
  readonly family: Family;
  readonly chains: ReadonlyMap<string, Chain>;
}

/** The element that says whose frontend the destination is; undefined where no rule knows it. */
export function ownerOf({ frontend, refusal, guarded }: Way): Element | undefined {
  return (frontend ?? refusal ?? guarded)?.element;
}

type Draft = { -readonly [Field in keyof Way]: Way[Field] };

/** Reads from the steps of a walk what was decided, and by which rule and element. */
export function readWay({ steps }: Outcome, { chains, family }: IndexedChains): Way {
  const way: Draft = {};
  for (const step of steps) {
    const rule = chains.get(step.chain)?.rules[step.rule];
    const statement = rule?.[step.statement];
    const decision = statement && decisionOf(statement, step);
    if (rule && statement && step.passed) {
      way.end = { step, rule, statement, family, element: step.element };
    }
    if (rule && statement && decision && way[decision] === undefined) {
      way[decision] = { step, rule, statement, family, element: step.element };
    }
  }
  return way;
}

/** What a step decides; undefined for those that decide nothing worth telling. */
function decisionOf(statement: Statement, step: Step): keyof Way | undefined {
  switch (statement.kind) {
    case 'match':
      return step.passed ? audienceOf(statement) : undefined;
    case 'match-set':
      return membershipOf(statement, step);
    case 'vmap':
      return step.element && (refusingMaps.has(statement.map) ? 'refusal' : 'frontend');
    case 'set-mark':
      return markOf(statement, step);
    case 'dnat-map':
      if (!step.element) {
        return undefined;
      }
      return pinMaps.has(statement.map) ? 'pinned' : 'picked';
    case 'dnat':
    case 'random-goto':
      return 'picked';
    case 'update':
      return 'kept';
    case 'match-mark':
      return step.passed ? 'masqueradedByMark' : undefined;
    default:
      return undefined;
  }
}

const refusingMaps: ReadonlySet<string> = new Set([setNames.noEndpointServices, setNames.noEndpointNodePorts]);
const pinMaps: ReadonlySet<string> = new Set(protocols.map(pinMapName));
const pinSets: ReadonlySet<string> = new Set(protocols.map(pinSetName));

/** Chains of external frontends alone ask whom a packet comes from without marking it in the same rule. */
function audienceOf({ left, negated }: Extract<Statement, { kind: 'match' }>): keyof Way | undefined {
  if (negated) {
    return undefined;
  }
  if (left.kind === 'fib-type' && left.field === 'saddr') {
    return 'fromNode';
  }
  const isSource = left.kind === 'iifname' || (left.kind === 'address' && left.field === 'saddr');
  return isSource ? 'fromPod' : undefined;
}

function membershipOf(
  { set, negated }: Extract<Statement, { kind: 'match-set' }>,
  { chain, passed }: Step,
): keyof Way | undefined {
  if (set === setNames.firewallSources && negated) {
    return passed ? 'sourceRefused' : 'sourceAllowed';
  }
  if (set === setNames.nodePortIps && chain === chainNames.services) {
    return passed ? undefined : 'nodePortClosed';
  }
  return passed ? memberOf(set, chain) : undefined;
}

function memberOf(set: string, chain: string): keyof Way | undefined {
  switch (set) {
    case setNames.clusterIps:
      return chain === chainNames.clusterIpsCheck ? 'unknownPort' : undefined;
    case setNames.serviceCidrs:
      return 'unallocated';
    case setNames.hairpinConnections:
      return 'masqueradedAsHairpin';
    case setNames.firewallIps:
      return 'guarded';
    case setNames.nodePortIps:
      return undefined;
    default:
      return pinSets.has(set) ? 'stalePin' : keptClients(set);
  }
}

/** Affinity in the old form over IPv6 has a set of clients for each endpoint; what may be pinned is no client. */
function keptClients(set: string): keyof Way | undefined {
  return set.startsWith('pinned/') ? 'pinned' : undefined;
}

function markOf({ operator }: Extract<Statement, { kind: 'set-mark' }>, { chain }: Step): keyof Way | undefined {
  if (operator !== 'or') {
    return undefined;
  }
  return chain === chainNames.services ? 'markedAtClusterIp' : 'markedAtFrontend';
}

/** An element as nft writes it. Anybody may have put it into the kernel, with any comment. */
function describeElement({ key, value, comment }: Element): string {
  const note = comment === undefined ? '' : ` comment "${comment}"`;
  return escapeControls(`${key}${note}${value ? ` : ${describeValue(value)}` : ''}`);
}

function describeValue(value: NonNullable<Element['value']>): string {
  if ('address' in value) {
    return `${value.address} . ${value.port}`;
  }
  return value.kind === 'drop' ? 'drop' : `goto ${value.chain}`;
}
