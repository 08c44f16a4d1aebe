import { readServicePortName } from '../../frontends/frontend-address.ts';
import type { Mutable } from '../../lib/mutable.ts';
import type { Element, Rule, Statement, StatementOf } from '../../nft/ruleset.ts';
import type { FrontendKind } from '../../phases/3-model/model.ts';
import { elementComment } from '../../phases/5-plan/names.ts';
import { type IptablesChainKind, readIptablesName } from '../../phases/5-plan-iptables/iptables-names.ts';
import type { PacketOutcome, Step } from '../../walk/fate.ts';
import type { Decision, IndexedChains, PacketPath } from './read-path.ts';

/**
 * What rules of iptables decided on the way to an outcome: those of kube-proxy (from 1.20 on) and of svc2nft by the names of
 * their chains, all others as those of other programs. Where rules of nft have an element, these have one that says the same.
 */
export function readIptablesPath({ steps }: PacketOutcome, { chains, family }: IndexedChains): PacketPath {
  const path: Mutable<PacketPath> = {};
  for (const step of steps) {
    const chain = chains.get(step.chain);
    const rule = chain?.rules[step.rule];
    const statement = rule?.[step.statement];
    if (!chain || !rule || !statement) {
      continue;
    }
    const line = chain.lines?.[step.rule];
    const made: Decision = { step, rule, statement, family, element: undefined, ...(line !== undefined && { line }) };
    if (step.passed) {
      path.end = made;
    }
    for (const [decision, facts] of decisionsOf(made, path)) {
      path[decision] ??= { ...made, ...facts };
    }
  }
  if (path.frontend?.frontendKind === 'NodePort') {
    delete path.nodePortClosed;
  }
  return path;
}

/** A decision, and what its rule says besides. */
type Made = readonly [decision: keyof PacketPath, facts?: Partial<Decision>];

function decisionsOf({ step, rule, statement }: Decision, path: PacketPath): readonly Made[] {
  const role = readIptablesName(step.chain)?.kind;
  const isNat = step.chain.startsWith('nat ');
  if (step.passed) {
    return decisionsOfPassed(statement, { step, rule, role, path, isNat });
  }
  return isNat && role === 'services' && leadsToNodePorts(rule) ? [['nodePortClosed']] : [];
}

/** Where a statement stands, and what was decided before. */
interface Place {
  readonly step: Step;
  readonly rule: Rule;
  readonly role: IptablesChainKind | undefined;
  readonly path: PacketPath;
  readonly isNat: boolean;
}

function decisionsOfPassed(statement: Statement, place: Place): readonly Made[] {
  const { rule, role, isNat } = place;
  switch (statement.kind) {
    case 'jump':
    case 'goto':
      return isNat ? jumpsOf(statement, rule, role) : refusingJump(rule, role);
    case 'match-set':
      return isOf(role, picking) && !statement.negated ? [['pinFollowed']] : [];
    case 'update':
      return isOf(role, [...picking, 'endpoint']) ? [['pinWritten']] : [];
    case 'dnat':
    case 'translate':
    case 'redirect':
      return translationsOf(role);
    case 'set-mark':
      return statement.operator === 'or' ? marksOf(rule, role) : [];
    case 'masquerade':
    case 'snat':
      return [[role === 'postrouting' ? 'masqueradedByMark' : 'masqueradedByOther']];
    case 'drop':
    case 'reject':
    case 'tcp-reset':
      return refusalsOf(statement, place);
    default:
      return [];
  }
}

/** The chains with a rule for each frontend, in the table nat. */
const dispatching: readonly IptablesChainKind[] = ['services', 'node-ports', 'branch'];
/** The chains of a service port that pick an endpoint, until 1.23 also that for external traffic, and all of them. */
const picking: readonly IptablesChainKind[] = ['cluster', 'local', 'external'];
const ofService: readonly IptablesChainKind[] = [...picking, 'firewall'];

function isOf(role: IptablesChainKind | undefined, roles: readonly IptablesChainKind[]): boolean {
  return role !== undefined && roles.includes(role);
}

function leadsToNodePorts(rule: Rule): boolean {
  return rule.some((one) => one.kind === 'jump' && readIptablesName(one.chain)?.kind === 'node-ports');
}

function jumpsOf(
  { chain }: StatementOf<'jump' | 'goto'>,
  rule: Rule,
  role: IptablesChainKind | undefined,
): readonly Made[] {
  const target = readIptablesName(chain)?.kind;
  if (target === 'mark') {
    return marksOf(rule, role);
  }
  if (isOf(role, dispatching) && isOf(target, ofService)) {
    const facts = { element: elementOf(rule, { kind: 'goto', chain }), ...kindOf(rule, role) };
    return [['frontend', facts], ...(target === 'firewall' ? [['guarded', facts] as const] : [])];
  }
  if (role === 'firewall') {
    const range = sourceOf(rule);
    return range === undefined ? [] : [['sourceAllowed', { element: { key: range } }]];
  }
  if (role === 'external' && (target === 'cluster' || target === 'local')) {
    return clientsOf(rule);
  }
  return isOf(role, picking) && target === 'endpoint' ? [['picked']] : [];
}

