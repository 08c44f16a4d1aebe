import { ownOptions, quoteForShell } from './complete-zsh.ts';
import type { CommandManual, ProgramManual, ValueManual } from './manual.ts';

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

# The value of option $2 of command $1; fails if it takes none.
_svc2nft_option_value() {
  case "$1 $2" in
${lines(valueCases(commands))}
    *) return 1 ;;
  esac
}

# Argument number $2 of command $1.
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
# Create that folder first. Without the package bash-completion, write to another file and source it in ~/.bashrc.
`;
}

function optionsCase({ name, options }: CommandManual): string {
  return `    ${quoteForShell(name)}) words=(${quoteAll(options.flatMap((option) => option.names))}) ;;`;
}

/** One case for all options that accept the same. */
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

/** The part of the bash script that does not depend on the commands. */
const bashCompleter = `_svc2nft() {
  local -a line=() words=()
  local piece glued='' files='' typed='' option='' ended='' prefix='' command=$_svc2nft_default_command
  local -i index first=1 position=1
  COMPREPLY=()

  # Readline splits words at : and =, as in addresses and between an option and its value: join them again.
  # An empty word is the one at the cursor, after a space.
  for piece in "\${COMP_WORDS[@]:1:COMP_CWORD}"; do
    if [[ \${#line[@]} -gt 0 && -n $piece && ( -n $glued || $piece =~ ^[:=]+$ ) ]]; then
      line[\${#line[@]}-1]+=$piece
    else
      line+=("$piece")
    fi
    [[ $piece =~ ^[:=]+$ ]] && glued=yes || glued=''
  done
  local -i last=\${#line[@]}-1
  local current=\${line[last]-}

  # The first word is a command, or belongs to the default command.
  if ((last > 0)); then
    for piece in "\${_svc2nft_commands[@]}"; do
      [[ $piece == "\${line[0]}" ]] && command=$piece
    done
  fi
  [[ $command == "\${line[0]}" && last -gt 0 ]] || first=0

  # Which words before the cursor are options, their values, or arguments.
  for ((index = first; index < last; index++)); do
    piece=\${line[index]}
    if [[ -n $option ]]; then
      option=''
    elif [[ -n $ended || $piece != -* || $piece == - ]]; then
      position+=1
    elif [[ $piece == -- ]]; then
      ended=yes
    elif _svc2nft_option_value "$command" "$piece"; then
      option=$piece
    fi
  done

  words=() files=''
  if [[ -n $option ]]; then
    _svc2nft_option_value "$command" "$option"
  elif [[ -z $ended && $current == --*=* ]]; then
    option=\${current%%=*}
    current=\${current#*=}
    [[ $COMP_WORDBREAKS == *=* ]] || prefix=$option=
    _svc2nft_option_value "$command" "$option"
  elif [[ -z $ended && $current == -* ]]; then
    _svc2nft_options "$command"
    ((last > 0)) || words+=("\${_svc2nft_program_options[@]}")
  elif ((last == 0)); then
    words=("\${_svc2nft_commands[@]}") files=yes
  else
    _svc2nft_argument "$command" "$position"
  fi

  # In a word with colons, readline replaces only the part after the last one.
  [[ $current == *:* && $COMP_WORDBREAKS == *:* ]] && typed=\${current%"\${current##*:}"}
  for piece in "\${words[@]}"; do
    if [[ $piece == "$current"* && $piece != "$typed" ]]; then
      COMPREPLY+=("$prefix\${piece#"$typed"}")
      [[ $piece != *: ]] || compopt -o nospace
    fi
  done

  # File names alone are left to readline, which quotes them best. A text that begins like a word has nothing to
  # unquote, and readline quotes what is offered.
  if [[ -n $files && \${#COMPREPLY[@]} -eq 0 ]]; then
    compopt -o default
  elif [[ -n $files ]]; then
    compopt -o filenames
    while IFS= read -r piece; do
      COMPREPLY+=("$prefix$piece")
    done < <(compgen -f -- "$current")
  fi
}
complete -F _svc2nft svc2nft
`;
