import { endpointText } from '../net/network.ts';
import { separateChoices } from './choices.ts';
import { addShares, type PacketOutcome, type Share, type Step } from './fate.ts';
import type { Branch, Trail } from './walk-chain.ts';

/** The different outcomes of the branches, in the order of their first branch; the shares of equal ones are added. */
export function mergeBranches(branches: readonly Branch[]): PacketOutcome[] {
  const single = branches.flatMap(separate);
  if (single.length === 1) {
    return single.map((branch) => outcomeOf(branch, branch.connection.share));
  }
  const groups = new Map<string, { readonly branch: Branch; share: Share }>();
  for (const branch of single) {
    const text = identityOf(branch);
    const group = groups.get(text);
    const { share } = branch.connection;
    if (group) {
      group.share = addShares(group.share, share);
    } else {
      groups.set(text, { branch, share });
    }
  }
  return [...groups.values()].map(({ branch, share }) => outcomeOf(branch, share));
}

/**
 * The branches in which no uncertain match was taken to hold. They are certain if those in which one was all end as they do, and
 * uncertain otherwise.
 */
export function settleDoubts(branches: readonly Branch[]): Branch[] {
  const ends = new Map<object, Set<string>>();
  for (const branch of branches) {
    const { doubt } = branch.connection;
    if (doubt) {
      const known = ends.get(doubt.of) ?? new Set();
      ends.set(doubt.of, known.add(identityOf(branch)));
    }
  }
  return branches.flatMap((branch) => {
    const { doubt } = branch.connection;
    if (!doubt) {
      return branch;
    }
    const isUncertain = branch.connection.isUncertain || (ends.get(doubt.of)?.size ?? 0) > 1;
    return doubt.isOther ? [] : { ...branch, connection: { ...branch.connection, isUncertain } };
  });
}

/** Branches with a single destination each. */
function separate(branch: Branch): readonly Branch[] {
  const { connection, verdict, trail } = branch;
  return connection.choices
    ? separateChoices(connection).map((one) => ({ connection: one, verdict, trail }))
    : [branch];
}

function identityOf({ verdict, connection }: Branch): string {
  const { destination, port, translated, masqueraded, mark, isUncertain, changes } = connection;
  return `${verdict} ${destination} ${port} ${translated} ${masqueraded} ${mark} ${isUncertain} ${changes}`;
}

function outcomeOf({ verdict, connection, trail }: Branch, share: Share): PacketOutcome {
  const { destination, port, masqueraded, mark, isUncertain, memory } = connection;
  return {
    verdict: verdictOf({ verdict, connection }),
    rejectedWith: answerOf({ verdict }),
    address: destination,
    port,
    endpoint: endpointText({ address: destination, port }),
    masqueraded,
    mark,
    share,
    probability: share.numerator / share.denominator,
    ...(isUncertain && { isUncertain }),
    memory,
    steps: stepsOf(trail),
  };
}

/** How a branch ends, in the words of outcomes. */
export function verdictOf({ verdict, connection }: Pick<Branch, 'verdict' | 'connection'>): PacketOutcome['verdict'] {
  switch (verdict) {
    case 'accept':
      return connection.translated ? 'translated' : 'untouched';
    case 'drop':
      return 'dropped';
    case 'reject':
    case 'tcp-reset':
      return 'rejected';
  }
}

/** How a branch that ends with a rejection answers; undefined for any other. */
export function answerOf({ verdict }: Pick<Branch, 'verdict'>): PacketOutcome['rejectedWith'] {
  return answers[verdict];
}

const answers = {
  accept: undefined,
  drop: undefined,
  reject: 'port-unreachable',
  'tcp-reset': 'tcp-reset',
} as const satisfies Record<Branch['verdict'], PacketOutcome['rejectedWith']>;

function stepsOf(trail: Trail | undefined): Step[] {
  const steps: Step[] = [];
  for (let at = trail; at; at = at.before) {
    steps.push(at.step);
  }
  return steps.reverse();
}
