import type { Command, Help, Option } from 'commander';
import { wrapLine, wrapText } from '../../lib/text.ts';
import { exitCodesOf } from '../exit-codes.ts';

/** What the help of a command says besides its description and options. */
interface HelpTexts {
  /** Paragraphs, and indented lines of a term, spaces and what it means. */
  readonly notes?: string;
  /** One command to type on each line; a remark may follow after two spaces. */
  readonly examples: string;
}

/** Adds the end of a command's help: notes, its exit codes, examples. Everything is wrapped to the width of the terminal. */
export function addHelpTexts(command: Command, texts: HelpTexts): Command {
  return command.addHelpText('after', ({ command: shown }) => {
    const [notes = '', examples = ''] = [texts.notes, texts.examples].map((text = '') => inNameOf(shown, text));
    const width = shown.configureOutput().getOutHelpWidth?.() ?? standardWidth;
    const codes = exitCodesOf(shown.parent ? shown.name() : undefined).map(
      ({ code, meaning }) => `  ${code}  ${meaning}`,
    );
    const sections = [
      notes.trim() && wrapNotes(notes.trim().split('\n'), width),
      ['Exit codes:', ...codes.flatMap((line) => wrapLine(line, width))],
      [
        'Examples:',
        ...examples
          .trim()
          .split('\n')
          .flatMap((line) => wrapExample(line.trim(), width)),
      ],
    ];
    return sections
      .map((lines) => (lines ? `\n${lines.join('\n')}` : ''))
      .filter(Boolean)
      .join('\n');
  });
}

/** A text of a command's help, with the name by which the program was called. */
function inNameOf(shown: Command, text: string): string {
  const program = shown.parent ?? shown;
  return asCalled(
    text,
    program.name(),
    program.commands.map((one) => one.name()),
  );
}

/**
 * A text in which all that is to be typed has the name by which the program was called.
 *
 * @param commands the names of all commands.
 */
export function asCalled(text: string, program: string, commands: readonly string[]): string {
  const follows = `(?:${[...commands, 'COMMAND', 'PATH'].join('|')})\\b|-|\\[`;
  return program === 'svc2nft'
    ? text
    : text.replace(new RegExp(`(?<![\\w/-]|kubectl )svc2nft (?=${follows})`, 'g'), `${program} `);
}

/** Columns, where there is no terminal. */
const standardWidth = 80;

/**
 * The first part of a command's help: description, usage, and arguments, options and commands in their groups, in place of
 * commander's own order.
 */
export function formatHelp(command: Command, helper: Help): string {
  const width = helper.helpWidth ?? standardWidth;
  const items = [
    ...helper.visibleArguments(command).map((argument) => ({
      group: 'Arguments:',
      term: helper.argumentTerm(argument),
      text: helper.argumentDescription(argument),
    })),
    ...helper.visibleOptions(command).map((option) => ({
      group: option.helpGroupHeading ?? 'Options:',
      term: helper.optionTerm(option),
      text: inNameOf(command, describeOption(option)),
    })),
    ...helper.visibleCommands(command).map((sub) => ({
      group: sub.helpGroup() || 'Commands:',
      term: sub.name(),
      text: helper.subcommandDescription(sub),
    })),
  ];
  const widest = Math.max(...items.map(({ term }) => term.length));
  const termWidth = Math.min(widest, Math.floor(width / 3));
  const sections = groupsOf(items).map((group) => [
    group,
    ...items.filter((item) => item.group === group).flatMap((item) => layOutItem(item, { termWidth, width })),
  ]);
  return [
    ...wrapText(inNameOf(command, helper.commandDescription(command)), width),
    '',
    `Usage: ${helper.commandUsage(command)}`,
    ...sections.flatMap((lines) => ['', ...lines]),
    '',
  ].join('\n');
}

/** In place of commander's text, which quotes every choice. */
function describeOption({ description, argChoices, defaultValue, mandatory }: Option): string {
  const remarks = [
    ...(mandatory ? ['required'] : []),
    ...(argChoices ? [`one of ${argChoices.join(', ')}`] : []),
    ...(typeof defaultValue === 'string' ? [`default: ${defaultValue}`] : []),
  ];
  return remarks.length === 0 ? description : `${description} (${remarks.join('; ')})`;
}

/** Groups that come before or after all others, which are in the order of their definition. */
const [firstGroups, lastGroups] = [
  ['Arguments:', 'Packet:'],
  ['Output:', 'General:', 'Options:'],
];

function groupsOf(items: readonly { readonly group: string }[]): string[] {
  const rank = (group: string): number =>
    firstGroups.includes(group) ? firstGroups.indexOf(group) - firstGroups.length : lastGroups.indexOf(group) + 1;
  return [...new Set(items.map(({ group }) => group))].sort((a, b) => rank(a) - rank(b));
}

interface Item {
  readonly term: string;
  readonly text: string;
}

/** A term that is too long for its column has a line of its own. */
function layOutItem(
  { term, text }: Item,
  { termWidth, width }: { readonly termWidth: number; readonly width: number },
): string[] {
  const indent = ' '.repeat(termWidth + 4);
  const lines = wrapText(text, width - indent.length);
  return term.length > termWidth
    ? [`  ${term}`, ...lines.map((line) => indent + line)]
    : [`  ${term.padEnd(termWidth)}  ${lines[0] ?? ''}`.trimEnd(), ...lines.slice(1).map((line) => indent + line)];
}

/** Lines of prose are joined and wrapped again; indented lines each by themselves. */
function wrapNotes(lines: readonly string[], width: number): string[] {
  const wrapped: string[] = [];
  let prose: string[] = [];
  const endProse = (): void => {
    wrapped.push(...(prose.length > 0 ? wrapText(prose.join(' '), width) : []));
    prose = [];
  };
  for (const line of lines) {
    if (/^\S/.test(line)) {
      prose.push(line);
    } else {
      endProse();
      wrapped.push(...(line.trim() === '' ? [''] : wrapLine(line, width)));
    }
  }
  endProse();
  return wrapped;
}

/** The remark as a comment above the command, and long commands on several lines, which a shell reads as one. */
function wrapExample(line: string, width: number): string[] {
  const [, command = line, remark] = /^(.*?\S) {2,}(\S.*)$/.exec(line) ?? [];
  if (width === Number.POSITIVE_INFINITY) {
    return [`  ${line}`];
  }
  const comment = remark === undefined ? [] : wrapText(remark, width - 4).map((text) => `  # ${text}`);
  const lines = command.length + 2 <= width ? [command] : breakCommand(command, width);
  return [
    ...comment,
    ...lines.map((text, at) => `${at === 0 ? '  ' : '      '}${text}${at + 1 < lines.length ? ' \\' : ''}`),
  ];
}

/** The lines of a command that is too long for one: an option stays together with its value, and a pipe begins a line. */
function breakCommand(command: string, width: number): string[] {
  const words = command.match(/-\S+ (?:-(?!\S)|(?![-|])(?:'[^']*'|\S)+)|(?:'[^']*'|"[^"]*"|[^\s'"])+/g) ?? [];
  const lines: string[] = [];
  for (const word of words) {
    const last = lines.at(-1);
    // With the indentation, and room for a backslash.
    const room = width - (lines.length === 1 ? 4 : 8);
    if (last === undefined || word === '|' || last.length + 1 + word.length > room) {
      lines.push(word);
    } else {
      lines[lines.length - 1] = `${last} ${word}`;
    }
  }
  return lines;
}
