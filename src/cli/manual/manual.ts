import type { Argument, Command, Option } from 'commander';
import { version } from '../../version.ts';
import { isRepeatable } from '../flags/general-flags.ts';
import { labActions } from '../flags/lab-words.ts';

/** The whole command line as data, from which docs/cli.md, the man page and completion scripts are generated. */
export interface ProgramManual extends CommandManual {
  readonly version: string;
  /** In the order of the help. */
  readonly commands: readonly CommandManual[];
  /** The command that runs when the first word does not name one. */
  readonly defaultCommand: string;
}

export interface CommandManual {
  /** Without the name of the program. */
  readonly name: string;
  /** A few words, lowercase, without a period. */
  readonly summary: string;
  readonly description: string;
  /** Such as `svc2nft diff [options] [PATH...]`. */
  readonly usage: string;
  readonly arguments: readonly ArgumentManual[];
  readonly options: readonly OptionManual[];
  /** Lines to type; a remark may follow after spaces. */
  readonly examples: readonly string[];
  readonly notes: readonly TextBlock[];
  readonly exitCodes: readonly ExitCodeManual[];
}

export interface ArgumentManual {
  /** Such as `[PATH...]`. */
  readonly term: string;
  readonly description: string;
  readonly value: ValueManual;
  /** Takes all following words, too. */
  readonly variadic: boolean;
}

export interface OptionManual {
  /** Such as `-o, --output <format>`. */
  readonly flags: string;
  /** Such as `-o` and `--output`. */
  readonly names: readonly string[];
  readonly description: string;
  /** Undefined for a switch. */
  readonly value: ValueManual | undefined;
  readonly default: string | undefined;
  readonly required: boolean;
  readonly repeatable: boolean;
}

/** What an argument or an option accepts: any text if there are neither words nor files. */
export interface ValueManual {
  readonly name: string;
  readonly words: readonly string[];
  /** Accepts names of files and folders, besides the words. */
  readonly files: boolean;
  /** Accepts other texts, too; a word that ends in a colon is only a beginning. */
  readonly open?: true;
}

interface ExitCodeManual {
  readonly code: string;
  readonly meaning: string;
}

/** Prose is one line, to be wrapped; lines stay as they are. */
export interface TextBlock {
  readonly kind: 'prose' | 'lines';
  readonly text: string;
}

/**
 * Describes the command line from its definitions.
 *
 * @param program the outermost command.
 * @param defaultCommand the name of the command that runs when the first word does not name one.
 */
export function describeProgram(program: Command, defaultCommand: string): ProgramManual {
  const commands = program.commands.map(describeCommand);
  const names = commands.map(({ name }) => name);
  const withNames = (argument: ArgumentManual): ArgumentManual =>
    argument.value.name === 'COMMAND' ? { ...argument, value: { ...argument.value, words: names } } : argument;
  return {
    ...describeCommand(program),
    version,
    commands: commands.map((command) => ({ ...command, arguments: command.arguments.map(withNames) })),
    defaultCommand,
  };
}

function describeCommand(command: Command): CommandManual {
  const help = command.createHelp();
  return {
    name: command.name(),
    summary: command.summary(),
    description: command.description(),
    usage: help.commandUsage(command),
    arguments: command.registeredArguments.map(describeArgument),
    options: help.visibleOptions(command).map(describeOption),
    ...readHelpTexts(command),
  };
}

function describeArgument(argument: Argument): ArgumentManual {
  const name = argument.name() + (argument.variadic ? '...' : '');
  return {
    term: argument.required ? `<${name}>` : `[${name}]`,
    description: argument.description,
    value: readPlaceholder(argument.name(), argument.argChoices),
    variadic: argument.variadic,
  };
}

function describeOption(option: Option): OptionManual {
  const { flags, short, long, description } = option;
  const placeholder = /[<[](.+)[>\]]/.exec(flags)?.[1];
  return {
    flags,
    names: [short, long].filter((name) => name !== undefined),
    description,
    // An optional value is no word of its own, so it needs no completion.
    value: placeholder === undefined || option.optional ? undefined : readPlaceholder(placeholder, option.argChoices),
    default: typeof option.defaultValue === 'string' ? option.defaultValue : undefined,
    required: option.mandatory,
    repeatable: isRepeatable(option),
  };
}

