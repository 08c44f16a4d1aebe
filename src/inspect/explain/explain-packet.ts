import { refusedToo } from '../../frontends/endpoints.ts';
import { countNames, countOf } from '../../lib/text.ts';
import { familyOfAddress } from '../../net/address.ts';
import { endpointText } from '../../net/network.ts';
import type { FrontendKind } from '../../phases/3-model/model.ts';
import { displayName, elementComment } from '../../phases/5-plan/names.ts';
import { addShares } from '../../walk/fate.ts';
import type { Evidence, Question } from './evidence.ts';
import { explainClient, explainSource } from './explain-client.ts';
import { explainAffinity, explainChoice, listOthers, listPossible } from './explain-endpoints.ts';
import { explainFrontend, explainSourceRanges, serviceOf, whyOwned } from './explain-frontend.ts';
import { explainPolicy } from './explain-policy.ts';
import { type Conclusion, explainRefusal, findRefusalOfEndpoint, ruleOfOthers } from './explain-refusal.ts';
import type { Explanation, ReasonCode } from './explanation.ts';
import { findHint } from './find-hint.ts';
import { findNearMiss } from './find-near-miss.ts';
import { gatherEvidence } from './gather-evidence.ts';
import { headlineOf } from './headline.ts';
import { referTo } from './read-path.ts';

/**
 * The fate of a connection's first packet on the node, and why. The fate is computed from the rules alone, by the
 * packet walker; a snapshot adds the reasons in Kubernetes words. Throws `UnknownRule` for a ruleset that the walker
 * refuses.
 */
export function explainPacket(question: Question): Explanation {
  const evidence = gatherEvidence(question);
  if (!evidence) {
    return withoutTable(question);
  }
  const { summary, notUnderstood } = evidence;
  const { reason: found, steps } = conclude(evidence);
  const hint = found.code === 'other-service' ? '' : findHint(evidence);
  const reason = { ...found, ...(hint !== '' && { hint }) };
  const leftOut = listOthers(evidence);
  const { verdict, masqueraded, rejectedWith = null } = summary;
  const head = headOf(question);
  return {
    headline: headlineOf({ ...head, verdict, rejectedWith, reason, masqueraded, notUnderstood }),
    ...head,
    verdict,
    rejectedWith,
    reason,
    service: serviceOf(evidence),
    masqueraded,
    endpoints: listPossible(evidence),
    leftOut,
    notUnderstood,
    steps: [
      ...explainClient(evidence),
      ...explainFrontend(evidence),
      ...explainSourceRanges(evidence),
      ...explainPolicy(evidence),
      ...explainChoice(evidence, leftOut),
      ...explainAffinity(evidence),
      ...explainSource(evidence),
      ...steps,
    ],
  };
}

function headOf({ packet, knowledge, asked }: Question): Pick<Explanation, 'packet' | 'node' | 'asked'> {
  const { source, destination, port, protocol, inputInterface = null } = packet;
  const family = familyOfAddress(destination);
  return {
    packet: { family, source, destination, port, protocol, inputInterface },
    node: knowledge?.view.nodeName ?? '',
    asked: asked ? { name: displayName(asked.servicePort), type: asked.kind } : null,
  };
}

function withoutTable(question: Question): Explanation {
  const reason = question.isDormant
    ? ({ code: 'dormant', text: 'the table is dormant: none of its rules apply' } as const)
    : ({ code: 'no-table', text: 'there is no table for this family' } as const);
  const verdict = 'untouched';
  const head = headOf(question);
  return {
    headline: headlineOf({ ...head, verdict, rejectedWith: null, reason, masqueraded: false, notUnderstood: [] }),
    ...head,
    verdict,
    rejectedWith: null,
    reason,
    service: null,
    masqueraded: false,
    endpoints: [],
    leftOut: [],
    notUnderstood: [],
    steps: [{ topic: 'no rule', text: reason.text, rules: [] }],
  };
}

function conclude(evidence: Evidence): Conclusion {
  const { summary, paths, frontends } = evidence;
  switch (summary.verdict) {
    case 'translated': {
      const code = codeOf(frontends[0]?.kind ?? paths[0].frontend?.frontendKind);
      return {
        reason: findOtherService(evidence) ?? findOtherTranslation(evidence) ?? { code, text: arrival(evidence) },
        steps: [],
      };
    }
    case 'rejected':
    case 'dropped':
      return explainRefusal(evidence);
    case 'untouched': {
      const reason = findNearMiss(evidence);
      const { nodePortClosed } = paths[0];
      const rules = nodePortClosed && reason.code === 'node-port-closed' ? [referTo(nodePortClosed)] : [];
      return { reason, steps: [{ topic: 'no rule', text: reason.text, rules }] };
    }
    case 'mixed':
      return explainMixed(evidence);
  }
}

