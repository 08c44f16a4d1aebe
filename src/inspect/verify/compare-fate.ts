import { countOf } from '../../lib/text.ts';
import type { EndpointAddress } from '../../net/network.ts';
import { endpointText } from '../../net/network.ts';
import { destinationsOf } from '../../walk/choices.ts';
import { type PacketOutcome, summarizeFate } from '../../walk/fate.ts';
import { answerOf, mergeBranches, verdictOf } from '../../walk/merge-branches.ts';
import type { Branch } from '../../walk/walk-chain.ts';
import type { ExpectedFate } from './expect-fate.ts';
import type { ExpectedEndpoint } from './expectations.ts';
import type { Difference } from './fault-collector.ts';
import type { FaultCode } from './verification.ts';

/**
 * Compares the fate of a packet, by the branches of its walk, with the expected one: returns the worst difference, undefined
 * if there is none.
 */
export type CompareFate = (branches: readonly Branch[], expected: ExpectedFate) => Difference | undefined;

/** A comparison that remembers, for further clients of a frontend, which endpoints an endpoint list leads to. */
export function createFateComparison(): CompareFate {
  const match = createEndpointMatch();
  return (branches, expected) => {
    // Nearly always each endpoint is in one branch, and there is nothing to merge.
    if (isAsExpected(branches.map(arrivalOfBranch), expected, match)) {
      return undefined;
    }
    const outcomes = mergeBranches(branches);
    return isAsExpected(outcomes.map(arrivalOfOutcome), expected, match)
      ? undefined
      : describeDifference(outcomes, expected);
  };
}

function describeDifference(outcomes: readonly PacketOutcome[], expected: ExpectedFate): Difference {
  const summary = summarizeFate({ outcomes });
  const reachesAny = summary.endpoints.length > 0 && expected.endpoints.length > 0;
  const found = reachesAny ? compareEndpoints(summary, expected) : undefined;
  const { verdict, endpoints } = summary;
  if (verdict === 'untouched' && expected.verdict === 'untouched') {
    return about('wrong-source', '', ' are masqueraded, but should keep their source');
  }
  return (
    found ??
    compareAnswer(summary, expected) ??
    about('wrong-verdict', '', ` ${verdictText(verdict, endpoints)}, but should ${expectedText(expected)}`)
  );
}

type Summary = ReturnType<typeof summarizeFate>;

function compareEndpoints({ endpoints }: Summary, expected: ExpectedFate): Difference | undefined {
  const reachable = expected.endpoints.filter(({ text }) => !expected.refusals.has(text));
  const should = new Set(reachable.map(({ text }) => text));
  const does = new Set(endpoints.map(({ endpoint }) => endpoint));
  const unexpected = endpoints.find(({ endpoint }) => !should.has(endpoint));
  const [lost, ...alsoLost] = [...should].filter((text) => !does.has(text));
  const share = shareText({ numerator: 1, denominator: expected.endpoints.length });
  if (unexpected) {
    const instead = lost === undefined ? '' : `; ${lost} gets none, but should get ${share}`;
    return about(
      'wrong-endpoint',
      `${unexpected.endpoint} gets ${shareText(unexpected.share)} of the `,
      `, but should get none${instead}`,
    );
  }
  if (lost !== undefined) {
    const others = alsoLost.length > 0 ? ` and ${alsoLost.length.toLocaleString('en')} more get` : ' gets';
    return about('wrong-endpoint', `${lost}${others} none of the `, `, but should get ${share}`);
  }
  const uneven = endpoints.find((one) => shareText(one.share) !== share);
  if (uneven) {
    const before = `${uneven.endpoint} gets ${shareText(uneven.share)} of the `;
    return about('unequal-shares', before, `, but should get ${share}`);
  }
  return compareSources(endpoints, expected);
}

/** Of connections that are rightly rejected. */
function compareAnswer({ rejectedWith }: Summary, expected: ExpectedFate): Difference | undefined {
  const { verdict, refusals, rejection, reason } = expected;
  const mayBeRejected = verdict === 'rejected' || [...refusals.values()].includes('rejected');
  if (!mayBeRejected || rejectedWith === undefined || rejectedWith === rejection) {
    return undefined;
  }
  const does = `are rejected with ${answers[rejectedWith]}`;
  return about('wrong-verdict', '', ` ${does}, but should be with ${answers[rejection]}${because[reason]}`);
}

const answers = {
  'tcp-reset': 'a TCP reset',
  'port-unreachable': 'an ICMP error',
  mixed: 'a TCP reset or an ICMP error at random',
} as const;

function compareSources(endpoints: Summary['endpoints'], expected: ExpectedFate): Difference | undefined {
  const known = new Map(expected.endpoints.map((endpoint) => [endpoint.text, endpoint]));
  const first = endpoints.find(({ endpoint: text, masqueraded }) => {
    const endpoint = known.get(text);
    return endpoint !== undefined && masqueraded !== expected.isMasqueraded(endpoint);
  });
  if (!first) {
    return undefined;
  }
  const to = endpoints.length > 1 ? ` to ${first.endpoint}` : '';
  const does = first.masqueraded
    ? 'are masqueraded, but should keep their source'
    : 'keep their source, but should be masqueraded';
  return about('wrong-source', '', `${to} ${does}`);
}

