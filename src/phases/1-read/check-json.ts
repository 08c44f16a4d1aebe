import { isBlank } from './json-characters.ts';

/** What one JSON value in a text looks like: where it ends, or what is wrong with it and where. */
export type JsonCheck =
  | { readonly kind: 'valid'; readonly end: number }
  | { readonly kind: 'invalid'; readonly offset: number; readonly message: string };

type Expecting = 'value' | 'value or ]' | 'key' | 'key or }' | 'colon' | 'comma or end';

/**
 * Checks the JSON value that begins at or after `start` against RFC 8259. Only for texts that JSON.parse refused:
 * what it says about the place differs between engine versions. Text that is cut off is invalid at its end.
 */
export function checkJson(text: string, start: number): JsonCheck {
  const open: ('{' | '[')[] = [];
  let expecting: Expecting = 'value';
  let offset = start;
  for (;;) {
    while (isBlank(text.charCodeAt(offset))) {
      offset += 1;
    }
    const step = readToken(text, offset, expecting, open.at(-1));
    if (step.kind === 'invalid') {
      return step;
    }
    offset = step.end;
    if (step.opens) {
      open.push(step.opens);
    } else if (step.closes) {
      open.pop();
    }
    if (open.length === 0) {
      return { kind: 'valid', end: offset };
    }
    expecting = step.next;
  }
}

interface Token {
  readonly kind: 'token';
  readonly end: number;
  readonly next: Expecting;
  readonly opens?: '{' | '[';
  readonly closes?: true;
}

type Invalid = Extract<JsonCheck, { kind: 'invalid' }>;

function readToken(text: string, offset: number, expecting: Expecting, inside: '{' | '[' | undefined): Token | Invalid {
  if (offset >= text.length) {
    return invalid(text.length, inside ? `the text is cut off inside ${nameOf(inside)}` : 'a value is missing');
  }
  const character = text.charAt(offset);
  const closing = inside === '{' ? '}' : ']';
  const mayClose = expecting === 'comma or end' || expecting === 'value or ]' || expecting === 'key or }';
  if (mayClose && character === closing) {
    return { kind: 'token', end: offset + 1, next: 'comma or end', closes: true };
  }
  return readExpected(text, offset, expecting, inside);
}

function readExpected(
  text: string,
  offset: number,
  expecting: Expecting,
  inside: '{' | '[' | undefined,
): Token | Invalid {
  const character = text.charAt(offset);
  switch (expecting) {
    case 'value':
    case 'value or ]':
      return readValue(text, offset);
    case 'key':
    case 'key or }':
      return character === '"'
        ? readString(text, offset, 'colon')
        : invalid(offset, 'a key in double quotes is expected here');
    case 'colon':
      return character === ':'
        ? { kind: 'token', end: offset + 1, next: 'value' }
        : invalid(offset, 'a colon is expected here');
    case 'comma or end':
      return character === ','
        ? { kind: 'token', end: offset + 1, next: inside === '{' ? 'key' : 'value' }
        : invalid(offset, `a comma or ${inside === '{' ? '}' : ']'} is expected here`);
  }
}

function readValue(text: string, offset: number): Token | Invalid {
  const character = text.charAt(offset);
  if (character === '{' || character === '[') {
    return { kind: 'token', end: offset + 1, next: character === '{' ? 'key or }' : 'value or ]', opens: character };
  }
  if (character === '"') {
    return readString(text, offset, 'comma or end');
  }
  const word = /true|false|null|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
  word.lastIndex = offset;
  if (!word.test(text)) {
    const rest = text.slice(offset, offset + 8);
    const isCut =
      offset + rest.length === text.length && ['true', 'false', 'null', '-'].some((w) => w.startsWith(rest));
    return isCut ? cutOff(text) : invalid(offset, 'a value is expected here');
  }
  const end = word.lastIndex;
  const isCutNumber = text.length - end <= 2 && /^(\.|[eE][+-]?)$/.test(text.slice(end));
  return isCutNumber ? cutOff(text) : { kind: 'token', end, next: 'comma or end' };
}

function cutOff(text: string): Invalid {
  return invalid(text.length, 'the text is cut off here');
}

function readString(text: string, start: number, next: Expecting): Token | Invalid {
  let offset = start + 1;
  while (offset < text.length) {
    const code = text.charCodeAt(offset);
    if (code === 0x22) {
      return { kind: 'token', end: offset + 1, next };
    }
    if (code < 0x20) {
      return invalid(offset, 'a string goes on over the end of its line, or holds a control character');
    }
    const length = code === 0x5c ? escapeLength(text, offset) : 1;
    if (length === 0) {
      return invalid(offset, 'no such escape exists in JSON');
    }
    offset += length;
  }
  return invalid(text.length, 'the text is cut off inside a string');
}

/** How many characters the escape at `offset` takes: 2, 6, more than are left when it is cut off, 0 when it is none. */
function escapeLength(text: string, offset: number): number {
  const sequence = text.slice(offset, offset + 6);
  if (/^\\["\\/bfnrt]/.test(sequence)) {
    return 2;
  }
  if (/^\\u[0-9a-fA-F]{4}$/.test(sequence)) {
    return 6;
  }
  const isCut = offset + sequence.length === text.length && /^\\(u[0-9a-fA-F]*)?$/.test(sequence);
  return isCut ? sequence.length : 0;
}

function nameOf(opening: '{' | '['): string {
  return opening === '{' ? 'an object' : 'a list';
}

function invalid(offset: number, message: string): Invalid {
  return { kind: 'invalid', offset, message };
}
