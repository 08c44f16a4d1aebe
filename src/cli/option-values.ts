import { InvalidArgumentError } from 'commander';

/** A check of src/config/value-problems.ts: what is wrong with a text, or undefined. */
type Check<T> = (value: T) => string | undefined;

/** Reads an option of one value. */
export function checkedText(check: Check<string>): (value: string) => string {
  return (value) => refuse(check(value)) ?? value;
}

/** Reads an option that may be repeated. */
export function checkedList(check: Check<string>): (value: string, previous?: readonly string[]) => readonly string[] {
  return (value, previous = []) => refuse(check(value)) ?? [...previous, value];
}

/** Reads an option of several values with commas between them. */
export function commaList(check: Check<readonly string[]>): (value: string) => readonly string[] {
  return (value) => {
    const values = value.split(',').map((text) => text.trim());
    return refuse(check(values)) ?? values;
  };
}

function refuse(problem: string | undefined): undefined {
  if (problem !== undefined) {
    throw new InvalidArgumentError(problem);
  }
  return undefined;
}
