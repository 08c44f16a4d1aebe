import { findLabProblem } from './lab/run-packets.ts';

const problem = await findLabProblem();
if (problem) {
  console.warn(`tests on the real kernel are skipped: ${problem}`);
}

/** Whether tests on the real kernel run. With CI=true they always do, and fail where they cannot. */
export const kernelTestsRun: boolean = problem === undefined || process.env['CI'] === 'true';
