// @ts-check
/** Preloaded into the measured process: leaves its peak memory, in kilobytes, in the file that PEAK_MEMORY_FILE names. */
import { writeFileSync } from 'node:fs';

process.on('exit', () => {
  writeFileSync(process.env['PEAK_MEMORY_FILE'] ?? '/dev/null', String(process.resourceUsage().maxRSS));
});
