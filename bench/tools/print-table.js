// @ts-check

/**
 * Prints a table in Markdown to stdout, with a line of text above it that says how it was measured.
 *
 * @param {string} text
 * @param {string[]} heading
 * @param {string[][]} rows
 */
export function printTable(text, heading, rows) {
  const lines = [heading, heading.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`);
  process.stdout.write(`${text}\n\n${lines.join('\n')}\n\n`);
}

/** @param {number} milliseconds */
export function formatTime(milliseconds) {
  if (milliseconds >= 10_000) {
    return `${(milliseconds / 1000).toFixed(1)} s`;
  }
  if (milliseconds >= 10) {
    return `${milliseconds.toFixed(0)} ms`;
  }
  return milliseconds >= 1 ? `${milliseconds.toFixed(1)} ms` : `${milliseconds.toFixed(2)} ms`;
}
