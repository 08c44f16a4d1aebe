import { checkJson } from './check-json.ts';

/** The values of a JSON text with the offsets they begin at, and what is wrong behind the last of them, if anything. */
export interface ParsedJson {
  readonly values: readonly { readonly value: unknown; readonly start: number }[];
  readonly error: { readonly offset: number; readonly message: string } | undefined;
}

/** Parses one JSON value, or several in a row, as `kubectl get -o json` prints when it is called several times. */
export function parseJson(text: string): ParsedJson {
  try {
    return { values: [{ value: JSON.parse(text), start: firstWord(text, 0) }], error: undefined };
  } catch {
    return parseSeveral(text);
  }
}

function parseSeveral(text: string): ParsedJson {
  const values: { value: unknown; start: number }[] = [];
  let start = firstWord(text, 0);
  while (start < text.length) {
    const check = checkJson(text, start);
    if (check.kind === 'invalid') {
      return { values, error: check };
    }
    values.push({ value: JSON.parse(text.slice(start, check.end)), start });
    start = firstWord(text, check.end);
  }
  return { values, error: undefined };
}

function firstWord(text: string, start: number): number {
  const word = /\S/g;
  word.lastIndex = start;
  return word.test(text) ? word.lastIndex - 1 : text.length;
}
