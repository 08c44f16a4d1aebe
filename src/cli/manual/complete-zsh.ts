import type { ArgumentManual, CommandManual, OptionManual, ProgramManual, ValueManual } from './manual.ts';

/** A script that completes the command line in zsh, with descriptions. */
export function completeZsh(manual: ProgramManual): string {
  const { commands, defaultCommand } = manual;
  return `${heading(manual)}
${commands.map(commandFunction).join('\n')}
_svc2nft() {
  if (( CURRENT == 2 )) && [[ $words[2] == -* ]]; then
    _svc2nft_${defaultCommand} ${continued(ownOptions(manual).flatMap(optionSpecs), 6)}
    return
  fi
  if (( CURRENT == 2 )); then
    local -a commands=(
${commands.map(({ name, summary }) => `      ${quoteForShell(`${name}:${escapeBackslashes(summary)}`)}`).join('\n')}
    )
    # The first word may be an argument of the default command, too.
    local -i failed=1
    _describe -t commands command commands && failed=0
    _svc2nft_${defaultCommand} && failed=0
    return failed
  fi
  case $words[2] in
    ${commands.map(({ name }) => quoteForShell(name)).join(' | ')})
      local call=_svc2nft_$words[2]
      shift words
      (( CURRENT -= 1 ))
      $call
      ;;
    *) _svc2nft_${defaultCommand} ;;
  esac
}

if [[ $funcstack[1] == _svc2nft ]]; then
  _svc2nft "$@"
else
  compdef _svc2nft svc2nft
fi
`;
}

function heading({ version }: ProgramManual): string {
  return `#compdef svc2nft
# zsh completion for svc2nft ${version}
#
# For this shell:       source <(svc2nft completion zsh)      (after compinit)
# For each new shell:   svc2nft completion zsh > ~/.zfunc/_svc2nft
# Create that folder first, with this in ~/.zshrc: fpath=(~/.zfunc $fpath); autoload -Uz compinit; compinit
`;
}

function commandFunction({ name, options, arguments: args }: CommandManual): string {
  const specs = [...options.flatMap(optionSpecs), ...args.map(argumentSpec)];
  return `_svc2nft_${name}() {
  _arguments -s -S : "$@" ${continued(specs, 4)}
}
`;
}

function continued(specs: readonly string[], indentation: number): string {
  return specs.map((spec) => `\\\n${' '.repeat(indentation)}${quoteForShell(spec)}`).join(' ');
}

/** Such as `(-o --output)--output=[where to write]:file:_files`, one for each name; zshcompsys(1), _arguments. */
function optionSpecs({ names, description, value, repeatable }: OptionManual): readonly string[] {
  const excluded = repeatable ? '*' : `(${names.join(' ')})`;
  return names.map((name) => {
    // `=` accepts the value after = as well, `+` right after the letter.
    const sign = name.startsWith('--') ? '=' : '+';
    const explained = `[${escapeBrackets(description)}]`;
    return `${excluded}${name}${value ? sign : ''}${explained}${value ? valueSpec(value) : ''}`;
  });
}

function argumentSpec({ value, variadic }: ArgumentManual, index: number): string {
  return `${variadic ? '*' : index + 1}${valueSpec(value)}`;
}

function valueSpec({ name, words, files }: ValueManual): string {
  return `:${escapeColons(name)}:${valueAction(words, files)}`;
}

function valueAction(words: readonly string[], files: boolean): string {
  // The shell evaluates the action.
  const whole = joinWords(words.filter((word) => !word.endsWith(':')));
  const begun = joinWords(words.filter((word) => word.endsWith(':')));
  if (files || begun !== '') {
    // No space after a word that is only a beginning.
    const actions = [whole && `compadd -- ${whole}`, begun && `compadd -S "" -- ${begun}`, files && '_files'];
    return `{${actions.filter(Boolean).join('; ')}}`;
  }
  return whole === '' ? ' ' : `(${whole})`;
}

function joinWords(words: readonly string[]): string {
  return words.map((word) => escapeColons(quoteForShell(word))).join(' ');
}

/** For values, where a colon ends a part. */
function escapeColons(text: string): string {
  return text.replaceAll(':', '\\:');
}

/** For the explanation of an option, which is in brackets. */
function escapeBrackets(text: string): string {
  return text.replace(/[\\[\]:]/g, '\\$&');
}

/** For `_describe`, where the first colon ends the name. */
function escapeBackslashes(text: string): string {
  return text.replaceAll('\\', '\\\\');
}

/** Quotes any text as one word of bash and zsh. */
export function quoteForShell(text: string): string {
  return /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** The options of the program that its default command lacks, such as `--version`. */
export function ownOptions({ options, commands, defaultCommand }: ProgramManual): readonly OptionManual[] {
  const shared = commands.find(({ name }) => name === defaultCommand)?.options ?? [];
  return options.filter(({ flags }) => !shared.some((option) => option.flags === flags));
}
