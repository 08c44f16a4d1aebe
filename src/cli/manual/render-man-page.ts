import type { CommandManual, OptionManual, ProgramManual, TextBlock } from './manual.ts';
import { commonOptions, explainOption, partOptions } from './render-markdown.ts';

/** The manual as a page for man(1), in the macros of man(7), without a date: the same commands give the same page. */
export function renderManPage(manual: ProgramManual): string {
  const { name, version, commands } = manual;
  const common = commonOptions(manual);
  const lines = [
    '.\\" Generated from the definitions of the commands: npm run manual',
    `.TH ${name.toUpperCase()} 1 "" "${name} ${version}" "User Commands"`,
    '.\\" Neither justified nor hyphenated, so that options can be copied.',
    '.ad l',
    '.nh',
    '.SH NAME',
    `${escapeRoff(name)} \\- ${proseToRoff(uncapitalized(manual.description))}`,
    '.SH SYNOPSIS',
    bold(manual.usage),
    '.SH DESCRIPTION',
    proseToRoff(manual.description),
    ...manual.notes.flatMap(block),
    ...commands.flatMap((command) => ['.TP', bold(`${name} ${command.name}`), proseToRoff(command.summary)]),
    '.SH OPTIONS',
    ...manual.options.flatMap(optionLines),
    '.SH COMMANDS',
    ...commands.flatMap((command) => commandLines(command, common)),
    '.SH COMMON OPTIONS',
    ...common.flatMap(optionLines),
    '.SH EXIT STATUS',
    ...exitCodeLines(manual),
    '.SH EXAMPLES',
    ...verbatim(manual.examples),
    '.SH SEE ALSO',
    '.BR nft (8),\n.BR conntrack (8),\n.BR kubectl (1)',
  ];
  return `${lines.join('\n')}\n`;
}

function commandLines(command: CommandManual, common: readonly OptionManual[]): readonly string[] {
  const { own, shared } = partOptions(command, common);
  const names = shared.map(({ names: all }) => bold(all.at(-1) ?? ''));
  return [
    `.SS ${escapeRoff(command.usage)}`,
    proseToRoff(command.description),
    ...command.arguments.flatMap(({ term, description }) => ['.TP', italic(term), proseToRoff(description)]),
    ...own.flatMap(optionLines),
    ...(names.length === 0 ? [] : ['.PP', `See COMMON OPTIONS for ${names.join(', ')}.`]),
    ...command.notes.flatMap(block),
    ...section('Exit codes:', exitCodeLines(command)),
    ...section('Examples:', verbatim(command.examples)),
  ];
}

function optionLines(option: OptionManual): readonly string[] {
  const flags = option.names.map(bold).join(', ');
  const value = option.value ? ` ${italic(option.value.name)}` : '';
  return ['.TP', `${flags}${value}`, proseToRoff(explainOption(option))];
}

function exitCodeLines({ exitCodes }: CommandManual): readonly string[] {
  return exitCodes.flatMap(({ code, meaning }) => ['.TP', bold(code), proseToRoff(meaning)]);
}

function section(title: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : ['.PP', title, ...lines];
}

function block({ kind, text }: TextBlock): readonly string[] {
  return kind === 'prose' ? ['.PP', proseToRoff(text)] : verbatim(text.split('\n'));
}

/** .nf and .fi switch filling off and on, .RS and .RE the indentation. */
function verbatim(lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : ['.PP', '.RS 4', '.nf', escapeLines(lines), '.fi', '.RE'];
}

function bold(text: string): string {
  return `\\fB${escapeRoff(text)}\\fR`;
}

function italic(text: string): string {
  return `\\fI${escapeRoff(text)}\\fR`;
}

/** As the NAME section requires: no initial capital, no period. */
function uncapitalized(text: string): string {
  return `${text.charAt(0).toLowerCase()}${text.slice(1)}`.replace(/\.$/, '');
}

/** Characters that roff takes for an escape, or prints as other than ASCII; groff_char(7). */
const escapes: ReadonlyMap<string, string> = new Map([
  ['\\', '\\e'],
  ['-', '\\-'],
  ["'", '\\(aq'],
  ['`', '\\(ga'],
  ['"', '\\(dq'],
  ['^', '\\(ha'],
  ['~', '\\(ti'],
]);

/** Escapes a text for any place in a line. */
function escapeRoff(text: string): string {
  const escaped = text.replace(/[\\\-'`"^~]/g, (character) => escapes.get(character) ?? character);
  // A dot at the beginning of a line makes it a request.
  return escaped.replace(/^\./, '\\&.');
}

/** Escapes lines, each on its own. */
function escapeLines(lines: readonly string[]): string {
  return lines.map(escapeRoff).join('\n');
}

/** Escapes prose for its own line; words in backticks become bold. */
function proseToRoff(text: string): string {
  const parts = text.split(/`([^`]+)`/);
  const rendered = parts.map((part, index) => (index % 2 === 1 ? `\\fB${escapeRoff(part)}\\fR` : escapeRoff(part)));
  return rendered.join('');
}
