import { version } from '../version.ts';
import type { GivenContext } from './context.ts';
import { exitCodes } from './exit-codes.ts';

/**
 * Runs the program in this process. Loads nothing that the arguments do not ask for, to start quickly.
 *
 * @param args the arguments after the program's name.
 * @returns the exit code; see exit-codes.ts.
 */
export async function main(args: readonly string[], given: GivenContext): Promise<number> {
  const [only, ...others] = args;
  if ((only === '--version' || only === '-V') && others.length === 0) {
    given.stdout.write(`${version}\n`);
    return exitCodes.done;
  }
  const { runProgram } = await import('./program.ts');
  return runProgram(args, given);
}
