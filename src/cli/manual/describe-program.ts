import type { Argument, Command, Option } from 'commander';
import { version } from '../../version.ts';
import type { ArgumentManual, CommandManual, OptionManual, ProgramManual, ValueManual } from './manual.ts';
import { readHelpTexts } from './read-help-texts.ts';
import { valueBeginnings } from './value-beginnings.ts';

/**
 * Describes the command line as it is defined; nothing is told twice.
 *
 * @param program the outermost command.
 */
export function describeProgram(program: Command): ProgramManual {
  const commands = program.commands.map(describeCommand);
  const names = commands.map(({ name }) => name);
  const withNames = (argument: ArgumentManual): ArgumentManual =>
    argument.value.name === 'COMMAND' ? { ...argument, value: { ...argument.value, words: names } } : argument;
  return {
    ...describeCommand(program),
    version,
    commands: commands.map((command) => ({ ...command, arguments: command.arguments.map(withNames) })),
    defaultCommand: 'compile',
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
    value: describeValue(argument.name(), argument.argChoices),
    variadic: argument.variadic,
  };
}

function describeOption({ flags, short, long, description, ...option }: Option): OptionManual {
  const placeholder = /[<[](.+)[>\]]/.exec(flags)?.[1];
  return {
    flags,
    names: [short, long].filter((name) => name !== undefined),
    description,
    value: placeholder === undefined ? undefined : describeValue(placeholder, option.argChoices),
    default: typeof option.defaultValue === 'string' ? option.defaultValue : undefined,
    required: option.mandatory,
    // Commander does not know it of options that collect their values themselves.
    repeatable: option.variadic || description.includes('may be repeated'),
  };
}

const fileWords = /^(file|path|folder)$/i;

/** The placeholder tells what a value is: `<file>` is a file, and `<file|kernel>` a file or the word `kernel`. */
function describeValue(placeholder: string, choices: readonly string[] | undefined): ValueManual {
  const beginnings = valueBeginnings.get(placeholder);
  if (beginnings) {
    return { name: placeholder, words: beginnings, files: false, open: true };
  }
  const alternatives = placeholder.split('|');
  const otherWords = alternatives.length > 1 ? alternatives.filter((word) => !fileWords.test(word)) : [];
  return {
    name: placeholder,
    words: choices ?? otherWords,
    files: choices === undefined && alternatives.some((word) => fileWords.test(word)),
  };
}
