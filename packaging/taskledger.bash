# bash completion for taskledger: asks the program itself, so that it never tells of what is not there.
_taskledger() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} word program=${COMP_WORDS[0]}
  local -a path=()
  COMPREPLY=()
  case $previous in
    --data | --to | --from | --backup-dir)
      mapfile -t COMPREPLY < <(compgen -d -- "$current")
      return
      ;;
    --config | --key-file | --tls-cert | --tls-key | --webhook-ca | --head | -o)
      mapfile -t COMPREPLY < <(compgen -f -- "$current")
      return
      ;;
    --scopes) COMPREPLY=($(compgen -W 'tasks:read tasks:write audit:read admin operator' -- "$current")) && return ;;
    --durability) COMPREPLY=($(compgen -W 'fsync os' -- "$current")) && return ;;
    --log-format) COMPREPLY=($(compgen -W 'text json' -- "$current")) && return ;;
    --log-level) COMPREPLY=($(compgen -W 'trace debug info warn error off' -- "$current")) && return ;;
  esac
  # The commands before the cursor: `token create`.
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    [[ $word == -* ]] && break
    path+=("$word")
  done
  local help
  help=$("$program" "${path[@]}" --help 2>/dev/null) || return 0
  if [[ $current == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$(grep -oE -- '--[a-z][a-z-]*' <<<"$help" | sort -u)" -- "$current")
  else
    local commands
    commands=$(awk '/^(Subcommands|SUBCOMMANDS):/ { on = 1; next } /^[^ ]/ { on = 0 } on && /^  [a-z]/ { print $1 }' <<<"$help")
    mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$current")
    [[ -n $commands ]] || mapfile -t COMPREPLY < <(compgen -f -- "$current")
  fi
}
complete -F _taskledger taskledger
