/** The outside world of a command, so that tests can run it in their own process. */
export interface Streams {
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream & { readonly isTTY?: boolean };
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Whether messages may have colour: on a terminal, unless NO_COLOR says otherwise (no-color.org). */
export function wantsColour({ stderr, env }: Streams): boolean {
  return stderr.isTTY === true && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
}
