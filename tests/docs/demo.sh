#!/usr/bin/env bash
# demo.sh BINARY SOURCE: the demo workspace of `./dev run`, ended in the middle and gone on with; and the lines that it prints.
set -euo pipefail
binary=$(readlink -f "$1") source=$(readlink -f "$2")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
ln -s "$source/docs" docs
say() { :; }
eval "$(sed -n '/^make_demo()/,/^}/p' "$source/dev")"
count() { "$binary" export --data data --workspace demo | wc -l; }

# Ended after the import, before the token.
"$binary" import --data data --workspace demo docs/demo-tasks.ndjson >/dev/null
events=$(count)
make_demo "$binary" >/dev/null
grep -q '^ksr_' data/demo-token || { echo 'there is no token after another start'; exit 1; }
[ "$(count)" = "$events" ] || { echo 'the tasks were imported twice'; exit 1; }

# From the beginning.
rm -r data
make_demo "$binary" >/dev/null
grep -q '^ksr_' data/demo-token && [ "$(count)" = "$events" ] || { echo 'no demo workspace was made'; exit 1; }

# zsh takes a bare `?` for a pattern.
if grep -E "^  curl.* http[^ ']*[?&]" "$source/dev"; then echo 'an address is not quoted'; exit 1; fi
