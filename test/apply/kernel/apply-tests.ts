import { isConntrackInstalled } from '../../conntrack/namespace.ts';
import { kernelTestsRun } from '../../support/kernel-tests.ts';
import { mustRun } from '../../support/must-run.ts';

const installed = await isConntrackInstalled();
if (kernelTestsRun && !installed) {
  console.warn('tests of apply on the real kernel are skipped: conntrack or nsenter is not installed');
}

/** Whether the tests of this folder run. As kernelTestsRun: where CI is set they do, and fail where they cannot. */
export const applyTestsRun: boolean = kernelTestsRun && (installed || mustRun());
