import type { Part, Parts } from './read-parts.ts';

/** At most so many idle chains may be left over. */
const mostIdleChains = 64;

/**
 * Whether one table means the same as another. The endpoints of a frontend may be in any order, as long as their indices
 * are 0 to n - 1, and there may be idle chains in addition, with the empty maps that they read.
 *
 * @returns what is different, a line for each part; empty when nothing is.
 */
export function compareParts(found: Parts, wanted: Parts): string[] {
  const differences = [...wanted].flatMap(([name, part]) => comparePart(name, found.get(name), part));
  const extras = new Map([...found].filter(([name]) => !wanted.has(name)));
  return [...differences, ...judgeExtras(extras)];
}

function comparePart(name: string, found: Part | undefined, wanted: Part): string[] {
  if (!found) {
    return [`${name} is missing`];
  }
  const a = meaningOf(found);
  const b = meaningOf(wanted);
  return a === b ? [] : [`${name} is ${a} and not ${b}`];
}

function meaningOf(part: Part): string {
  return JSON.stringify([part.lines, isEndpointMap(part) ? forgetIndices(part.elements) : part.elements]);
}

/** A key with a random number in it: only endpoint maps have that. */
function isEndpointMap({ lines }: Part): boolean {
  return lines.some((line) => /^typeof .*numgen random/.test(line));
}

/** `10.96.0.10 . 80 . 0 : 10.244.1.10 . 8080` and its like, by frontend, with the endpoints of each sorted. */
function forgetIndices(elements: readonly string[]): string[] {
  const frontends = new Map<string, Map<number, string>>();
  for (const element of elements) {
    const [, key = '', index, endpoint = ''] = /^(.*) \. (\d+) : (.*)$/.exec(element) ?? [];
    const endpoints = frontends.get(key) ?? new Map<number, string>();
    frontends.set(key, endpoints.set(Number(index), endpoint));
  }
  const texts = [...frontends].map(([key, endpoints]) => {
    const indices = [...endpoints.keys()].sort((a, b) => a - b);
    const isWhole = indices.every((index, position) => index === position);
    return `${key}${isWhole ? '' : ` with indices ${indices}`} : ${[...endpoints.values()].sort()}`;
  });
  return texts.sort();
}

function isBaseChain({ lines }: Part): boolean {
  return lines.some((line) => line.startsWith('type '));
}

const idleChain =
  /^ip6? svc2nft chain (tcp|udp|sctp)(-nodeport)?(-sticky)?-((cluster|local|external)-\d+|external-local-\d+-\d+)$/;

/** Complaints about additional parts that are neither idle chains nor maps of idle chains. */
function judgeExtras(extras: Parts): string[] {
  const idle = new Map([...extras].filter(([name, part]) => idleChain.test(name) && !isBaseChain(part)));
  const read = new Set(
    [...idle.values()].flatMap(({ lines }) => lines.flatMap((line) => / map @(\S+)$/.exec(line)?.[1] ?? [])),
  );
  const unknown = [...extras].filter(([name, part]) => {
    const isIdleMap = part.elements.length === 0 && isEndpointMap(part) && read.has(name.replace(/.* map /, ''));
    return !idle.has(name) && !isIdleMap;
  });
  return [
    ...unknown.map(([name]) => `${name} should not be there`),
    ...(idle.size > mostIdleChains ? [`there are ${idle.size} idle chains`] : []),
  ];
}
