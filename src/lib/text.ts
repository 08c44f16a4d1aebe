/** Negative, 0 or positive, comparing by code units: for ASCII that is byte order, the same in every locale. */
export function compareText(a: string, b: string): number {
  if (a === b) {
    return 0;
  }
  return a < b ? -1 : 1;
}

/** Like compareText, for names such as `shop/web-1:http`, part by part: shop/web-1:http, shop/web-10:http, shop-2/web. */
export function compareNames(a: string, b: string): number {
  return compareText(a.replace(/[/:]/g, '\0'), b.replace(/[/:]/g, '\0'));
}

/**
 * The text with control characters, invisible format characters (which can reverse the direction of a line), line
 * separators and lone surrogates as escapes such as `\t` and `\u001b`.
 */
export function escapeControls(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, escapeCharacter);
}

const shortEscapes: ReadonlyMap<string, string> = new Map([
  ['\t', '\\t'],
  ['\n', '\\n'],
  ['\r', '\\r'],
]);

function escapeCharacter(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  return (
    shortEscapes.get(character) ?? `\\u${code > 0xffff ? `{${code.toString(16)}}` : code.toString(16).padStart(4, '0')}`
  );
}

/** A text for HTML, in elements and quoted attributes; control characters are escaped as in {@link escapeControls}. */
export function escapeHtml(text: string): string {
  return escapeControls(text).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/**
 * A text, or its beginning and `...` if it is long.
 *
 * @param longest how much is shown, in UTF-16 units.
 */
export function cutText(text: string, longest: number): string {
  return text.length > longest ? `${text.slice(0, longest)}...` : text;
}

/** What looks like a credential: private keys, JSON Web Tokens, the values of an Authorization header, the user of a URL. */
const credentials: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/gs, '[hidden]'],
  [/\beyJ[\w-]{8,}(?:\.[\w-]*)*/g, '[hidden]'],
  [/\b(Bearer|Basic) +[^\s"',]{16,}/g, '$1 [hidden]'],
  [/(\w:\/\/)[^\s/@]+@/g, '$1[hidden]@'],
];

/** A text of others, which may go into a log, with `[hidden]` in place of what looks like a credential. */
export function hideCredentials(text: string): string {
  return credentials.reduce((rest, [pattern, replacement]) => rest.replace(pattern, replacement), text);
}

/** `a, b and c`. */
export function listWords(words: readonly string[], conjunction: 'and' | 'or' = 'and'): string {
  const last = words.at(-1) ?? '';
  return words.length < 2 ? last : `${words.slice(0, -1).join(', ')} ${conjunction} ${last}`;
}

/** The first `limit` texts; if there are others, how many, as `12 more`, is the last. */
export function limitList(texts: readonly string[], limit: number): string[] {
  const others = texts.length - limit;
  return others > 0 ? [...texts.slice(0, limit), `${others.toLocaleString('en')} more`] : [...texts];
}

/** `a, b`; of more than `limit` texts, `a, b and 12 more`. */
export function listSome(texts: readonly string[], limit: number): string {
  return texts.length > limit ? listWords(limitList(texts, limit)) : texts.join(', ');
}

/** `1 error`, `2,000 errors`. */
export function countOf(number: number, noun: string): string {
  return `${number.toLocaleString('en')} ${noun}${number === 1 ? '' : 's'}`;
}

/** `once`, `2 times`. */
export function timesText(count: number): string {
  return count === 1 ? 'once' : countOf(count, 'time');
}

/** `600 s`, `10,800 s`. */
export function secondsText(seconds: number): string {
  return `${seconds.toLocaleString('en')} s`;
}

/** `3 ms`, `12 s`, `5 min`, `3 h 20 min`, `12 d 4 h`. */
export function durationText(seconds: number): string {
  if (seconds < 1) {
    return `${Number((seconds * 1_000).toPrecision(2))} ms`;
  }
  const whole = Math.floor(seconds);
  const units = [
    [86_400, 'd'],
    [3_600, 'h'],
    [60, 'min'],
    [1, 's'],
  ] as const;
  const at = units.findIndex(([size]) => whole >= size);
  const [size, unit] = units[at] ?? [1, 's'];
  const [nextSize, next] = units[at + 1] ?? [1, ''];
  const rest = Math.floor((whole % size) / nextSize);
  const isShort = unit === 's' || unit === 'min' || rest === 0;
  return `${Math.floor(whole / size)} ${unit}${isShort ? '' : ` ${rest} ${next}`}`;
}

/**
 * `1 Node (a)`, `2 Nodes (a, b)`, `12 Nodes (a, b, c, d, e, f, g, h, ...)`.
 *
 * @param limit how many names are shown at most.
 */
export function countNames(names: readonly string[], noun: string, limit = 8): string {
  const shown = names.length > limit ? [...names.slice(0, limit), '...'] : names;
  return `${countOf(names.length, noun)} (${shown.join(', ')})`;
}

/** The lines as one text, each with a line break at its end. */
export function joinLines(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('');
}

/**
 * The words of a text on lines of at most `width` characters; a longer word has a line of its own. Color takes no room.
 *
 * @param firstWidth how many characters the first line may have.
 */
export function wrapText(text: string, width: number, firstWidth: number = width): string[] {
  const lines: string[] = [];
  let room = 0;
  for (const word of text.split(' ')) {
    const needed = 1 + lengthOf(word);
    const last = lines.at(-1);
    if (last !== undefined && needed <= room) {
      lines[lines.length - 1] = `${last} ${word}`;
      room -= needed;
    } else {
      lines.push(word);
      room = (last === undefined ? firstWidth : width) - needed + 1;
    }
  }
  return lines;
}

/** Least room in which words are easier to read than below their line. */
const leastRoom = 24;

/**
 * A line as lines of at most `width` characters, as wrapText breaks them. Further lines begin where its second column does,
 * after two blanks or more, or if that leaves too little room, two blanks deeper than the line.
 */
export function wrapLine(line: string, width: number): string[] {
  if (lengthOf(line) <= width) {
    return [line];
  }
  const blanks = line.length - line.trimStart().length;
  // From the beginning of each run of blanks only: from each of its blanks, a long one would take quadratic time.
  const gap = /(?<! ) {2,}(?=\S)/.exec(line.slice(blanks));
  const head = gap ? line.slice(0, blanks + gap.index + gap[0].length) : '';
  if (head !== '' && width - lengthOf(head) >= leastRoom) {
    const [first = '', ...others] = wrapText(line.slice(head.length), width - lengthOf(head));
    return [head + first, ...others.map((text) => ' '.repeat(lengthOf(head)) + text)];
  }
  const margin = ' '.repeat(blanks);
  const [first = '', ...others] = wrapText(line.slice(blanks), width - blanks - 2, width - blanks);
  return [margin + first, ...others.map((text) => `${margin}  ${text}`)];
}

const colorCode = new RegExp(`${String.fromCharCode(27)}\\[[\\d;]*m`, 'g');

/** The text without the codes that paint it on a terminal. */
export function withoutColor(text: string): string {
  return text.includes('\u001b') ? text.replace(colorCode, '') : text;
}

/** In UTF-16 units. */
function lengthOf(text: string): number {
  return withoutColor(text).length;
}

/** The word that `text` probably stands for: equal except for case, or at most two typos away; otherwise undefined. */
export function suggestClosest(text: string, words: readonly string[]): string | undefined {
  const lower = text.toLowerCase();
  const sameLetters = words.find((word) => word.toLowerCase() === lower);
  if (sameLetters !== undefined || text.length > 64) {
    return sameLetters;
  }
  let closest: string | undefined;
  let most = 2;
  for (const word of words) {
    const distance = editDistance(lower, word.toLowerCase(), most);
    if (distance <= most && distance < word.length / 2) {
      closest = word;
      most = distance - 1;
    }
  }
  return closest;
}

/**
 * How many letters must be added, removed, changed, or swapped with the next one to turn one text into the other; Infinity
 * beyond `most`, which is small: names are compared by the thousand.
 */
function editDistance(a: string, b: string, most: number): number {
  if (Math.abs(a.length - b.length) > most) {
    return Number.POSITIVE_INFINITY;
  }
  let at = 0;
  while (at < a.length && a[at] === b[at]) {
    at += 1;
  }
  if (at === a.length && at === b.length) {
    return 0;
  }
  const after = (skippedOfA: number, skippedOfB: number): number =>
    1 + editDistance(a.slice(at + skippedOfA), b.slice(at + skippedOfB), most - 1);
  const isSwapped = at + 1 < a.length && a[at] === b[at + 1] && a[at + 1] === b[at];
  return Math.min(after(1, 0), after(0, 1), after(1, 1), isSwapped ? after(2, 2) : Number.POSITIVE_INFINITY);
}

/** Thrown for a text that a reader of rules does not understand, with the place of the problem, counted from 1. */
export class TextError extends Error {
  override readonly name = 'TextError';
  readonly line: number;
  /** In UTF-16 units. */
  readonly column: number;
  /** The whole line at that place, without its line feed. */
  readonly lineText: string;

  constructor(message: string, text: string, offset: number) {
    super(message);
    const start = offset === 0 ? 0 : text.lastIndexOf('\n', offset - 1) + 1;
    const feed = text.indexOf('\n', offset);
    this.line = countLineFeeds(text, start) + 1;
    this.column = offset - start + 1;
    this.lineText = text.slice(start, feed < 0 ? text.length : feed);
  }
}

function countLineFeeds(text: string, end: number): number {
  let count = 0;
  for (let feed = text.indexOf('\n'); feed >= 0 && feed < end; feed = text.indexOf('\n', feed + 1)) {
    count++;
  }
  return count;
}
