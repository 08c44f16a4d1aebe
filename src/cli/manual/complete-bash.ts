import { bashCompleter } from './bash-completer.ts';
import type { CommandManual, ProgramManual, ValueManual } from './manual.ts';
import { ownOptions } from './own-options.ts';
import { quoteForShell } from './quote-for-shell.ts';

/** A script that completes the command line in bash 4 or later, with or without the package bash-completion. */
export function completeBash(manual: ProgramManual): string {
  const { commands, defaultCommand } = manual;
  return `${heading(manual)}
_svc2nft_commands=(${quoteAll(commands.map(({ name }) => name))})
_svc2nft_default_command=${quoteForShell(defaultCommand)}
_svc2nft_program_options=(${quoteAll(ownOptions(manual).flatMap(({ names }) => names))})

# The options of command $1.
_svc2nft_options() {
  case $1 in
${lines(commands.map(optionsCase))}
  esac
}

# What option $2 of command $1 takes; fails where it takes nothing.
_svc2nft_option_value() {
  case "$1 $2" in
${lines(valueCases(commands))}
    *) return 1 ;;
  esac
}

# What argument number $2 of command $1 may be.
_svc2nft_argument() {
  case "$1 $2" in
${lines(commands.flatMap(argumentCases))}
  esac
}

${bashCompleter}`;
}

function heading({ version }: ProgramManual): string {
  return `# bash completion for svc2nft ${version}
#
# For this shell:       source <(svc2nft completion bash)
# For each new shell:   svc2nft completion bash > ~/.local/share/bash-completion/completions/svc2nft
# Make that folder first. Without the package bash-completion, write a file of your own and source it in ~/.bashrc.
`;
}

function optionsCase({ name, options }: CommandManual): string {
  return `    ${quoteForShell(name)}) words=(${quoteAll(options.flatMap((option) => option.names))}) ;;`;
}

/** One case for all options that take the same. */
function valueCases(commands: readonly CommandManual[]): readonly string[] {
  const patterns = new Map<string, readonly string[]>();
  for (const { name: command, options } of commands) {
    for (const { names, value } of options) {
      if (value) {
        const action = valueAction(value);
        const added = names.map((name) => quoteForShell(`${command} ${name}`));
        patterns.set(action, [...(patterns.get(action) ?? []), ...added]);
      }
    }
  }
  return [...patterns].map(([action, alike]) => `    ${alike.join(' | \\\n      ')}) ${action}`);
}

function argumentCases({ name, arguments: args }: CommandManual): readonly string[] {
  return args.map(({ value, variadic }, index) => {
    const pattern = variadic ? `${quoteForShell(`${name} `)}*` : quoteForShell(`${name} ${index + 1}`);
    return `    ${pattern}) ${valueAction(value)}`;
  });
}

function valueAction({ words, files }: ValueManual): string {
  return [words.length > 0 && `words=(${quoteAll(words)})`, files && 'files=yes', ';;'].filter(Boolean).join(' ');
}

function quoteAll(words: readonly string[]): string {
  return words.map(quoteForShell).join(' ');
}

function lines(texts: readonly string[]): string {
  return texts.join('\n');
}
