/** The text without the lines that show what a command has been doing for a second: a slow machine prints more of them. */
export function withoutProgress(text: string): string {
  return text.replace(/^.* \.\.\.\n?/gm, '');
}
