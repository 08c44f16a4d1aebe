import { familyOfAddress } from '../../net/address.ts';
import type { FilledSet, Ruleset } from '../../nft/ruleset.ts';
import { type Packet, summariseFate } from '../../walk/fate.ts';
import { addShares } from '../../walk/walk-chain.ts';
import { walkPacket } from '../../walk/walk-packet.ts';
import { explainClient, explainSource } from './explain-client.ts';
import { type Findings, type Question, readRuleFacts } from './explain-context.ts';
import { explainAffinity, explainChoice, listOthers, listPossible } from './explain-endpoints.ts';
import {
  explainFrontend,
  explainSourceRanges,
  type FrontendMatch,
  findFrontends,
  serviceOf,
} from './explain-frontend.ts';
import { explainPolicy } from './explain-policy.ts';
import { explainRefusal, type Refusal } from './explain-refusal.ts';
import type { Explanation, ReasonCode } from './explanation.ts';
import { findNearMiss } from './find-near-miss.ts';
import { findUnknownRules } from './find-unknown-rules.ts';
import { ownerOf, readWay, referTo, type Way } from './read-way.ts';

/**
 * The fate of a connection's first packet on the node, and why. What happens is computed from the rules alone, by the
 * packet walker; a snapshot gives the reasons in Kubernetes words. Pure. Throws `UnknownRule` for rules that nobody
 * understands.
 */
export function explainPacket(question: Question): Explanation {
  const findings = findOut(question);
  if (!findings) {
    return withoutTable(question);
  }
  const { summary } = findings;
  const { reason, steps } = concludeFrom(findings);
  const leftOut = listOthers(findings);
  return {
    ...headOf(question),
    verdict: summary.verdict,
    reason,
    service: serviceOf(findings),
    masqueraded: summary.masqueraded,
    endpoints: listPossible(findings),
    leftOut,
    notUnderstood: findUnknownRules(findings.ruleset, findings.fate),
    steps: [
      ...explainClient(findings),
      ...explainFrontend(findings),
      ...explainSourceRanges(findings),
      ...explainPolicy(findings),
      ...explainChoice(findings, leftOut),
      ...explainAffinity(findings),
      ...explainSource(findings),
      ...steps,
    ],
  };
}

function headOf({ packet, knowledge }: Question): Pick<Explanation, 'packet' | 'node'> {
  const { source, destination, port, protocol, inputInterface = null } = packet;
  const family = familyOfAddress(destination);
  return {
    packet: { family, source, destination, port, protocol, inputInterface },
    node: knowledge?.view.nodeName ?? '',
  };
}

function withoutTable(question: Question): Explanation {
  const reason = question.isDormant
    ? ({ code: 'dormant', text: 'the table is dormant: none of its rules are in force' } as const)
    : ({ code: 'no-table', text: 'there is no table of this family, so no rule touches it' } as const);
  return {
    ...headOf(question),
    verdict: 'untouched',
    reason,
    service: null,
    masqueraded: false,
    endpoints: [],
    leftOut: [],
    notUnderstood: [],
    steps: [{ topic: 'no rule', text: reason.text, rules: [] }],
  };
}

function findOut(question: Question): Findings | undefined {
  const { ruleset, packet, localAddresses, memory, knowledge } = question;
  if (!ruleset || question.isDormant) {
    return undefined;
  }
  const fate = walkPacket(narrowRuleset(ruleset, packet), packet, { localAddresses }, memory);
  const chains = { family: ruleset.family, chains: new Map(ruleset.chains.map((chain) => [chain.name, chain])) };
  const [first, ...rest] = fate.outcomes.map((outcome) => readWay(outcome, chains));
  const way: Way = first ?? {};
  const element = ownerOf(way);
  const owner = element?.comment;
  return {
    ...question,
    ruleset,
    facts: readRuleFacts(ruleset),
    fate,
    summary: summariseFate(fate),
    ways: [way, ...rest],
    frontends: element && knowledge ? findFrontends(knowledge.view, packet, { owner, localAddresses }) : [],
  };
}

