/** The words of `svc2nft lab`: what it can be told to do, and which flags go with that. */

/** What a lab does when its first word says so; any other first word is a path of manifests. */
export const labActions = [
  'curl',
  'nc',
  'dig',
  'shell',
  'scale',
  'drain',
  'uncordon',
  'roll',
  'kill',
  'test',
  'status',
  'down',
] as const;

/** One of these words. */
export type LabAction = (typeof labActions)[number];

/** Those whose further words are the arguments of a program. */
const programs: readonly string[] = ['curl', 'nc', 'dig', 'shell'];

/** Flags of lab itself that may stand before those arguments; each has a value. */
const ownFlags: readonly string[] = ['--from', '--name', '--color', '--diagnostics'];

/**
 * The arguments, with `--` before those of another program, so that they reach it as they are: `curl --from outside -s URL` becomes
 * `curl --from outside -- -s URL`.
 *
 * @param args with `lab` as the first word.
 */
export function endLabFlags(args: readonly string[]): string[] {
  const at = args.findIndex((word, index) => index > 0 && programs.includes(word));
  // A path, or a flag with a value, may come before the action: lab --name x curl.
  if (
    at === -1 ||
    !args
      .slice(1, at)
      .every((word, index, before) => ownFlags.includes(flagOf(word)) || ownFlags.includes(before[index - 1] ?? ''))
  ) {
    return [...args];
  }
  let end = at + 1;
  while (ownFlags.includes(flagOf(args[end] ?? ''))) {
    end += (args[end] ?? '').includes('=') ? 1 : 2;
  }
  const isHelp = ['-h', '--help'].includes(args[end] ?? '') && args.length === end + 1;
  return isHelp || args[end] === '--' ? [...args] : [...args.slice(0, end), '--', ...args.slice(end)];
}

function flagOf(word: string): string {
  return word.replace(/=.*/s, '');
}
