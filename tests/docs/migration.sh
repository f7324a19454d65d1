#!/usr/bin/env bash
# migration.sh BINARY EXAMPLES: the worked example of docs/migration-from-sql.md: tables in a PostgreSQL of its own (a
# socket in a temporary directory, no port), events out of it, import, and the same counts on both sides. Ends with 77
# where there is no PostgreSQL 15, or no user that may run it.
set -euo pipefail
binary=$(readlink -f "$1") examples=$(readlink -f "$2")
tools=/usr/lib/postgresql/15/bin
skip() { echo "skipped: $*"; exit 77; }
[ -x "$tools/initdb" ] || skip "there is no PostgreSQL 15 (apt-get install postgresql-15)"
as=()
if [ "$(id -u)" = 0 ]; then
  id postgres >/dev/null 2>&1 && command -v runuser >/dev/null || skip "root may not run PostgreSQL, and there is no user postgres"
  as=(runuser -u postgres --)
fi

folder=$(mktemp -d)
stop() {
  "${as[@]}" "$tools/pg_ctl" -D "$folder/pg" -m immediate stop >/dev/null 2>&1 || true
  rm -rf "$folder"
}
trap stop EXIT
chmod 711 "$folder"
mkdir "$folder/pg"
[ ${#as[@]} = 0 ] || chown postgres "$folder/pg"
"${as[@]}" "$tools/initdb" -D "$folder/pg" -A trust -U postgres --no-sync >/dev/null
"${as[@]}" "$tools/pg_ctl" -D "$folder/pg" -l "$folder/pg/server.log" -w \
  -o "-c listen_addresses='' -c unix_socket_directories=$folder/pg -c fsync=off" start >/dev/null
export PGHOST=$folder/pg PGUSER=postgres PGDATABASE=postgres
psql -Xq -v ON_ERROR_STOP=1 -f "$examples/tasks-table.sql"

export_events() { psql --no-psqlrc -AtX -v ON_ERROR_STOP=1 -v FETCH_COUNT=5000 -f "$examples/export-events.sql"; }
export_events | gzip >"$folder/tasks.ndjson.gz"
"$binary" import --data "$folder/data" --workspace acme "$folder/tasks.ndjson.gz"
"$binary" verify --data "$folder/data"

same() {
  echo "$1: $2 in SQL, $3 in the log"
  [ "$2" = "$3" ]
}
sql() { psql -AtXc "$1"; }
"$binary" export --data "$folder/data" --workspace acme >"$folder/events.ndjson"
in_log() { grep -c "\"type\":\"$1\"" "$folder/events.ndjson"; }
same created "$(sql 'SELECT count(*) FROM tasks')" "$(in_log TaskCreated)"
same updated "$(sql 'SELECT count(*) FROM task_changes')" "$(in_log TaskUpdated)"
same completed "$(sql 'SELECT count(*) FROM tasks WHERE done_at IS NOT NULL')" "$(in_log TaskCompleted)"
same deleted "$(sql 'SELECT count(*) FROM tasks WHERE deleted_at IS NOT NULL')" "$(in_log TaskDeleted)"
# A second export of the same rows is the same file.
export_events | cmp - <(zcat "$folder/tasks.ndjson.gz")
