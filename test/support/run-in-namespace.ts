import { resolve } from 'node:path';
import { execa } from 'execa';
import { withoutProgress } from './without-progress.ts';

const prelude = `
  exec 2>&1
  svc2nft() { node ${resolve('bin/svc2nft.js')} "$@" || echo "exit code $?" >&2; }
`;

/**
 * Runs a bash script in a network namespace of its own. Its command `svc2nft` is the one that was built; it says its exit
 * code where that is not 0.
 *
 * @returns the lines of its output and errors, without what a slow machine shows of progress.
 */
export async function runInNamespace(script: string, options: { readonly cwd?: string } = {}): Promise<string[]> {
  const { stdout } = await execa('unshare', ['--net', 'bash', '-c', `${prelude}${script}`], options);
  return withoutProgress(`${stdout}\n`).split('\n').slice(0, -1);
}
