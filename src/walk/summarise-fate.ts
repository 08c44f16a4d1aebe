import type { Fate, Outcome, Share } from './fate.ts';
import { addShares } from './merge-branches.ts';

/** A fate in the words that one would use for it. */
export interface FateSummary {
  /** `mixed` where chance decides even that. */
  readonly verdict: Outcome['verdict'] | 'mixed';
  /** Where the packet may be sent if it is translated, `10.1.1.1:80`, sorted, each with its share. */
  readonly endpoints: readonly {
    readonly endpoint: string;
    readonly share: Share;
    readonly masqueraded: boolean | 'mixed';
  }[];
  /** Whether the source is rewritten, over all outcomes in which the packet arrives; false where it never does. */
  readonly masqueraded: boolean | 'mixed';
}

/** Puts the outcomes of a walk together, forgetting ways and memories. */
export function summariseFate({ outcomes }: Fate): FateSummary {
  const arriving = outcomes.filter(({ verdict }) => verdict === 'translated' || verdict === 'untouched');
  const byEndpoint = new Map<string, Outcome[]>();
  for (const outcome of outcomes.filter(({ verdict }) => verdict === 'translated')) {
    byEndpoint.set(outcome.endpoint, [...(byEndpoint.get(outcome.endpoint) ?? []), outcome]);
  }
  const endpoints = [...byEndpoint].map(([endpoint, same]) => ({
    endpoint,
    share: same.map(({ share }) => share).reduce(addShares),
    masqueraded: common(same.map(({ masqueraded }) => masqueraded)) ?? false,
  }));
  return {
    verdict: common(outcomes.map(({ verdict }) => verdict)) ?? 'untouched',
    endpoints: endpoints.sort((a, b) => (a.endpoint < b.endpoint ? -1 : 1)),
    masqueraded: common(arriving.map(({ masqueraded }) => masqueraded)) ?? false,
  };
}

/** The value that all have; `mixed` where they differ, undefined where there is none. */
function common<T>(values: readonly T[]): T | 'mixed' | undefined {
  return new Set(values).size > 1 ? 'mixed' : values[0];
}
