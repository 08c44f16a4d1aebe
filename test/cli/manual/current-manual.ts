import { withoutLock } from '../../../src/apply/with-lock.ts';
import { describeProgram, type ProgramManual } from '../../../src/cli/manual/manual.ts';
import { buildProgram } from '../../../src/cli/program.ts';

/** The manual of the command line as it is now. */
export function currentManual(): ProgramManual {
  const { stdin, stdout, stderr } = process;
  const run = () => Promise.reject(new Error('no program is needed'));
  return describeProgram(
    buildProgram({ stdin, stdout, stderr, env: {}, run, lock: withoutLock, now: () => 0 }, () => {}),
  );
}
