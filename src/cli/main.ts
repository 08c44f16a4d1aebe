import { CommanderError } from 'commander';
import type { RunProgram } from '../apply/run-program.ts';
import { withLock, withoutLock } from '../apply/with-lock.ts';
import { exitCodes } from './exit-codes.ts';
import { buildProgram } from './program.ts';
import type { GivenStreams, Streams } from './streams.ts';
import { suggestCommand } from './suggest-command.ts';

/**
 * Runs the program in this process.
 *
 * @param args the arguments after the program's name.
 * @returns the exit code; see exit-codes.ts.
 */
export async function main(args: readonly string[], given: GivenStreams): Promise<number> {
  let exitCode: number = exitCodes.done;
  const program = buildProgram(completeStreams(given), (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (!(error instanceof CommanderError)) {
      throw error;
    }
    // Commander ends help and version this way too, with exit code 0.
    if (error.exitCode === 0) {
      return exitCodes.done;
    }
    // The options of a command that is mistyped are no options of `compile`.
    const suggestion = suggestCommand(program.args[0], program);
    if (suggestion) {
      given.stderr.write(`${suggestion}\n`);
    }
    return exitCodes.wrongUsage;
  }
}

/** Starts no program before one is needed, and loads nothing for it: most calls only compile. */
function completeStreams({ stdin, stdout, stderr, env, run, now }: GivenStreams): Streams {
  const runOnDemand: RunProgram = async (program, args, input, longest) => {
    const { createRunProgram } = await import('../apply/run-program.ts');
    return createRunProgram({ env })(program, args, input, longest);
  };
  // Who brings programs brings the kernel that they speak to.
  const lock = run ? withoutLock : withLock;
  return { stdin, stdout, stderr, env, lock, run: run ?? runOnDemand, now: now ?? ((): number => performance.now()) };
}
