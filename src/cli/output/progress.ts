import type { RunProgram } from '../../kernel/run-program.ts';
import type { Streams } from '../context.ts';

/** Tells on stderr what a long command is at. */
export interface Progress {
  /** A new step begins; it is told when the command has been at work for a second already, or still is in a second. */
  step(text: string): void;
  /** The same program runner, whose programs are steps. */
  watch(run: RunProgram): RunProgram;
}

/** In milliseconds; who waits no longer than this needs no explanation. */
const patience = 1_000;

/** Does the work of a command, which may tell its steps meanwhile; resolves to what the work does. */
export async function withProgress<T>({ stderr, now }: Streams, work: (progress: Progress) => Promise<T>): Promise<T> {
  const start = now();
  let timer: NodeJS.Timeout | undefined;
  const step = (text: string): void => {
    clearTimeout(timer);
    const tell = (): void => {
      stderr.write(`${text} ...\n`);
    };
    const left = patience - (now() - start);
    if (left <= 0) {
      tell();
    } else {
      timer = setTimeout(tell, left);
    }
  };
  const watch =
    (run: RunProgram): RunProgram =>
    (program, args, input, longest) => {
      step(describeRun(program, args, input));
      return run(program, args, input, longest);
    };
  try {
    return await work({ step, watch });
  } finally {
    clearTimeout(timer);
  }
}

function describeRun(program: string, args: readonly string[], input = ''): string {
  const megabytes = input.length / 1e6;
  return `running ${[program, ...args].join(' ')}${megabytes >= 0.1 ? ` (${megabytes.toFixed(1)} MB)` : ''}`;
}