const fileWords = /^(file|path|folder)$/i;

/** Reads a placeholder: `<file>` is a file, and `<file|kernel>` a file or the word `kernel`. */
function readPlaceholder(placeholder: string, choices: readonly string[] | undefined): ValueManual {
  const beginnings = valueBeginnings.get(placeholder);
  if (beginnings) {
    return { name: placeholder, words: beginnings, files: false, open: true };
  }
  const alternatives = placeholder.split('|');
  const otherWords =
    alternatives.length > 1
      ? alternatives
          .filter((word) => !fileWords.test(word))
          .flatMap((word) => (word === 'ACTION' ? labActions : [word]))
      : [];
  return {
    name: placeholder,
    words: choices ?? otherWords,
    files: choices === undefined && alternatives.some((word) => fileWords.test(word)),
  };
}

/** Reads the texts below commander's own help of a command (`addHelpText`). */
function readHelpTexts(command: Command): Pick<CommandManual, 'examples' | 'notes' | 'exitCodes'> {
  const paragraphs = captureHelp(command)
    .split(/\n{2,}/)
    .map((paragraph) => paragraph.replace(/^\n+|\s+$/g, ''));
  const begins = (paragraph: string, title: string): boolean => paragraph.startsWith(title);
  const isNote = (text: string): boolean => text !== '' && !begins(text, 'Exit codes:') && !begins(text, 'Examples:');
  return {
    examples: paragraphs.filter((text) => begins(text, 'Examples:')).flatMap(readExamples),
    notes: paragraphs.filter(isNote).flatMap(readBlocks),
    exitCodes: paragraphs.filter((text) => begins(text, 'Exit codes:')).flatMap(readExitCodes),
  };
}

/** What is printed below commander's own help, without line breaks in paragraphs. */
function captureHelp(command: Command): string {
  const output = command.configureOutput();
  let help = '';
  command.configureOutput({
    writeOut: (text) => {
      help += text;
    },
    getOutHelpWidth: () => Number.POSITIVE_INFINITY,
  });
  command.outputHelp();
  const own = command.helpInformation();
  command.configureOutput(output);
  return help.replace(own, '');
}

/** The lines below `Examples:`, without their common indentation. */
function readExamples(text: string): readonly string[] {
  const lines = text.split('\n').filter((line) => line.trim() !== '' && line !== 'Examples:');
  const indentation = Math.min(...lines.map((line) => line.search(/\S/)));
  return lines.map((line) => line.slice(indentation));
}

/** Indented lines, such as tables and samples, stay as they are. All others are prose. */
function readBlocks(paragraph: string): readonly TextBlock[] {
  const blocks: TextBlock[] = [];
  for (const line of paragraph.split('\n')) {
    const kind = /^\s/.test(line) ? 'lines' : 'prose';
    const before = blocks.at(-1)?.kind === kind ? blocks.pop() : undefined;
    const separator = kind === 'prose' ? ' ' : '\n';
    blocks.push({ kind, text: before ? `${before.text}${separator}${line}` : line });
  }
  return blocks;
}

/** Reads `Exit codes: 0 done, 1 bad input, 2 wrong usage.`; each code may also be on its own line. */
function readExitCodes(paragraph: string): readonly ExitCodeManual[] {
  return paragraph
    .replace('Exit codes:', '')
    .trim()
    .replace(/\.$/, '')
    .split(/[,;]\s+(?=\d\s)|\n\s*(?=\d\s)/)
    .map((part) => {
      const [code = '', ...words] = part.split(/\s+/);
      return { code, meaning: words.join(' ') };
    });
}

/** Words that a value may be or begin with, besides other texts; by the placeholder of its option. */
export const valueBeginnings: ReadonlyMap<string, readonly string[]> = new Map([
  ['client', ['outside', 'node', 'pod:']],
  ['target', ['service:']],
  ['column', ['namespace', 'name', 'port', 'type', 'frontend', 'policy', 'endpoints', 'local', 'remark']],
]);
