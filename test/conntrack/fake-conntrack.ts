import { expect } from 'vitest';
import { type ConntrackOutcome, cleanConntrack } from '../../src/apply/clean-conntrack.ts';
import type { UdpExpectations } from '../../src/conntrack/expect-udp.ts';
import type { ProgramResult, RunProgram } from '../../src/kernel/run-program.ts';

/** Cleans with a conntrack that must be given exactly these commands, in order, and answers each with its result. */
export async function clean(
  expectations: readonly UdpExpectations[],
  ...answers: readonly (readonly [command: string, result: ProgramResult])[]
): Promise<ConntrackOutcome> {
  const calls: string[] = [];
  const run: RunProgram = async (program, args, input) => {
    const [command, answer] = answers[calls.length] ?? [];
    calls.push(args.join(' '));
    expect([program, args.join(' '), input]).toEqual(['conntrack', command, undefined]);
    return answer ?? result({ exitCode: 2 });
  };
  const outcome = await cleanConntrack({ expectations, run });
  expect(calls).toEqual(answers.map(([command]) => command));
  return outcome;
}

/** What conntrack begins its messages with. */
export const prefix = 'conntrack v1.4.7 (conntrack-tools):';

/** A line of `conntrack -L`: destination, who answers, and the client's port. */
export function line(
  destination: string,
  port: number,
  source: string,
  sourcePort: number,
  clientPort: number = 4000,
): string {
  return `udp      17 29 src=10.1.1.5 dst=${destination} sport=${clientPort} dport=${port} [UNREPLIED] src=${source} dst=10.1.1.5 sport=${sourcePort} dport=${clientPort} mark=0 use=1\n`;
}

/** A success without words, but for the changes. */
export function result(changes: Partial<ProgramResult> = {}): ProgramResult {
  return { exitCode: 0, signal: undefined, stdout: '', stderr: '', missing: false, denied: false, ...changes };
}

/** The result of a `conntrack -D` that deleted these lines. */
export function deleted(stdout: string): ProgramResult {
  return result({ stdout, stderr: `${prefix} ${stdout.split('\n').length - 1} flow entries have been deleted.\n` });
}

/** The result of a conntrack that gave up with these words. */
export function failure(words: string): ProgramResult {
  return result({ exitCode: 1, stderr: `${prefix} ${words}\n` });
}
