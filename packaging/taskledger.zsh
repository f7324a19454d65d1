#compdef taskledger
# zsh completion for taskledger: asks the program itself, so that it never tells of what is not there.
_taskledger() {
  local word help kind previous=$words[CURRENT-1]
  local -a names found
  # The commands before the cursor: `token create`.
  for word in $words[2,CURRENT-1]; do
    [[ $word == -* ]] && break
    names+=($word)
  done
  help=$($words[1] $names --help 2>/dev/null) || return 1
  # What the flag before the cursor takes: `--data DIR`, `-o,--output FILE`, `--durability MODE:{fsync,os}`.
  if [[ $previous =~ '^--?[a-z][a-z-]*$' ]]; then
    kind=$(sed -nE "s/^ +(-[a-z],)?$previous(,--[a-z-]+)? ([^ ]+).*/\3/p" <<<$help)
    case $kind in
      (DIR*) _files -/; return ;;
      (FILE*) _files; return ;;
      (*{*}*) found=(${(s:,:)${${kind#*\{}%%\}*}}); compadd -- $found; return ;;
    esac
    [[ $previous == --scopes ]] && { compadd -- tasks:read tasks:write audit:read admin operator; return }
  fi
  if [[ $words[CURRENT] == -* ]]; then
    found=(${(fu)"$(grep -oE -- '--[a-z][a-z-]*' <<<$help)"})
  else
    found=(${(f)"$(awk '/^(Subcommands|SUBCOMMANDS):/ { on = 1; next } /^[^ ]/ { on = 0 } on && /^  [a-z]/ { print $1 }' <<<$help)"})
    (( $#found )) || { _files; return }
  fi
  compadd -- $found
}
_taskledger "$@"
