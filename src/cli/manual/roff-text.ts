/** Characters that roff takes for an escape, or prints as something else than they are in ASCII; groff_char(7). */
const escapes: ReadonlyMap<string, string> = new Map([
  ['\\', '\\e'],
  ['-', '\\-'],
  ["'", '\\(aq'],
  ['`', '\\(ga'],
  ['"', '\\(dq'],
  ['^', '\\(ha'],
  ['~', '\\(ti'],
]);

/** The text as it is, wherever it stands in a line. */
export function escapeRoff(text: string): string {
  const escaped = text.replace(/[\\\-'`"^~]/g, (character) => escapes.get(character) ?? character);
  // A dot at the beginning of a line makes it a request.
  return escaped.replace(/^\./, '\\&.');
}

/** Lines as they are, each on a line of its own. */
export function escapeLines(lines: readonly string[]): string {
  return lines.map(escapeRoff).join('\n');
}

/** Prose for a line of its own; words in backticks become bold. */
export function proseToRoff(text: string): string {
  const parts = text.split(/`([^`]+)`/);
  const rendered = parts.map((part, index) => (index % 2 === 1 ? `\\fB${escapeRoff(part)}\\fR` : escapeRoff(part)));
  return rendered.join('');
}
