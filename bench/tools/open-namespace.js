// @ts-check
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';

/**
 * A network namespace that stays until it is closed, or until this process ends.
 *
 * @typedef {{
 *   path: string,
 *   run: (command: string[], input?: string) => string,
 *   close: () => Promise<void>,
 * }} Namespace `run` returns what the command printed and throws when it fails
 * @returns {Promise<Namespace>}
 */
export async function openNamespace() {
  // `cat` ends with its stdin, even if this process is killed; what it repeats shows that the namespace is there.
  const holder = spawn('unshare', ['--net', 'cat'], { stdio: ['pipe', 'pipe', 'inherit'] });
  holder.stdin.write('\n');
  await once(holder.stdout, 'data');
  const path = `/proc/${holder.pid}/ns/net`;
  return {
    path,
    run: (command, input = '') => run(path, command, input),
    close: async () => {
      holder.stdin.end();
      await once(holder, 'exit');
    },
  };
}

/**
 * @param {string} path
 * @param {string[]} command
 * @param {string} input
 */
function run(path, command, input) {
  const [program = '', ...parameters] = ['nsenter', `--net=${path}`, ...command];
  const { status, stdout, stderr, error } = spawnSync(program, parameters, {
    input,
    encoding: 'utf8',
    maxBuffer: 2 ** 30,
  });
  if (error || status !== 0) {
    throw new Error(`${command.join(' ')}: ${error?.message ?? stderr.slice(0, 2_000)}`);
  }
  return stdout;
}
