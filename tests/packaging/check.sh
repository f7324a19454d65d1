#!/usr/bin/env bash
# check.sh BUILD SOURCE VERSION: makes the package and checks it. Exit 77: skipped.
set -euo pipefail
build=$1 source=$2 version=$3
folder=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -rf "$folder"' EXIT
fail() { echo "FAILED: $*" >&2; exit 1; }
skip() { echo "skipped: $*" >&2; }
have() { command -v "$1" >/dev/null; }

(cd "$build" && cpack -G DEB -B "$folder" >"$folder/cpack.log" 2>&1) || { cat "$folder/cpack.log" >&2; fail cpack; }
package=$(echo "$folder"/taskledger_*.deb)
[ -f "$package" ] || fail 'no package was made'
root=$folder/root
dpkg-deb -x "$package" "$root"
dpkg-deb -e "$package" "$folder/control"

echo '- what is in it'
[ "$(dpkg-deb -f "$package" Version)" = "$version" ] || fail "version $(dpkg-deb -f "$package" Version)"
for file in usr/bin/taskledger lib/systemd/system/taskledger.service etc/taskledger/taskledger.toml \
  usr/share/man/man1/taskledger.1.gz usr/share/bash-completion/completions/taskledger \
  usr/share/zsh/vendor-completions/_taskledger usr/share/fish/vendor_completions.d/taskledger.fish usr/share/doc/taskledger/copyright; do
  [ -s "$root/$file" ] || fail "$file is missing"
done
grep -qx /etc/taskledger/taskledger.toml "$folder/control/conffiles" || fail 'the settings are no conffile'
[[ $(dpkg-deb -f "$package" Depends) == *librocksdb* ]] || fail 'libraries are no dependencies'
for script in postinst prerm postrm; do sh -n "$folder/control/$script" || fail "$script"; done

echo '- it runs, and its settings are settings'
binary=$root/usr/bin/taskledger
[ "$("$binary" --version)" = "taskledger $version" ] || fail 'version'
"$binary" serve --data "$folder/data" --config "$root/etc/taskledger/taskledger.toml" --listen 127.0.0.1:0 >"$folder/out" 2>"$folder/err" &
server=$!
for _ in $(seq 200); do grep -q listening "$folder/out" && break; sleep 0.1; done
grep -q listening "$folder/out" || { cat "$folder/err" >&2; fail 'it does not start'; }
kill "$server" && wait "$server" || fail 'it does not stop in order'
server=

echo '- completion'
complete_words() {
  (
    source "$root/usr/share/bash-completion/completions/taskledger"
    COMP_WORDS=("$binary" "$@") COMP_CWORD=$#
    _taskledger
    printf '%s ' "${COMPREPLY[@]}"
  )
}
[[ " $(complete_words se) " == *' serve '* ]] || fail "completion of commands: $(complete_words se)"
[[ " $(complete_words token cr) " == *' create '* ]] || fail "completion of nested commands: $(complete_words token cr)"
[[ " $(complete_words serve --tls-c) " == *' --tls-cert '* ]] || fail 'completion of flags'
[[ " $(complete_words serve --durability f) " == *' fsync '* ]] || fail 'completion of values'

# offers SHELL WORDS…: what the other shells offer after these words.
offers() {
  if [ "$1" = fish ]; then
    PATH="$root/usr/bin:$PATH" fish --no-config -c "source '$root/usr/share/fish/vendor_completions.d/taskledger.fish'; complete -C 'taskledger ${*:2}'"
  else
    zsh -fc 'compadd() { shift; print -l -- $@ }; words=("${@:2}"); CURRENT=$#words; source $1' zsh \
      "$root/usr/share/zsh/vendor-completions/_taskledger" "$binary" "${@:2}"
  fi | tr '\n' ' '
}
for shell in zsh fish; do
  have $shell || { skip "completion in $shell: it is not installed"; continue; }
  [[ " $(offers $shell se) " == *' serve '* ]] || fail "$shell: completion of commands: $(offers $shell se)"
  [[ " $(offers $shell token cr) " == *' create '* ]] || fail "$shell: completion of nested commands"
  [[ " $(offers $shell serve --tls-c) " == *' --tls-cert '* ]] || fail "$shell: completion of flags"
  [[ " $(offers $shell serve --durability f) " == *' fsync '* ]] || fail "$shell: completion of values"
done

echo '- manual page'
if have groff; then
  warnings=$(gzip -dc "$root/usr/share/man/man1/taskledger.1.gz" | groff -man -Tutf8 -ww 2>&1 >/dev/null)
  [ -z "$warnings" ] || fail "$warnings"
else
  skip 'the manual page: there is no groff'
fi

echo '- unit'
if have systemd-analyze; then
  sed "s|/usr/bin/taskledger|$binary|" "$root/lib/systemd/system/taskledger.service" >"$folder/taskledger.service"
  # What it says of other units of this machine is none of ours.
  told=$(systemd-analyze verify --man=no "$folder/taskledger.service" 2>&1 | grep taskledger || true)
  [ -z "$told" ] || fail "$told"
  # From 0 (nothing open) to 100; it has 16.
  systemd-analyze security --offline=true --threshold=20 "$folder/taskledger.service" >"$folder/exposure" 2>&1 ||
    { cat "$folder/exposure" >&2; fail 'the unit is less hardened than it was'; }
else
  skip 'the unit: there is no systemd-analyze'
fi

echo '- lintian'
if have lintian; then
  lintian --allow-root --fail-on error --tag-display-limit 0 "$package" >"$folder/lintian" 2>&1 || { cat "$folder/lintian" >&2; fail lintian; }
  cat "$folder/lintian"
else
  skip 'lintian: it is not installed'
fi

echo ok
