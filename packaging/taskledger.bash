# bash completion for taskledger: asks the program itself, so that it never tells of what is not there.
_taskledger() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} word program=${COMP_WORDS[0]}
  local -a path=()
  COMPREPLY=()
  # The commands before the cursor: `token create`.
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    [[ $word == -* ]] && break
    path+=("$word")
  done
  local help kind=
  help=$("$program" "${path[@]}" --help 2>/dev/null) || return 0
  # What the flag before the cursor takes: `--data DIR`, `-o,--output FILE`, `--durability MODE:{fsync,os}`.
  if [[ $previous =~ ^--?[a-z][a-z-]*$ ]]; then
    kind=$(sed -nE "s/^ +(-[a-z],)?$previous(,--[a-z-]+)? ([^ ]+).*/\3/p" <<<"$help")
  fi
  case $kind in
    DIR*)
      mapfile -t COMPREPLY < <(compgen -d -- "$current")
      return
      ;;
    FILE*)
      mapfile -t COMPREPLY < <(compgen -f -- "$current")
      return
      ;;
    *"{"*"}"*)
      kind=${kind#*\{}
      mapfile -t COMPREPLY < <(compgen -W "$(tr , ' ' <<<"${kind%%\}*}")" -- "$current")
      return
      ;;
  esac
  if [[ $previous == --scopes ]]; then
    mapfile -t COMPREPLY < <(compgen -W 'tasks:read tasks:write audit:read admin operator' -- "$current")
    return
  fi
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
