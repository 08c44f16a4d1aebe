// @ts-check
import { readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { execa } from 'execa';

const program = new URL('run-measured.py', import.meta.url).pathname;

/**
 * Runs a command in a network namespace of its own.
 *
 * @typedef {{ milliseconds: number, megabytes: number, stopped: boolean, stdout: string }} Measured from start to exit;
 *   the peak of the process's memory; whether the limit ended it; what it printed
 * @param {string[]} command
 * @param {number} [limit] seconds after which it is killed
 * @returns {Promise<Measured>}
 * @throws {Error} when the command fails, with what it printed
 */
export async function measureProcess(command, limit = 600) {
  const { stdout } = await execa('unshare', ['--net', 'python3', program, `${limit}`, ...command]);
  await settle();
  return JSON.parse(stdout);
}

/** The kernel frees the rulesets of ended namespaces later, which is not to disturb the next measurement. */
async function settle() {
  let before = kernelMemory();
  for (let attempt = 0; attempt < 50; attempt++) {
    await setTimeout(100);
    const now = kernelMemory();
    if (before - now < 1_000) {
      return;
    }
    before = now;
  }
}

/** In kilobytes. */
function kernelMemory() {
  return Number(/^SUnreclaim:\s+(\d+) kB$/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1]);
}
