-- The usual tasks table, with an audit table beside it: what docs/migration-from-sql.md starts from.
CREATE TABLE users (id bigint PRIMARY KEY, name text NOT NULL);
CREATE TABLE tasks (
  id          bigint PRIMARY KEY,
  title       text NOT NULL,
  due_at      timestamptz,
  priority    smallint,                       -- 1 low, 2 medium, 3 high
  kind        text,                           -- call, email, meeting
  assignee_id bigint REFERENCES users,
  contact_id  bigint,
  created_by  bigint NOT NULL REFERENCES users,
  created_at  timestamptz NOT NULL,
  done_at     timestamptz,
  done_by     bigint REFERENCES users,
  deleted_at  timestamptz
);
CREATE TABLE task_changes (                   -- filled by a trigger, as many applications have it
  id         bigint PRIMARY KEY,
  task_id    bigint NOT NULL REFERENCES tasks,
  changed_at timestamptz NOT NULL,
  changed_by bigint NOT NULL REFERENCES users,
  field      text NOT NULL,                   -- title, due_at, priority, assignee_id
  old_value  text,
  new_value  text
);

-- Some rows, the same every time.
INSERT INTO users SELECT n, 'User ' || n FROM generate_series(1, 20) n;
INSERT INTO tasks
SELECT n, 'Follow up with "customer" ' || n || E' \\ again',
       timestamptz '2024-01-01 09:00+01' + n * interval '37 minutes' + interval '5 days',
       CASE n % 4 WHEN 0 THEN NULL ELSE n % 4 END, (ARRAY['call', 'email', 'meeting', NULL])[n % 4 + 1],
       CASE WHEN n % 5 > 0 THEN n % 20 + 1 END, CASE WHEN n % 3 = 0 THEN n % 400 END, n % 7 + 1,
       timestamptz '2024-01-01 09:00+01' + n * interval '37 minutes 0.123456 seconds',
       CASE WHEN n % 3 > 0 THEN timestamptz '2024-01-01 09:00+01' + n * interval '37 minutes' + (n % 9) * interval '1 day 3 hours' + interval '1 hour' END,
       CASE WHEN n % 3 > 0 THEN n % 20 + 1 END,
       CASE WHEN n % 50 = 0 THEN timestamptz '2024-12-24 12:00+01' END
FROM generate_series(1, 5000) n;
INSERT INTO task_changes
SELECT t.id, t.id, t.created_at + interval '20 minutes', t.created_by, 'priority', '1', t.priority::text
FROM tasks t WHERE t.priority = 3 AND t.id % 2 = 1;
