import { ownOptions } from './complete-zsh.ts';
import type { CommandManual, OptionManual, ProgramManual, ValueManual } from './manual.ts';

/** What may stand in place of an unfinished word. */
interface Candidates {
  readonly words: readonly Candidate[];
  /** Also names of files. */
  readonly files: boolean;
}

interface Candidate {
  readonly word: string;
  /** Empty if there is none. */
  readonly description: string;
}

/**
 * What kubectl asks the program `kubectl_complete-svc2nft` for, in the words of cobra's completions: a candidate on each line, after a tab
 * what it is, and in the end what the shell may do besides: `:4`, no file names; `:6`, nor a space; `:0`, as it likes.
 *
 * @param line the words after `kubectl svc2nft`; the last one is unfinished, and may be empty.
 */
export function completeForKubectl(manual: ProgramManual, line: readonly string[]): string {
  const { words, files } = completeWords(manual, line);
  const lines = words.map(({ word, description }) => (description === '' ? word : `${word}\t${description}`));
  // After a beginning such as `pod:` the rest follows.
  const isBegun = words.length > 0 && words.every(({ word }) => word.endsWith(':'));
  return [...lines, `:${files ? 0 : noFiles + (isBegun ? noSpace : 0)}`, ''].join('\n');
}

/** cobra's ShellCompDirective. */
const noSpace = 2;
const noFiles = 4;

function completeWords(manual: ProgramManual, line: readonly string[]): Candidates {
  const current = line.at(-1) ?? '';
  const before = line.slice(0, -1);
  const named = manual.commands.find(({ name }) => name === before[0]);
  const command = named ?? manual.commands.find(({ name }) => name === manual.defaultCommand);
  if (!command) {
    return nothing;
  }
  const { expects, position, isEnded } = readLine(command, named ? before.slice(1) : before);
  if (expects) {
    return fitting(candidatesOf(expects), current);
  }
  const isFirst = before.length === 0;
  if (!isEnded && current.startsWith('-')) {
    return completeOption(isFirst ? [...command.options, ...ownOptions(manual)] : command.options, current);
  }
  if (isFirst) {
    const words = manual.commands.map(({ name, summary }) => ({ word: name, description: summary }));
    return fitting({ words, files: true }, current);
  }
  const argument = command.arguments[position] ?? command.arguments.findLast(({ variadic }) => variadic);
  return fitting(candidatesOf(argument?.value), current);
}

/** An option, or after `--option=` its value. */
function completeOption(options: readonly OptionManual[], current: string): Candidates {
  const [, flag = '', value = ''] = /^(--[^=]+)=(.*)$/s.exec(current) ?? [];
  if (flag !== '') {
    return fitting(candidatesOf(optionOf(options, flag)?.value), value);
  }
  const words = options.flatMap(({ names, description }) => names.map((word) => ({ word, description })));
  return fitting({ words, files: false }, current);
}

interface LineState {
  /** The value that an option before the cursor waits for. */
  readonly expects: ValueManual | undefined;
  /** How many arguments came before. */
  readonly position: number;
  /** Whether `--` came before, so that no option follows. */
  readonly isEnded: boolean;
}

function readLine(command: CommandManual, before: readonly string[]): LineState {
  let expects: ValueManual | undefined;
  let position = 0;
  let isEnded = false;
  for (const word of before) {
    if (expects) {
      expects = undefined;
    } else if (isEnded || word === '-' || !word.startsWith('-')) {
      position += 1;
    } else if (word === '--') {
      isEnded = true;
    } else {
      expects = optionOf(command.options, word)?.value;
    }
  }
  return { expects, position, isEnded };
}

function optionOf(options: readonly OptionManual[], name: string): OptionManual | undefined {
  return options.find(({ names }) => names.includes(name));
}

const nothing: Candidates = { words: [], files: false };

function candidatesOf(value: ValueManual | undefined): Candidates {
  return value ? { words: value.words.map((word) => ({ word, description: '' })), files: value.files } : nothing;
}

function fitting({ words, files }: Candidates, beginning: string): Candidates {
  return { words: words.filter(({ word }) => word.startsWith(beginning)), files };
}
