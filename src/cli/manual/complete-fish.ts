import { ownOptions } from './complete-zsh.ts';
import type { CommandManual, OptionManual, ProgramManual, ValueManual } from './manual.ts';

/** A script that completes the command line in fish, with descriptions. */
export function completeFish(manual: ProgramManual): string {
  const { commands, version, defaultCommand } = manual;
  const names = commands.map(({ name }) => quote(name)).join(' ');
  return `# fish completion for svc2nft ${version}
#
# For this shell:       svc2nft completion fish | source
# For each new shell:   svc2nft completion fish > ~/.config/fish/completions/svc2nft.fish
# Create that folder first.

# Whether no word is complete yet.
function __svc2nft_begins
    test (count (commandline -opc)) -eq 1
end

# Whether the line calls this command; a first word that does not name one belongs to the default command.
function __svc2nft_calls
    set -l words (commandline -opc)
    set -l called ${quote(defaultCommand)}
    if contains -- "$words[2]" ${names}
        set called $words[2]
    end
    test $called = $argv[1]
end

complete -c svc2nft -f
${commands.map(commandLine).join('\n')}
${ownOptions(manual)
  .map((option) => optionLine('__svc2nft_begins', option))
  .join('\n')}
${commands.map(commandBlock).join('')}`;
}

function commandLine({ name, summary }: CommandManual): string {
  return `complete -c svc2nft -n __svc2nft_begins -a ${quote(name)} -d ${quote(summary)}`;
}

function commandBlock({ name, options, arguments: args }: CommandManual): string {
  const condition = `__svc2nft_calls ${name}`;
  const lines = [
    ...options.map((option) => optionLine(condition, option)),
    ...args.map(({ value }) => argumentLine(condition, value)).filter((line) => line !== undefined),
  ];
  return `\n# ${name}\n${lines.join('\n')}\n`;
}

function optionLine(condition: string, { names, value, description }: OptionManual): string {
  const flags = names.map((name) => (name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`));
  const takes = value ? ` ${valueFlags(value)}` : '';
  return `complete -c svc2nft -n ${quote(condition)} ${flags.join(' ')}${takes} -d ${quote(description)}`;
}

function argumentLine(condition: string, value: ValueManual): string | undefined {
  const anything = !value.files && value.words.length === 0;
  return anything ? undefined : `complete -c svc2nft -n ${quote(condition)} ${argumentFlags(value)}`;
}

/** -r: a value must follow; -x: a value that is not a file must follow. */
function valueFlags(value: ValueManual): string {
  return value.files ? `-r ${argumentFlags(value)}` : `-x${value.words.length > 0 ? ` ${argumentFlags(value)}` : ''}`;
}

function argumentFlags({ words, files }: ValueManual): string {
  // fish evaluates the list again.
  const list = words.map((word) => (/^[\w.-]+$/.test(word) ? word : quote(word))).join(' ');
  return [files && '-F', list && `-a ${quote(list)}`].filter(Boolean).join(' ');
}

/** Inside single quotes, fish knows only the escapes of the quote and the backslash. */
function quote(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&')}'`;
}
