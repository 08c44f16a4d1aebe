import type { RunProgram } from '../../kernel/run-program.ts';
import type { Context } from '../context.ts';

/** Shows on stderr what a slow command is doing. */
export interface Progress {
  /** Starts a step, which is shown once the command has been running for a second. */
  step(text: string): void;
  /** The same runner, with a step for each program it runs. */
  watch(run: RunProgram): RunProgram;
}

/** In milliseconds; a shorter wait needs no explanation. */
const patience = 1_000;

/** Runs the work of a command, which may show its progress; resolves to the result of the work. */
export async function withProgress<T>({ stderr, now }: Context, work: (progress: Progress) => Promise<T>): Promise<T> {
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
    (program, args, input, options) => {
      step(describeRun(program, args, input));
      return run(program, args, input, options);
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
