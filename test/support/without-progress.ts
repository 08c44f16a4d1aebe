/** The text without the lines that show what a command has been doing for a second: a slow machine prints more of them. */
export function withoutProgress(text: string): string {
  return text.replace(/^.* \.\.\.(\n|$)/gm, '');
}

/**
 * A clock for tests in which no command may show its progress, however slow the machine is: it goes back by a minute each
 * time it is read, so that a command has never been running for a second.
 */
export function clockWithoutProgress(): () => number {
  let time = 0;
  return () => {
    time -= 60_000;
    return time;
  };
}
