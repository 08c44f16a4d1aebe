import { existsSync } from 'node:fs';
import { type Command, CommanderError } from 'commander';
import { withLock, withoutLock } from '../apply/with-lock.ts';
import type { RunProgram } from '../kernel/run-program.ts';
import { suggestClosest } from '../lib/text.ts';
import type { GivenStreams, Streams } from './context.ts';
import { exitCodes } from './exit-codes.ts';
import { buildProgram } from './program.ts';

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
    const { createRunProgram } = await import('../kernel/run-program.ts');
    return createRunProgram({ env })(program, args, input, longest);
  };
  // Who brings programs brings the kernel that they speak to.
  const lock = run ? withoutLock : withLock;
  return { stdin, stdout, stderr, env, lock, run: run ?? runOnDemand, now: now ?? ((): number => performance.now()) };
}

/**
 * What to say where a path is none but looks like a command; undefined for all else. Any first word that is no command is
 * taken for a path of `compile`, which is the default command.
 *
 * @param program the outermost command, as it was called.
 */
export function suggestCommand(path: string | undefined, program: Command): string | undefined {
  const names = program.commands.map((command) => command.name());
  const [firstWord] = program.args;
  const wasCommand = firstWord !== undefined && names.includes(firstWord);
  if (path === undefined || wasCommand || existsSync(path)) {
    return undefined;
  }
  if (names.includes(path)) {
    return `(The command comes first: svc2nft ${path} ...)`;
  }
  if (path === 'version') {
    return '(Did you mean svc2nft --version?)';
  }
  const name = suggestClosest(path, names);
  return name && `(Did you mean the command svc2nft ${name}?)`;
}
