import type { Oddity } from './listing.ts';

/** What is odd about the elements of one set: each reason once, however many elements have it. */
export type ElementProblems = Map<string, { readonly first: string | undefined; count: number }>;

/** The problem that no command for a single element can solve, as it would have to name the element. */
export const unnameable = 'a key that nft has no words for';

/** Notes that an element has something that no element of ours has, `a counter`. */
export function noteProblem(problems: ElementProblems, reason: string, key: string | undefined): void {
  const known = problems.get(reason);
  if (known) {
    known.count++;
  } else {
    problems.set(reason, { first: key, count: 1 });
  }
}

/** The problems of a set, `map service-ips`, as oddities. */
export function describeProblems(place: string, problems: ElementProblems): Oddity[] {
  return [...problems].map(([reason, { first, count }]) => {
    const who = count === 1 ? 'one element has' : `${count} elements have`;
    const example = first === undefined ? '' : ` (${count === 1 ? '' : 'the first is '}${first})`;
    return { message: `${place}: ${who} ${reason}${example}`, needsRebuild: reason === unnameable };
  });
}
