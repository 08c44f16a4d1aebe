/** The part of the bash script that is the same for every command line; complete-bash.ts writes what it asks for. */
export const bashCompleter = `_svc2nft() {
  local -a line=() words=()
  local piece glued='' files='' typed='' option='' ended='' prefix='' command=$_svc2nft_default_command
  local -i index first=1 position=1
  COMPREPLY=()

  # Readline splits words at : and =, which stand in addresses and between an option and its value: join them again.
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

  # The first word is a command, or belongs to the default one.
  if ((last > 0)); then
    for piece in "\${_svc2nft_commands[@]}"; do
      [[ $piece == "\${line[0]}" ]] && command=$piece
    done
  fi
  [[ $command == "\${line[0]}" && last -gt 0 ]] || first=0

  # What of the words before the cursor is an option, its value, or an argument.
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

  # Of a word with colons readline replaces only what stands after the last one.
  [[ $current == *:* && $COMP_WORDBREAKS == *:* ]] && typed=\${current%"\${current##*:}"}
  for piece in "\${words[@]}"; do
    if [[ $piece == "$current"* && $piece != "$typed" ]]; then
      COMPREPLY+=("$prefix\${piece#"$typed"}")
      [[ $piece != *: ]] || compopt -o nospace
    fi
  done

  # Names of files alone are left to readline, which knows best how they are written. What begins as a word does has
  # nothing in it that must be unquoted; what is offered readline quotes.
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