const codes = {
  ClusterIP: 'cluster-ip',
  LoadBalancer: 'load-balancer-ip',
  ExternalIP: 'external-ip',
  NodePort: 'node-port',
} as const satisfies Record<FrontendKind, ReasonCode>;

function codeOf(kind: FrontendKind | undefined): ReasonCode {
  return kind === undefined ? 'frontend' : codes[kind];
}

/** Another Service has the frontend that the question names. */
function findOtherService(evidence: Evidence): Conclusion['reason'] | undefined {
  const { asked, packet, frontends } = evidence;
  const owner = serviceOf(evidence)?.name;
  if (
    !asked ||
    owner === undefined ||
    owner === elementComment(displayName(asked.servicePort)) ||
    owner === displayName(asked.servicePort)
  ) {
    return undefined;
  }
  const at = endpointText({ address: packet.destination, port: packet.port });
  const [winner] = frontends;
  const why = winner && whyOwned(winner, asked);
  const text = `${at} belongs to ${owner}, which claims it as well as ${displayName(asked.servicePort)}${why ? ` and wins${why}` : ''}`;
  return { code: 'other-service', text };
}

/** A rule of iptables of another program sends the packet elsewhere. */
function findOtherTranslation({ paths: [path], summary }: Evidence): Conclusion['reason'] | undefined {
  const [only] = summary.endpoints;
  const decision = path.frontend ? undefined : path.translatedByOther;
  return (
    decision && {
      code: 'foreign-rule',
      text: `sent to ${only?.endpoint} by a rule of another program, in chain ${decision.step.chain}`,
    }
  );
}

function arrival(evidence: Evidence): string {
  const { summary, paths } = evidence;
  const name = serviceOf(evidence)?.name ?? 'a Service';
  const [only, ...others] = summary.endpoints;
  if (others.length > 0 || !only) {
    return `sent to one of ${countOf(summary.endpoints.length, 'endpoint')} of ${name}`;
  }
  return paths[0].pinFollowed
    ? `sent to ${only.endpoint}, the endpoint of ${name} that the client keeps`
    : `sent to ${only.endpoint}, the only possible endpoint of ${name}`;
}

/** For outcomes that differ at random, as when an endpoint is refused itself, or an endpoint map lacks an index. */
function explainMixed({ fate, paths }: Evidence): Conclusion {
  const verdicts = [...new Set(fate.outcomes.map(({ verdict }) => verdict))];
  const parts = verdicts.map((verdict) => {
    const shares = fate.outcomes.filter((outcome) => outcome.verdict === verdict).map(({ share }) => share);
    const { numerator, denominator } = shares.reduce(addShares);
    return `${numerator} of ${denominator} are ${words[verdict]}`;
  });
  const shares = `of new connections, ${parts.join(', ')}`;
  const lost = fate.outcomes.flatMap(({ verdict, endpoint }, index) =>
    verdict === 'translated' ? [] : [{ endpoint, path: paths[index] }],
  );
  const end = lost[0]?.path?.end;
  const steps = [
    { topic: 'refusal', text: 'the other connections end here', rules: end ? [referTo(end)] : [] },
  ] as const;
  if (lost.length > 0 && lost.every(({ path }) => path && findRefusalOfEndpoint(path))) {
    const endpoints = [...new Set(lost.map(({ endpoint }) => endpoint ?? ''))];
    const text = `${shares}: ${countNames(endpoints, 'endpoint')} ${endpoints.length === 1 ? 'is' : 'are'} ${refusedToo}`;
    return { reason: { code: 'refused-endpoint', text }, steps };
  }
  const text =
    end?.line === undefined
      ? `the outcome is random, which never happens with svc2nft's rules: ${shares}`
      : `${shares}, by ${ruleOfOthers(end)}`;
  return { reason: { code: 'mixed', text }, steps };
}

const words = {
  translated: 'sent to endpoints',
  untouched: 'left untouched',
  rejected: 'rejected',
  dropped: 'dropped',
} as const;
