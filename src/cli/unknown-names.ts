import { describeValue } from '../describe-value.ts';
import { escapeControls } from '../escape-controls.ts';
import { suggestClosest } from '../suggest-closest.ts';

/** A name that somebody gave and nothing has. */
export interface UnknownName {
  readonly name: string;
  /** The same for people, control characters made visible. */
  readonly text: string;
  /** ` (did you mean shop?)`, or nothing. */
  readonly hint: string;
}

/** The names that are not among those known, each with a suggestion. */
export function unknownNames(names: readonly string[], known: ReadonlySet<string>): UnknownName[] {
  return names
    .filter((name) => !known.has(name))
    .map((name) => {
      const closest = suggestClosest(name, [...known]);
      const hint = closest === undefined ? '' : ` (did you mean ${closest}?)`;
      return { name, text: escapeControls(describeValue(name)), hint };
    });
}
