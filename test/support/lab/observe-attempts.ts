import { sortByAddress } from '../../../src/net/address.ts';
import { canonicalEndpoint } from '../packets.ts';
import type { AttemptResult } from './start-agent.ts';

/**
 * What became of one packet's connections: `reset` by a TCP reset, `unreachable` by an ICMP error of the ruleset's;
 * `failed` is what the laboratory has no word for, see `failures`.
 */
type Fate = 'endpoint' | 'reset' | 'unreachable' | 'dropped' | 'untouched' | 'failed';

/** What the connections of one packet showed, taken together. All lists are sorted and without duplicates. */
export interface Observation {
  readonly connections: number;
  readonly fates: readonly Fate[];
  /** Endpoints reached, as canonical `address:port` or `[address]:port`. */
  readonly endpoints: readonly string[];
  /** Endpoints that saw another source, address or port, than the client used. */
  readonly masqueraded: readonly string[];
  /** Endpoints that saw the client's own source. With inconsistent rules an endpoint is in both lists. */
  readonly preserved: readonly string[];
  /** What happened to those that failed, as a verb and its object. */
  readonly failures: readonly string[];
}

/** Sums up the results of one packet's connections. */
export function observeAttempts(results: readonly AttemptResult[]): Observation {
  const seen = results.map(interpret);
  const reached = seen.filter((one) => one.fate === 'endpoint');
  return {
    connections: results.length,
    fates: distinct(seen.map((one) => one.fate)),
    endpoints: distinct(reached.map((one) => one.endpoint)),
    masqueraded: distinct(reached.filter((one) => one.masqueraded).map((one) => one.endpoint)),
    preserved: distinct(reached.filter((one) => !one.masqueraded).map((one) => one.endpoint)),
    failures: distinct(seen.flatMap((one) => (one.fate === 'failed' ? [one.failure] : []))),
  };
}

type Interpretation =
  | { readonly fate: 'endpoint'; readonly endpoint: string; readonly masqueraded: boolean }
  | { readonly fate: 'reset' | 'unreachable' | 'dropped' | 'untouched' }
  | { readonly fate: 'failed'; readonly failure: string };

function interpret(result: AttemptResult): Interpretation {
  if ('at' in result) {
    // The port as well: toward the node's own addresses masquerading may choose the address that the client has.
    const masqueraded = canonicalEndpoint(result.saw) !== canonicalEndpoint(result.from);
    return { fate: 'endpoint', endpoint: canonicalEndpoint(result.at), masqueraded };
  }
  if ('icmp' in result) {
    return interpretIcmp(result.icmp.join('/'));
  }
  if ('silent' in result) {
    return { fate: 'dropped' };
  }
  return 'error' in result
    ? { fate: 'failed', failure: `could not be sent: ${result.error}` }
    : // Whatever the ruleset leaves alone is answered by the laboratory, so a reset is the ruleset's.
      { fate: 'reset' };
}

/** Type and code of ICMP for IPv4 (3, 11) and IPv6 (1, 3), which have no pair in common here. */
function interpretIcmp(typeAndCode: string): Interpretation {
  switch (typeAndCode) {
    case '3/3':
    case '1/4':
      return { fate: 'unreachable' };
    case '3/13':
    case '1/1':
      return { fate: 'untouched' };
    case '3/0':
    case '1/0':
      return { fate: 'failed', failure: "was translated to an address of the node's that no packet expects" };
    default:
      return { fate: 'failed', failure: `got ICMP type/code ${typeAndCode}` };
  }
}

function distinct<Text extends string>(texts: readonly Text[]): Text[] {
  return sortByAddress([...new Set(texts)], (text) => text);
}
