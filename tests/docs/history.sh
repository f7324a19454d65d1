#!/usr/bin/env bash
# history.sh BINARY PAGE EVENTS: runs the commands of docs/history.md (the `console` blocks) on the real history and
# compares what they print with what the page shows. Left out of the comparison is what differs from run to run: times of
# now, ids made today, hashes and signatures, speeds, files' names; of a line cut at "…" all that follows.
# Ends with 77 where the history is not there.
set -euo pipefail
binary=$(readlink -f "$1") page=$(readlink -f "$2") events=$3
[ -r "$events" ] || { echo "skipped: $events is not there"; exit 77; }
events=$(readlink -f "$events")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/bin" "$folder/here"
ln -s "$binary" "$folder/bin/taskledger"
cp "$events" "$folder/here/helpdesk-events.ndjson.gz"
while port=$((20000 + RANDOM % 10000)) && (: <>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do :; done

# The commands, and beside them what the page shows of each.
awk -v script="$folder/script" -v shown="$folder/shown" '
  /^```console$/ { inside = 1; next }
  /^```/ { inside = 0 }
  !inside { next }
  /^\$ / {
    command = substr($0, 3)
    print "== " command > shown
    print "cat <<\"COMMAND\"\n== " command "\nCOMMAND" > script
    if (command ~ / serve /) {
      sub(/ &$/, "", command)
      command = command " >server.log 2>&1 &\nuntil curl -sf http://127.0.0.1:8080/readyz >/dev/null; do sleep 0.1; done"
    } else if (command ~ /^TASK=/) {
      command = "TASK=$(sed -n \"s/.*task_id.:.\\([^\\\"]*\\).*/\\1/p\" created)"
    } else if (command ~ /-d .{"title"/) {
      command = command " | tee created; echo"
    } else if (command ~ /^curl/ && command !~ /-w /) {
      command = command "; echo"
    } else if (command ~ /^grep/) {
      command = command " 2>/dev/null || true"  # a file that the server replaces meanwhile may be gone
    }
    print command > script
    next
  }
  { print > shown }
' "$page"
{
  echo 'set -eo pipefail; set -m'
  echo 'trap '\''kill $(jobs -p) 2>/dev/null || true; wait'\'' EXIT'
  sed "s/127\.0\.0\.1:8080/127.0.0.1:$port/g" "$folder/script"
} >"$folder/run"
if ! (cd "$folder/here" && PATH="$folder/bin:$PATH" bash "$folder/run") >"$folder/printed" 2>&1; then
  cat "$folder/printed"
  echo "a command of $(basename "$page") failed"
  exit 1
fi

# Made the same in both: what may differ.
plain() {
  sed -E \
    -e '/^== TASK=/d' \
    -e 's/127\.0\.0\.1:[0-9]+/SERVER/g' \
    -e 's/[0-9]+ events\/s/N events\/s/' \
    -e 's/20(2[6-9]|[3-9][0-9])-[0-9]{2}-[0-9]{2}T[0-9:.]+Z/NOW/g' \
    -e 's/ [0-9]{13}$/ NOW/' \
    -e 's/01[0-9a-f]{6}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/NEWTASK/g' \
    -e '/NEWTASK/s/"id":"[0-9a-f-]{36}"/"id":"ID"/g' \
    -e 's/\b[0-9a-f]{64}\b/HASH/g' \
    -e 's/"signature":"[^"]*","key_id":"[^"]*"/SIGNATURE/' \
    -e 's/"nextCursor":"[^"]*"/CURSOR/' \
    -e 's|"path":"[^"]*backups"|"path":"backups"|' \
    -e 's|[0-9]+_s[0-9A-Z]+_[0-9]+\.sst|FILE|' "$1"
}
plain "$folder/shown" >"$folder/shown.plain"
plain "$folder/printed" | grep -v '^$' |
  awk -v shown="$folder/shown.plain" '{ if ((getline want < shown) > 0 && (at = index(want, "…"))) $0 = substr($0, 1, at - 1) "…"; print }' \
    >"$folder/printed.plain"
if ! diff -u "$folder/shown.plain" "$folder/printed.plain"; then
  echo "$(basename "$page") shows what is not so (-: the page, +: this run)"
  exit 1
fi
echo "ok: $(basename "$page"), $(grep -c '^== ' "$folder/shown") commands"
