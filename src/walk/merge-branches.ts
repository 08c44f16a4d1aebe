import { invariant } from '../invariant.ts';
import type { Outcome, Share, Step } from './fate.ts';
import type { Branch, Trail } from './walk-chain.ts';

/** The different outcomes of the branches, in the order of their first branch, with the chances of equal ones added up. */
export function mergeBranches(branches: readonly Branch[]): Outcome[] {
  const groups = new Map<string, { readonly branch: Branch; share: Share }>();
  for (const branch of branches) {
    const text = identityOf(branch);
    const group = groups.get(text);
    const share = { numerator: 1, denominator: branch.connection.oneIn };
    if (group) {
      group.share = addShares(group.share, share);
    } else {
      groups.set(text, { branch, share });
    }
  }
  return [...groups.values()].map(({ branch, share }) => outcomeOf(branch, share));
}

function identityOf({ verdict, connection }: Branch): string {
  const { destination, port, translated, masqueraded, mark, changes } = connection;
  return `${verdict} ${destination} ${port} ${translated} ${masqueraded} ${mark} ${changes}`;
}

function outcomeOf({ verdict, connection, trail }: Branch, share: Share): Outcome {
  const { destination, port, masqueraded, mark, memory } = connection;
  return {
    verdict: verdictOf(verdict, connection.translated),
    address: destination,
    port,
    endpoint: destination.includes(':') ? `[${destination}]:${port}` : `${destination}:${port}`,
    masqueraded,
    mark,
    share,
    probability: share.numerator / share.denominator,
    memory,
    steps: stepsOf(trail),
  };
}

function verdictOf(verdict: Branch['verdict'], translated: boolean): Outcome['verdict'] {
  switch (verdict) {
    case 'accept':
      return translated ? 'translated' : 'untouched';
    case 'drop':
      return 'dropped';
    case 'reject':
      return 'rejected';
  }
}

/** The exact sum of two shares, in lowest terms. Throws where the numbers are too large to be exact. */
export function addShares(a: Share, b: Share): Share {
  const common = greatestCommonDivisor(a.denominator, b.denominator);
  const denominator = (a.denominator / common) * b.denominator;
  const numerator = a.numerator * (b.denominator / common) + b.numerator * (a.denominator / common);
  invariant(Number.isSafeInteger(denominator), 'too many branches to count');
  const divisor = greatestCommonDivisor(numerator, denominator);
  return { numerator: numerator / divisor, denominator: denominator / divisor };
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

function stepsOf(trail: Trail | undefined): Step[] {
  const steps: Step[] = [];
  for (let at = trail; at; at = at.before) {
    steps.push(at.step);
  }
  return steps.reverse();
}
