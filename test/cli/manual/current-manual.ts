import { withoutLock } from '../../../src/apply/with-lock.ts';
import { defaultCommand } from '../../../src/cli/context.ts';
import { describeProgram, type ProgramManual } from '../../../src/cli/manual/manual.ts';
import { buildProgram } from '../../../src/cli/program.ts';

const { stdin, stdout, stderr } = process;
const run = () => Promise.reject(new Error('no program is needed'));
const context = { stdin, stdout, stderr, env: {}, run, lock: withoutLock, now: () => 0, hostName: 'worker-1' };

/** The manual of the command line as it is now. */
export const currentManual: ProgramManual = describeProgram(await buildProgram(context, () => {}), defaultCommand);
