-- Event lines (NDJSON) of the tables in tasks-table.sql, for `taskledger import`: one row is one line, in the order in
-- which things happened. Run by: psql --no-psqlrc -AtX -v FETCH_COUNT=5000 -f export-events.sql
-- (COPY ... TO STDOUT would double every backslash of the JSON).
\set QUIET on
SET timezone = 'UTC';

-- Numbers become UUIDs, the same at every run: a second export is the same file.
CREATE FUNCTION pg_temp.uuid_of(kind text, id bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS
  $$ SELECT md5('tasks.example.com/' || kind || '/' || id)::uuid $$;
CREATE FUNCTION pg_temp.title_of(title text) RETURNS text LANGUAGE sql IMMUTABLE AS
  $$ SELECT left(btrim(regexp_replace(title, '[[:cntrl:]]', ' ', 'g')), 500) $$;
CREATE FUNCTION pg_temp.time_of(at timestamptz) RETURNS text LANGUAGE sql STABLE AS
  $$ SELECT to_char(date_trunc('milliseconds', at), 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') $$;
-- A column's text as the value of the event's field.
CREATE FUNCTION pg_temp.field_of(field text, value text) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT CASE field
    WHEN 'title' THEN jsonb_build_object('title', pg_temp.title_of(value))
    WHEN 'due_at' THEN jsonb_build_object('due_date', pg_temp.time_of(value::timestamptz))
    WHEN 'priority' THEN jsonb_build_object('priority', (ARRAY['low', 'medium', 'high'])[value::int])
    WHEN 'assignee_id' THEN jsonb_build_object('assigned_to_id', pg_temp.uuid_of('user', value::bigint))
  END $$;

BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY;
WITH changes AS (
  SELECT * FROM task_changes WHERE old_value IS DISTINCT FROM new_value  -- an event that changes nothing is refused
),
-- What a task was at its creation: the row of today, with the old value of each field's first change.
before AS (
  SELECT task_id, jsonb_object_agg(key, value) AS fields
  FROM (SELECT DISTINCT ON (task_id, field) task_id, field, old_value FROM changes ORDER BY task_id, field, changed_at, id) f,
       jsonb_each(pg_temp.field_of(field, old_value))
  GROUP BY task_id
),
events (task, at, step, actor, type, data) AS (
  SELECT t.id, t.created_at, 0::bigint, t.created_by, 'TaskCreated', jsonb_strip_nulls(
           pg_temp.field_of('title', t.title) || pg_temp.field_of('due_at', t.due_at::text)
           || pg_temp.field_of('priority', t.priority::text) || pg_temp.field_of('assignee_id', t.assignee_id::text)
           || jsonb_build_object('action_type', t.kind, 'linked_entities', CASE WHEN t.contact_id IS NOT NULL THEN
                jsonb_build_array(jsonb_build_object('id', pg_temp.uuid_of('contact', t.contact_id), 'type', 'contacts')) END)
           || coalesce(b.fields, '{}'))
  FROM tasks t LEFT JOIN before b ON b.task_id = t.id
  UNION ALL
  SELECT t.id, least(greatest(c.changed_at, t.created_at), t.deleted_at), c.id, c.changed_by, 'TaskUpdated',
         pg_temp.field_of(c.field, c.new_value)
  FROM changes c JOIN tasks t ON t.id = c.task_id
  UNION ALL
  SELECT id, least(greatest(done_at, created_at), deleted_at), 9e17::bigint, coalesce(done_by, created_by), 'TaskCompleted', '{}'
  FROM tasks WHERE done_at IS NOT NULL
  UNION ALL
  SELECT id, deleted_at, 9e18::bigint, created_by, 'TaskDeleted', '{}'  -- this table does not know who did it
  FROM tasks WHERE deleted_at IS NOT NULL
)
SELECT jsonb_build_object('task_id', pg_temp.uuid_of('task', task), 'type', type, 'time', pg_temp.time_of(at),
                          'actor', pg_temp.uuid_of('user', actor), 'data', data)
FROM events ORDER BY at, task, step;
COMMIT;
