import { findLabProblem } from './lab/run-packets.ts';
import { mustRun } from './must-run.ts';

const problem = await findLabProblem();
if (problem) {
  console.warn(`tests on the real kernel are skipped: ${problem}`);
}

/** Whether tests on the real kernel run. Where CI is set they always do, and fail where they cannot. */
export const kernelTestsRun: boolean = problem === undefined || mustRun();
