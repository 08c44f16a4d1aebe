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

/** Programs that have no flags named --from and --name, so that these belong to lab wherever they stand. */
const clients: readonly string[] = ['curl', 'nc', 'dig'];

/** Those whose further words are the arguments of a program. */
const programs: readonly string[] = [...clients, 'shell'];

/** Flags of lab that may stand among those arguments; each has a value. */
const flagsAnywhere: readonly string[] = ['--from', '--name'];

/** Flags of lab that may stand before them. */
const leadingFlags: readonly string[] = [...flagsAnywhere, '--color', '--diagnostics'];

/**
 * The arguments, with `--` before those of another program, so that they reach it as they are: `curl -s --from outside URL` becomes
 * `curl --from outside -- -s URL`. After a `--` nothing belongs to lab.
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
      .every(
        (word, index, before) => leadingFlags.includes(flagOf(word)) || leadingFlags.includes(before[index - 1] ?? ''),
      )
  ) {
    return [...args];
  }
  const before = args.slice(0, at + 1);
  const { own, others, lacksValue } = divideWords(args.slice(at + 1), clients.includes(args[at] ?? ''));
  const isHelp = others.length === 1 && ['-h', '--help'].includes(others[0] ?? '');
  if (isHelp || others[0] === '--') {
    return [...before, ...own, ...others];
  }
  // With -- behind it, a flag would take that for its value.
  return lacksValue ? [...before, ...own] : [...before, ...own, '--', ...others];
}

interface DividedWords {
  /** Flags of lab, with their values. */
  readonly own: readonly string[];
  readonly others: readonly string[];
  /** Whether the last one of lab's flags has no value. */
  readonly lacksValue: boolean;
}

function divideWords(words: readonly string[], isAnywhere: boolean): DividedWords {
  const own: string[] = [];
  const others: string[] = [];
  let at = 0;
  while (at < words.length) {
    const word = words[at] ?? '';
    if (word === '--' || (others.length > 0 && !isAnywhere)) {
      others.push(...words.slice(at));
      break;
    }
    const isOwn = (others.length === 0 ? leadingFlags : flagsAnywhere).includes(flagOf(word));
    const end = isOwn && !word.includes('=') ? at + 2 : at + 1;
    (isOwn ? own : others).push(...words.slice(at, end));
    at = end;
  }
  return { own, others, lacksValue: at > words.length };
}

function flagOf(word: string): string {
  return word.replace(/=.*/s, '');
}
