import { addShares } from '../walk/merge-branches.ts';
import type { Findings } from './explain-context.ts';
import type { Refusal } from './explain-refusal.ts';
import { referTo } from './read-way.ts';

/** Where chance decides whether the packet arrives, as it does when an endpoint map lacks an index. */
export function explainMixed({ fate, ways }: Findings): Refusal {
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
