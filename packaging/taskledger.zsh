#compdef taskledger
# zsh completion for taskledger: asks the program itself, so that it never tells of what is not there.
_taskledger() {
  local word help previous=$words[CURRENT-1]
  local -a names found
  # The commands before the cursor: `token create`.
  for word in $words[2,CURRENT-1]; do
    [[ $word == -* ]] && break
    names+=($word)
  done
  help=$($words[1] $names --help 2>/dev/null) || return 1
  if [[ $previous == --* ]]; then
    found=(${(s:,:)"$(sed -nE "s/^ +(-[a-z],)?$previous [^ ]*\{([^}]*)\}.*/\2/p" <<<$help)"})
    (( $#found )) && { compadd -- $found; return }
    case $previous in
      (--data|--to|--from|--backup-dir) _files -/; return ;;
      (--config|--key-file|--tls-cert|--tls-key|--webhook-ca|--head) _files; return ;;
    esac
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
