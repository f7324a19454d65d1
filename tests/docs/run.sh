#!/usr/bin/env bash
# run.sh BINARY FILE.md: runs the blocks marked `sh` of a page of docs/, one after another in one shell and an empty
# directory, against the real binary. Every command must succeed, and an error of the API is allowed only on a line (or
# the last line of a command) that ends with the comment "# refused: STATUS".
set -euo pipefail
binary=$(readlink -f "$1") page=$(readlink -f "$2")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/bin" "$folder/work"
ln -s "$binary" "$folder/bin/taskledger"
docs=$(dirname "$page")
# A free port below those that the system gives to outgoing connections, of which the tests beside this one make many.
free_port() {
  local port
  while port=$((20000 + RANDOM % 10000)) && (: <>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do :; done
  echo $port
}

# The real curl, writing down each error that the API answers.
cat >"$folder/bin/curl" <<CURL
#!/usr/bin/env bash
answer=\$($(command -v curl) "\$@"); code=\$?
printf '%s' "\$answer"
if [[ \$answer == *'"error":true'* ]]; then printf '%s\n' "\$answer" >>"$folder/refused"; fi
exit \$code
CURL
chmod +x "$folder/bin/curl"
touch "$folder/refused"

receiver=$(free_port)
{
  echo 'set -eo pipefail; set -m'
  echo 'trap '\''kill $(jobs -p) 2>/dev/null || true; wait'\'' EXIT'
  awk '/^```sh$/ { inside = 1; next } /^```/ { inside = 0 } inside' "$page" |
    sed "s/127\.0\.0\.1:8080/127.0.0.1:$(free_port)/g; s/127\.0\.0\.1:9000/127.0.0.1:$receiver/g; s/PORT=9000/PORT=$receiver/"
} >"$folder/script"
expected=$(grep -c '# refused: [0-9]' "$folder/script" || true)

if ! (cd "$folder/work" && DOCS=$docs PATH="$folder/bin:$PATH" bash "$folder/script") >"$folder/output" 2>&1; then
  cat "$folder/output"
  echo "a command of $(basename "$page") failed"
  exit 1
fi
found=$(wc -l <"$folder/refused")
if [ "$found" != "$expected" ]; then
  cat "$folder/output"
  echo "$(basename "$page"): $expected refusals are told, $found were answered:"
  cat "$folder/refused"
  exit 1
fi
[ -z "${SHOW:-}" ] || cat "$folder/output"
echo "ok: $(basename "$page"), $(grep -c . "$folder/script") lines"