/** One or several outcomes that only their destinations tell apart. */
interface Arrival extends Pick<PacketOutcome, 'verdict' | 'rejectedWith' | 'masqueraded' | 'share'> {
  readonly destinations: readonly EndpointAddress[];
}

function arrivalOfBranch(branch: Branch): Arrival {
  const { masqueraded, share } = branch.connection;
  return {
    verdict: verdictOf(branch),
    rejectedWith: answerOf(branch),
    masqueraded,
    share,
    destinations: destinationsOf(branch.connection),
  };
}

function arrivalOfOutcome(outcome: PacketOutcome): Arrival {
  const { verdict, rejectedWith, masqueraded, share } = outcome;
  return { verdict, rejectedWith, masqueraded, share, destinations: [outcome] };
}

/** Whether each endpoint appears once, with its share and the right source, and nothing else does. */
function isAsExpected(arrivals: readonly Arrival[], expected: ExpectedFate, match: EndpointMatch): boolean {
  const { endpoints, verdict, refusals, rejection, isMasqueraded } = expected;
  if (arrivals.some(({ rejectedWith }) => rejectedWith !== undefined && rejectedWith !== rejection)) {
    return false;
  }
  if (verdict !== 'translated') {
    return arrivals.every((one) => one.verdict === verdict && (verdict !== 'untouched' || !one.masqueraded));
  }
  const [first, ...others] = arrivals.map(({ destinations }) => destinations);
  const matched = match(others.length > 0 ? [first ?? [], ...others].flat() : (first ?? []), endpoints);
  if (!matched) {
    return false;
  }
  let next = 0;
  return arrivals.every(({ verdict: found, share, masqueraded, destinations }) => {
    const reached = matched.slice(next, next + destinations.length);
    next += destinations.length;
    const isEqual = share.numerator === 1 && share.denominator === endpoints.length;
    return (
      isEqual &&
      reached.every((endpoint) => {
        const refusal = refusals.get(endpoint.text);
        return refusal ? found === refusal : found === verdict && masqueraded === isMasqueraded(endpoint);
      })
    );
  });
}

/** The endpoint at each of the destinations; undefined unless these are all endpoints, each once. */
type EndpointMatch = (
  destinations: readonly EndpointAddress[],
  endpoints: readonly ExpectedEndpoint[],
) => readonly ExpectedEndpoint[] | undefined;

function createEndpointMatch(): EndpointMatch {
  const known = new WeakMap<readonly EndpointAddress[], { endpoints: unknown; matched: ReturnType<EndpointMatch> }>();
  return (destinations, endpoints) => {
    const before = known.get(destinations);
    if (before?.endpoints === endpoints) {
      return before.matched;
    }
    const matched = matchEndpoints(destinations, endpoints);
    known.set(destinations, { endpoints, matched });
    return matched;
  };
}

const matchEndpoints: EndpointMatch = (destinations, endpoints) => {
  if (destinations.length !== endpoints.length) {
    return undefined;
  }
  const areInOrder = destinations.every(
    ({ address, port }, index) => endpoints[index]?.address === address && endpoints[index].port === port,
  );
  if (areInOrder) {
    return endpoints;
  }
  const left = new Map(endpoints.map((endpoint) => [endpoint.text, endpoint]));
  const matched: ExpectedEndpoint[] = [];
  for (const destination of destinations) {
    const endpoint = left.get(endpointText(destination));
    if (!endpoint) {
      return undefined;
    }
    left.delete(endpoint.text);
    matched.push(endpoint);
  }
  return matched;
};

function about(code: FaultCode, before: string, after: string): Difference {
  return { code, before: `${before}connections from `, after };
}

function shareText({ numerator, denominator }: PacketOutcome['share']): string {
  return denominator === 1 ? 'all' : `${numerator}/${denominator}`;
}

function verdictText(verdict: Summary['verdict'], endpoints: Summary['endpoints']): string {
  switch (verdict) {
    case 'translated':
      return `reach ${endpoints[0]?.endpoint}${endpoints.length > 1 ? ` and ${endpoints.length - 1} more` : ''}`;
    case 'untouched':
      return 'are not translated';
    case 'mixed':
      return 'meet different verdicts at random';
    default:
      return `are ${verdict}`;
  }
}

function expectedText({ verdict, reason, endpoints }: ExpectedFate): string {
  switch (verdict) {
    case 'translated':
      return `reach ${endpoints.length === 1 ? endpoints[0]?.text : countOf(endpoints.length, 'endpoint')}`;
    case 'untouched':
      return 'not be translated';
    default:
      return `be ${verdict}${because[reason]}`;
  }
}

const because = {
  endpoints: '',
  'no-endpoints': ' (no endpoints)',
  'no-local-endpoints': ' (no endpoints on this node)',
  'source-range': ' (not in a source range)',
  localhost: ' (loopback addresses refuse this node port)',
  'loopback-guard': ' (loopback addresses are guarded)',
  'unknown-port': ' (the cluster IP does not have this port)',
  unallocated: ' (no Service has this cluster IP)',
  'refused-endpoint': ' (the endpoint is a cluster IP, or a frontend that refuses connections)',
  'not-a-service': '',
} as const;