function concludeFrom(findings: Findings): Refusal {
  const { summary, ways, frontends } = findings;
  switch (summary.verdict) {
    case 'translated':
      return { reason: { code: codeOf(frontends[0]?.kind), text: arrival(findings) }, steps: [] };
    case 'rejected':
    case 'dropped':
      return explainRefusal(findings);
    case 'untouched': {
      const reason = findNearMiss(findings);
      const rules =
        ways[0].nodePortClosed && reason.code === 'node-port-closed' ? [referTo(ways[0].nodePortClosed)] : [];
      return { reason, steps: [{ topic: 'no rule', text: reason.text, rules }] };
    }
    case 'mixed':
      return explainMixed(findings);
  }
}

const codes = {
  clusterIP: 'cluster-ip',
  'load balancer IP': 'load-balancer-ip',
  externalIP: 'external-ip',
  'node port': 'node-port',
} as const satisfies Record<FrontendMatch['kind'], ReasonCode>;

function codeOf(kind: FrontendMatch['kind'] | undefined): ReasonCode {
  return kind === undefined ? 'frontend' : codes[kind];
}

function arrival(findings: Findings): string {
  const { summary, ways } = findings;
  const name = serviceOf(findings)?.name ?? 'a Service';
  const [only, ...others] = summary.endpoints;
  if (others.length > 0 || !only) {
    return `sent to one of ${summary.endpoints.length} endpoints of ${name}`;
  }
  const which = ways[0].pinned ? 'the endpoint that the client keeps' : 'the one endpoint that may take it';
  return `sent to ${only.endpoint}, ${which}, of ${name}`;
}

/** Where chance decides whether the packet arrives, as it does when an endpoint map lacks an index. */
function explainMixed({ fate, ways }: Findings): Refusal {
  const verdicts = [...new Set(fate.outcomes.map(({ verdict }) => verdict))];
  const parts = verdicts.map((verdict) => {
    const shares = fate.outcomes.filter((outcome) => outcome.verdict === verdict).map(({ share }) => share);
    const { numerator, denominator } = shares.reduce(addShares);
    return `${numerator} of ${denominator} are ${words[verdict]}`;
  });
  const text = `chance decides, as in no ruleset that svc2nft makes: of new connections ${parts.join(', ')}`;
  const lost = fate.outcomes.findIndex(({ verdict }) => verdict !== 'translated');
  const { end } = ways[lost] ?? {};
  const steps = [{ topic: 'refusal', text: 'the others end here', rules: end ? [referTo(end)] : [] }] as const;
  return { reason: { code: 'mixed', text }, steps };
}

const words = {
  translated: 'sent to endpoints',
  untouched: 'left untouched',
  rejected: 'rejected',
  dropped: 'dropped',
} as const;

/**
 * The ruleset without the endpoints of others: in endpoint maps, which hold most of it, only keys that begin with the
 * packet's own addresses or port, for rules look up no others there. The way of this packet is the same, and the walk
 * need not check a hundred thousand elements first.
 */
function narrowRuleset(ruleset: Ruleset, { source, destination, port }: Packet): Ruleset {
  const keys = new Set([`${destination} . ${port}`, `${source} . ${port}`, `${port}`]);
  return { ...ruleset, sets: ruleset.sets.map((set) => (isEndpointMap(set) ? narrowSet(set, keys) : set)) };
}

function isEndpointMap({ key, value }: FilledSet): boolean {
  const [first, ...rest] = key;
  const isOfFrontend = first === 'port' || (first === 'address' && rest[0] === 'port');
  return value === 'endpoint' && isOfFrontend && key.at(-1) === 'index';
}

function narrowSet(set: FilledSet, keys: ReadonlySet<string>): FilledSet {
  const elements = set.elements.filter(({ key }) => keys.has(key.slice(0, Math.max(0, key.lastIndexOf(' . ')))));
  return set.lists ? { ...set, elements, lists: set.lists.filter(({ key }) => keys.has(key)) } : { ...set, elements };
}
