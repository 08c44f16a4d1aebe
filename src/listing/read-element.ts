import { isMapping, type Mapping } from '../mapping.ts';
import type { Element, SetDeclaration } from '../phases/5-plan/ruleset.ts';
import { type ElementProblems, noteProblem, unnameable } from './element-problems.ts';
import { isCount } from './json-shapes.ts';
import type { DynamicElement } from './listing.ts';
import { printForeignKey, printKey } from './print-key.ts';
import { readSocket } from './read-socket.ts';
import { readVerdict } from './read-verdict.ts';

/**
 * An element of a set that only compilers fill. One that they do not write is a problem, and comes without a value and
 * with an empty comment, so that it equals none of theirs; undefined when it cannot be named.
 */
export function readElement(json: unknown, set: SetDeclaration, problems: ElementProblems): Element | undefined {
  const { key, value, details, problem } = examine(json, set, staticDetails);
  if (problem !== undefined) {
    noteProblem(problems, problem, key);
  }
  if (key === undefined || problem !== undefined) {
    return key === undefined ? undefined : { key, comment: '' };
  }
  const { comment } = details;
  return { key, ...(value && { value }), ...(typeof comment === 'string' && { comment }) };
}

/** An element of a set that traffic fills. What is odd about it is a problem; undefined when it cannot be named. */
export function readDynamicElement(
  json: unknown,
  set: SetDeclaration,
  problems: ElementProblems,
): DynamicElement | undefined {
  const { key, value, details, problem } = examine(json, set, dynamicDetails);
  if (problem !== undefined) {
    noteProblem(problems, problem, key);
  }
  if (key === undefined) {
    return undefined;
  }
  const { timeout, expires } = details;
  return {
    key,
    ...(value && 'address' in value && { value }),
    ...(isCount(timeout) && { timeoutSeconds: timeout }),
    ...(isCount(expires) && { expiresSeconds: expires }),
  };
}

const staticDetails: readonly string[] = ['val', 'comment'];
const dynamicDetails: readonly string[] = [...staticDetails, 'timeout', 'expires'];
const noDetails: Mapping = {};

interface Examined {
  /** Undefined when nft has no words for it. */
  readonly key: string | undefined;
  readonly value: Element['value'];
  /** What else is said of it: comment, timeout, counter. */
  readonly details: Mapping;
  /** What no element of ours has. */
  readonly problem: string | undefined;
}

function examine(json: unknown, set: SetDeclaration, knownDetails: readonly string[]): Examined {
  // A map's element is a pair, and details wrap the key alone.
  const [keyed, valueJson]: unknown[] = Array.isArray(json) ? json : [json];
  const wrapping = isMapping(keyed) ? keyed['elem'] : undefined;
  const details = isMapping(wrapping) ? wrapping : noDetails;
  const keyJson = isMapping(wrapping) ? wrapping['val'] : keyed;
  const value = readValue(valueJson, set);
  const ours = printKey(keyJson, set.key);
  if (ours === undefined) {
    const key = printForeignKey(keyJson);
    return { key, value, details, problem: key === undefined ? unnameable : 'a key that is not understood' };
  }
  const foreign = Object.keys(details).find((detail) => !knownDetails.includes(detail));
  if (foreign !== undefined) {
    return { key: ours, value, details, problem: `a ${foreign}` };
  }
  const isExpected = set.value === undefined ? valueJson === undefined : value !== undefined;
  return { key: ours, value, details, problem: isExpected ? undefined : 'a value that is not understood' };
}

function readValue(json: unknown, { value }: SetDeclaration): Element['value'] {
  if (value === 'verdict') {
    return readVerdict(json);
  }
  return value === 'socket' ? readSocket(json) : undefined;
}
