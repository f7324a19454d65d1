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
for tool in dpkg-shlibdeps file; do have $tool || { skip "there is no $tool (apt-get install dpkg-dev file)"; exit 77; }; done

(cd "$build" && cpack -G DEB -B "$folder" >"$folder/cpack.log" 2>&1) || { cat "$folder/cpack.log" >&2; fail cpack; }
package=$(echo "$folder"/taskledger_*.deb)
[ -f "$package" ] || fail 'no package was made'
root=$folder/root
dpkg-deb -x "$package" "$root"
dpkg-deb -e "$package" "$folder/control"

echo '- without dpkg-shlibdeps there is no package'
(cd "$build" && cpack -G DEB -D CMAKE_IGNORE_PATH='/usr/bin;/bin' -B "$folder/without" >"$folder/without.log" 2>&1) && fail 'there is one'
grep -q 'apt-get install dpkg-dev' "$folder/without.log" || fail "without dpkg-shlibdeps: $(cat "$folder/without.log")"

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
if have readelf; then
  [[ $(readelf -dlW "$binary") == *'DYN (Position-Independent'*GNU_RELRO*BIND_NOW* ]] || fail 'it can be written to where it jumps'
else
  skip 'how it is linked: there is no readelf'
fi
[ "$("$binary" --version)" = "taskledger $version" ] || fail 'version'
"$binary" serve --data "$folder/data" --config "$root/etc/taskledger/taskledger.toml" --listen 127.0.0.1:0 >"$folder/out" 2>"$folder/err" &
server=$!
for _ in $(seq 200); do grep -q listening "$folder/out" && break; sleep 0.1; done
grep -q listening "$folder/out" || { cat "$folder/err" >&2; fail 'it does not start'; }
kill "$server" && wait "$server" || fail 'it does not stop in order'
server=

echo '- completion'
# offers SHELL WORDS…: what the shell offers after these words, in a folder with a file and a directory.
mkdir -p "$folder/here/a-directory" && touch "$folder/here/a-file"
offers() {
  (
    cd "$folder/here"
    case $1 in
      bash)
        source "$root/usr/share/bash-completion/completions/taskledger"
        COMP_WORDS=("$binary" "${@:2}") COMP_CWORD=$(($# - 1))
        _taskledger
        printf '%s\n' "${COMPREPLY[@]}"
        ;;
      fish)
        PATH="$root/usr/bin:$PATH" fish --no-config -c "source '$root/usr/share/fish/vendor_completions.d/taskledger.fish'; complete -C 'taskledger ${*:2}'"
        ;;
      zsh)
        zsh -fc 'compadd() { shift; print -l -- $@ }; _files() { if [[ $1 = -/ ]] { print -l *(/) } else { print -l * } }
          words=("${@:2}"); CURRENT=$#words; source $1' zsh "$root/usr/share/zsh/vendor-completions/_taskledger" "$binary" "${@:2}"
        ;;
    esac
  ) | cut -f 1 | sed 's|/$||' | tr '\n' ' '
}
# The flags that take files or directories: `COMMAND FLAG KIND` a line.
for command in serve 'token create' import export events replay verify rebuild backup restore stats; do
  help=$($binary $command --help)
  sed -nE "s/^ +(-[a-z],)?(--[a-z-]+) (FILE|DIR)( .*)?$/$command \2 \3/p" <<<"$help"
  sed -nE "s/^ +(-[a-z]),--[a-z-]+ (FILE|DIR)( .*)?$/$command \1 \2/p" <<<"$help"
done >"$folder/flags"
for flag in 'serve --config FILE' 'serve --backup-dir DIR' 'export -o FILE' 'export --output FILE' 'restore --erasures FILE'; do
  grep -qx -- "$flag" "$folder/flags" || fail "its help does not say: $flag"
done
for shell in bash zsh fish; do
  have $shell || { skip "completion in $shell: it is not installed"; continue; }
  [[ " $(offers $shell se) " == *' serve '* ]] || fail "$shell: completion of commands: $(offers $shell se)"
  [[ " $(offers $shell token cr) " == *' create '* ]] || fail "$shell: completion of nested commands"
  [[ " $(offers $shell serve --tls-c) " == *' --tls-cert '* ]] || fail "$shell: completion of flags"
  [[ " $(offers $shell serve --durability f) " == *' fsync '* ]] || fail "$shell: completion of values"
  [[ " $(offers $shell token create --scopes a) " == *' admin '* ]] || fail "$shell: completion of scopes"
  while read -r words; do
    kind=${words##* } words=${words% *} offered=" $(offers $shell $words '') "
    [[ $offered == *' a-directory '* ]] || fail "$shell: $words offers $offered"
    [[ $kind == FILE ]] && wanted=1 || wanted=0
    [[ $(grep -c ' a-file ' <<<"$offered" || true) == "$wanted" ]] || fail "$shell: $words, a $kind, offers $offered"
  done <"$folder/flags"
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
