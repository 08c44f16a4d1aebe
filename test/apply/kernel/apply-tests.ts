import { isConntrackInstalled } from '../../conntrack/namespace.ts';
import { kernelTestsRun } from '../../support/kernel-tests.ts';

const installed = await isConntrackInstalled();
if (kernelTestsRun && !installed) {
  console.warn('tests of apply on the real kernel are skipped: conntrack or nsenter is not installed');
}

/** Whether the tests of this folder run. As kernelTestsRun: with CI=true they do, and fail where they cannot. */
export const applyTestsRun: boolean = kernelTestsRun && (installed || process.env['CI'] === 'true');