/** With policy Local, pods and the node itself may use all endpoints. */
function clientsOf(rule: Rule): readonly Made[] {
  const [match] = rule.filter((one) => one.kind === 'match');
  if (!match || match.negated) {
    return [];
  }
  return [[match.left.kind === 'fib-type' ? 'fromNode' : 'fromPod']];
}

function sourceOf(rule: Rule): string | undefined {
  const match = rule.find((one) => one.kind === 'match' && one.left.kind === 'address' && one.left.field === 'saddr');
  return match?.kind === 'match' ? String(match.right) : undefined;
}

/** svc2nft translates to endpoints on other nodes without a chain for each. */
function translationsOf(role: IptablesChainKind | undefined): readonly Made[] {
  if (role === 'endpoint') {
    return [];
  }
  return [[isOf(role, picking) ? 'picked' : 'translatedByOther']];
}

/** kube-proxy until 1.23 gives the mark where it looks for frontends. */
function marksOf(rule: Rule, role: IptablesChainKind | undefined): readonly Made[] {
  switch (role) {
    case 'endpoint':
      return [['masqueradedAsHairpin']];
    case 'cluster':
    case 'local':
      return [['markedAtClusterIp']];
    case 'services':
      return [[kindOf(rule, role).frontendKind === 'ClusterIP' ? 'markedAtClusterIp' : 'markedAtFrontend']];
    case 'external':
    case 'firewall':
    case 'node-ports':
      return [['markedAtFrontend']];
    default:
      return [];
  }
}

/** `-d 10.96.0.10/32 -j SVC2NFT-REJECT` */
function refusingJump(rule: Rule, role: IptablesChainKind | undefined): readonly Made[] {
  return role === 'cluster-ips' ? [['unknownPort', { element: elementOf(rule, undefined) }]] : [];
}

function refusalsOf(statement: Statement, { step, rule, role, path }: Place): readonly Made[] {
  if (role === 'localhost-firewall') {
    return markedForDrop(rule, path);
  }
  if (!step.chain.startsWith('filter ')) {
    return [];
  }
  switch (role) {
    case 'proxy-firewall':
      return [['sourceRefused', { element: elementOf(rule, undefined) }]];
    case 'services':
    case 'external-services':
    case 'node-ports':
      return isOfFrontend(rule)
        ? [['refusal', { element: refusedElement(statement, step, rule), ...kindOfRefused(rule, role) }]]
        : [['unallocated', { element: { key: rangeOf(rule) } }]];
    default:
      return [];
  }
}

/** kube-proxy until 1.26 marks what source ranges do not let through, or no local endpoint gets; the kubelet's rule drops it. */
function markedForDrop(rule: Rule, { frontend, guarded, picked }: PacketPath): readonly Made[] {
  const isMarked = rule.some(({ kind }) => kind === 'match-mark');
  if (!isMarked || !frontend || picked) {
    return isMarked ? [] : [['martian']];
  }
  const { chain } = frontend.step;
  return guarded
    ? [['sourceRefused', { element: frontend.element }]]
    : [['refusal', { element: { key: chain, ...frontend.element, value: { kind: 'drop' } } }]];
}

function isOfFrontend(rule: Rule): boolean {
  return rule.some((one) => one.kind === 'match' && one.left.kind === 'dport');
}

function rangeOf(rule: Rule): string {
  const match = rule.find((one) => one.kind === 'match' && one.left.kind === 'address' && one.left.field === 'daddr');
  return match?.kind === 'match' ? String(match.right) : '';
}

function refusedElement(statement: Statement, { chain }: Step, rule: Rule): Element {
  return elementOf(rule, statement.kind === 'drop' ? { kind: 'drop' } : { kind: 'goto', chain });
}

/** The element that a verdict map would have: the comment of a rule begins with the name of the service port. */
function elementOf(rule: Rule, value: Element['value']): Element {
  const [word = ''] = commentOf(rule).split(' ', 1);
  const name = elementComment(word);
  return { key: rangeOf(rule), ...(value && { value }), ...(readServicePortName(name) && { comment: name }) };
}

function commentOf(rule: Rule): string {
  const comment = rule.find(({ kind }) => kind === 'comment');
  return comment?.kind === 'comment' ? comment.text : '';
}

/** What a frontend is, by the comment of its rule: `shop/web:http cluster IP`. */
function kindOf(rule: Rule, role: IptablesChainKind | undefined): { readonly frontendKind?: FrontendKind } {
  const [, word = ''] = / (cluster IP|external IP|load ?balancer IP|node port)$/.exec(commentOf(rule)) ?? [];
  const kind = role === 'node-ports' ? 'NodePort' : kinds[word.replaceAll(' ', '')];
  return kind === undefined ? {} : { frontendKind: kind };
}

const kinds: Readonly<Record<string, FrontendKind>> = {
  clusterIP: 'ClusterIP',
  externalIP: 'ExternalIP',
  loadbalancerIP: 'LoadBalancer',
  nodeport: 'NodePort',
};

function kindOfRefused(rule: Rule, role: IptablesChainKind): { readonly frontendKind?: FrontendKind } {
  if (role === 'services') {
    return { frontendKind: 'ClusterIP' };
  }
  return rangeOf(rule) === '' ? { frontendKind: 'NodePort' } : {};
}
