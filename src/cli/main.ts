import { CommanderError } from 'commander';
import { exitCodes } from './exit-codes.ts';
import { buildProgram } from './program.ts';
import type { Streams } from './streams.ts';

/**
 * Runs the program in this process.
 *
 * @param args the arguments after the program's name.
 * @returns the exit code; see exit-codes.ts.
 */
export async function main(args: readonly string[], streams: Streams): Promise<number> {
  let exitCode: number = exitCodes.done;
  const program = buildProgram(streams, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) {
      // Commander ends help and version this way too, with exit code 0.
      return error.exitCode === 0 ? exitCodes.done : exitCodes.wrongUsage;
    }
    throw error;
  }
}
