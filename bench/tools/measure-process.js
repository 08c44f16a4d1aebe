// @ts-check
import { readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { execa } from 'execa';

const program = new URL('run-measured.py', import.meta.url).pathname;

/**
 * Runs a command in a network namespace, by default one of its own.
 *
 * @typedef {{ milliseconds: number, cpu: number, megabytes: number, stopped: boolean, stdout: string }} Measured from start to
 *   exit; how long processors worked on it and its children, in milliseconds; the peak of the largest of these processes;
 *   whether the limit ended it; what it printed
 * @param {string[]} command
 * @param {{ limit?: number, namespace?: string }} [options] the limit in seconds, after which it is killed
 * @returns {Promise<Measured>}
 * @throws {Error} when the command fails, with what it printed
 */
export async function measureProcess(command, { limit = 600, namespace } = {}) {
  const [enter = '', ...where] = namespace === undefined ? ['unshare', '--net'] : ['nsenter', `--net=${namespace}`];
  const { stdout } = await execa(enter, [...where, 'python3', program, `${limit}`, ...command]);
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
