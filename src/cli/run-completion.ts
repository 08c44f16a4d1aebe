import type { Command } from 'commander';
import { completeBash } from './manual/complete-bash.ts';
import { completeFish } from './manual/complete-fish.ts';
import { completeZsh } from './manual/complete-zsh.ts';
import { describeProgram } from './manual/describe-program.ts';
import type { ProgramManual } from './manual/manual.ts';
import type { Streams } from './streams.ts';
import { writeOutput } from './write-output.ts';

export type Shell = 'bash' | 'zsh' | 'fish';

const scripts: Readonly<Record<Shell, (manual: ProgramManual) => string>> = {
  bash: completeBash,
  zsh: completeZsh,
  fish: completeFish,
};

/** Prints the completion script of a shell; resolves to the exit code. */
export async function runCompletion(shell: Shell, program: Command, streams: Streams): Promise<number> {
  return writeOutput(scripts[shell](describeProgram(program)), undefined, streams);
}
