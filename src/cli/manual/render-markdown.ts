import type { CommandManual, OptionManual, ProgramManual, TextBlock } from './manual.ts';

/** The manual as a page of GitHub's Markdown. */
export function renderMarkdown(manual: ProgramManual): string {
  const common = commonOptions(manual);
  const { name: program, commands } = manual;
  const overview = commands.map(({ name, summary }) => [
    `[${code(`${program} ${name}`)}](#${program}-${name})`,
    prose(summary),
  ]);
  const parts = [
    '# Command line',
    '<!-- Generated from the definitions of the commands: npm run manual -->',
    prose(manual.description),
    codeBlock([manual.usage]),
    codeBlock(manual.examples),
    table(['command', ''], overview),
    ...manual.notes.map(block),
    table(['option', ''], manual.options.map(optionRow)),
    exitCodeTable(manual),
    ...commands.flatMap((command) => renderCommand(command, { program, common })),
    '## Common options',
    table(['option', ''], common.map(optionRow)),
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

function renderCommand(
  command: CommandManual,
  { program, common }: { readonly program: string; readonly common: readonly OptionManual[] },
): readonly string[] {
  const { own, shared } = partOptions(command, common);
  const args = command.arguments.map(({ term, description }) => [code(term), prose(description)]);
  return [
    `## ${program} ${command.name}`,
    prose(command.description),
    codeBlock([command.usage]),
    codeBlock(command.examples),
    table(['argument', ''], args),
    table(['option', ''], own.map(optionRow)),
    describeShared(shared),
    ...command.notes.map(block),
    exitCodeTable(command),
  ];
}

function exitCodeTable({ exitCodes }: CommandManual): string {
  return table(
    ['exit code', ''],
    exitCodes.map(({ code: number, meaning }) => [number, prose(meaning)]),
  );
}

function describeShared(shared: readonly OptionManual[]): string {
  const names = shared.map(({ names: all }) => code(all.at(-1) ?? ''));
  return names.length === 0 ? '' : `[Common options](#common-options): ${names.join(', ')}.`;
}

function optionRow(option: OptionManual): readonly string[] {
  return [code(option.flags), prose(explainOption(option))];
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map(escapeBars).join(' | ')} |`.replaceAll('|  |', '| |');
  return rows.length === 0 ? '' : [line(heads), line(heads.map(() => '---')), ...rows.map(line)].join('\n');
}

function block({ kind, text }: TextBlock): string {
  return kind === 'prose' ? prose(text) : codeBlock(text.split('\n'));
}

function codeBlock(lines: readonly string[]): string {
  const fence = fenceFor(lines.join('\n'), 3);
  return lines.length === 0 ? '' : [fence, ...lines, fence].join('\n');
}

function code(text: string): string {
  const fence = fenceFor(text, 1);
  // Spaces separate a backtick at either end from the fence.
  return /^`|`$/.test(text) ? `${fence} ${text} ${fence}` : `${fence}${text}${fence}`;
}

/** More backticks than the text has in a row. */
function fenceFor(text: string, least: number): string {
  const longest = Math.max(0, ...(text.match(/`+/g) ?? []).map((run) => run.length));
  return '`'.repeat(Math.max(least, longest + 1));
}

/** Escapes prose for Markdown; words in backticks stay code. */
function prose(text: string): string {
  const parts = text.split(/(`[^`]+`)/);
  return parts.map((part, index) => (index % 2 === 1 ? part : part.replace(/[\\`*_<[\]#$~]/g, '\\$&'))).join('');
}

/** A bar ends a cell, even inside code. */
function escapeBars(cell: string): string {
  return cell.replaceAll('|', '\\|');
}

/** The options that at least three commands share, word for word. A manual describes them once. */
export function commonOptions({ commands }: ProgramManual): readonly OptionManual[] {
  const found = new Map<string, { readonly option: OptionManual; count: number }>();
  for (const option of commands.flatMap(({ options }) => options)) {
    const key = JSON.stringify(option);
    const seen = found.get(key) ?? { option, count: 0 };
    seen.count += 1;
    found.set(key, seen);
  }
  return [...found.values()].filter(({ count }) => count >= 3).map(({ option }) => option);
}

/** Separates the options of a command into its own and the common ones. */
export function partOptions(
  { options }: CommandManual,
  common: readonly OptionManual[],
): { readonly own: readonly OptionManual[]; readonly shared: readonly OptionManual[] } {
  const keys = new Set(common.map((option) => JSON.stringify(option)));
  const isCommon = (option: OptionManual): boolean => keys.has(JSON.stringify(option));
  return { own: options.filter((option) => !isCommon(option)), shared: options.filter(isCommon) };
}

/** The description of an option with its choices and default. Words to type are in backticks. */
export function explainOption({ description, value, required, ...option }: OptionManual): string {
  const choices = value && !value.files && !value.open ? value.words.map((word) => `\`${word}\``).join(', ') : '';
  const remarks = [
    ...(required ? ['Required'] : []),
    ...(choices === '' ? [] : [`One of ${choices}`]),
    ...(option.default === undefined ? [] : [`Default: \`${option.default}\``]),
  ];
  return remarks.length === 0 ? description : `${[description, ...remarks].join('. ')}.`;
}
