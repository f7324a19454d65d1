#!/usr/bin/env bash
# Our server against the tuned PostgreSQL + Fastify server of ../shared/peers, in one alternating run on the same data
# set. Skipped where that folder is absent.
#   peers.sh BINARY [TASKS] [SECONDS] [CONNECTIONS] [CASE…]      TOTAL_TTL_MS=1000: the peer's inexact mode; ROUNDS=3
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
peers=$root/../shared/peers
[ -d "$peers" ] || { echo "skipped: the folder shared/peers is not beside the project"; exit 0; }
[ $# -ge 1 ] || { sed -n '2,5p' "$0" >&2; exit 2; }
binary=$1 tasks=${2:-1000000} seconds=${3:-5} connections=${4:-64}
shift $(($# < 4 ? $# : 4))
for tool in node psql; do
  command -v $tool >/dev/null || [ -x /usr/lib/postgresql/15/bin/$tool ] || { echo "skipped: $tool is not installed"; exit 0; }
done
state=$(mktemp -d)
ours='' theirs=''
stop() { [ -z "$ours" ] || kill "$ours" 2>/dev/null || true; [ -z "$theirs" ] || kill "$theirs" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$state"; }
trap stop EXIT
now=${NOW:-$(date -u +%Y-%m-%dT%H:%M:%SZ)}
user=a5510000-0000-4000-8000-000000000000
node "$peers/load/generate.mjs" ndjson "$tasks" "$now" > "$state/events.ndjson"
"$binary" import --data "$state/data" --workspace bench "$state/events.ndjson" >&2
rm "$state/events.ndjson"
token=$("$binary" token create --data "$state/data" --workspace bench --user $user --scopes tasks:read,tasks:write)
"$binary" serve --data "$state/data" --listen 127.0.0.1:${OUR_PORT:-18080} --threads "${THREADS:-1}" > "$state/ours.log" 2>&1 &
ours=$!
NOW=$now TOTAL_TTL_MS=${TOTAL_TTL_MS:-0} WORKERS=1 POOL=16 "$peers/postgres-fastify/run.sh" "${PEER_PORT:-18081}" "$token" "$tasks" > "$state/peer.log" 2>&1 &
theirs=$!
for _ in $(seq 900); do
  kill -0 $theirs 2>/dev/null || { cat "$state/peer.log" >&2; exit 1; }
  curl -fsS -H "Authorization: Bearer $token" "http://127.0.0.1:${PEER_PORT:-18081}/api/v1/tasks?limit=1" >/dev/null 2>&1 &&
    curl -fsS "http://127.0.0.1:${OUR_PORT:-18080}/readyz" >/dev/null 2>&1 && break
  sleep 1
done
# Both have answered a list before the first is timed: ours loads a workspace on its first use.
curl -fsS -H "Authorization: Bearer $token" "http://127.0.0.1:${OUR_PORT:-18080}/api/v1/tasks?limit=1" >/dev/null
echo "A: taskledger, B: PostgreSQL + Fastify (totals up to ${TOTAL_TTL_MS:-0} ms old); $tasks tasks, $connections connections, $seconds s a run"
ROUNDS=${ROUNDS:-3} "$peers/load/compare.sh" "http://127.0.0.1:${OUR_PORT:-18080}" "$token" "http://127.0.0.1:${PEER_PORT:-18081}" "$token" "$seconds" "$connections" "$@" | tee "$state/lines"
awk '{ k = $3; side = $1; v = $4; n[k, side]++; r[k, side, n[k, side]] = v; keys[k] = 1 }
  function med(k, s,   i, j, t, m, a) { m = n[k, s]; for (i = 1; i <= m; i++) a[i] = r[k, s, i]; for (i = 1; i <= m; i++) for (j = i + 1; j <= m; j++) if (a[j] < a[i]) { t = a[i]; a[i] = a[j]; a[j] = t } return a[int((m + 1) / 2)] }
  END { print "\n| case | ours req/s | peer req/s | ratio |\n|---|---|---|---|"; for (k in keys) if (med(k, "B") > 0) printf "| %s | %d | %d | %.1f |\n", k, med(k, "A"), med(k, "B"), med(k, "A") / med(k, "B") }' <(grep -E '^[AB] ' "$state/lines")
