import type { Streams } from './streams.ts';

/** A flag that may take stdin as well as the paths. */
interface OtherInput {
  readonly flag: string;
  readonly value: string | undefined;
}

/** Whether both paths and a flag want stdin, which can be read once only. Says so. */
export function wantsStdinTwice(paths: readonly string[], { flag, value }: OtherInput, { stderr }: Streams): boolean {
  const wants = value === '-' && paths.includes('-');
  if (wants) {
    stderr.write(`error: stdin can be read once only: give PATH or ${flag} a file or folder (see --help)\n`);
  }
  return wants;
}
