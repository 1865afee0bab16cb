"""The SQL that makes a long history: what is planned, and the operations themselves.

What looks random is a hash of a number, so that every run has the same history, except for its times,
which end now. The rows are in `history_row_queries`.
"""

LARGE_TABLES = (
    "audit_operation",
    "tasks_task",
    "tasks_historicaltask",
    "permissions_taskpermission",
    "permissions_historicaltaskpermission",
    "permissions_historicalrolepermission",
    "permissions_historicalrolemember",
)
GUARDED_TABLES = (
    *LARGE_TABLES,
    "permissions_rolepermission",
    "permissions_permissionmatrix",
    "permissions_historicalpermissionmatrix",
)

# What the planned operations are joined with fits into memory, so that their rows stay in the order of
# time, as they would have been written, without being sorted.
REMEMBER = "SET LOCAL work_mem = '1GB'"
DO_NOT_SORT = "SET LOCAL enable_mergejoin = off"

# From 0 on, below 1: another one for each purpose.
MAKE_DICE = """
CREATE FUNCTION pg_temp.dice(n bigint, purpose text) RETURNS float8 LANGUAGE sql IMMUTABLE AS $$
    SELECT ('x' || substr(md5(purpose || n), 1, 7))::bit(28)::integer / 268435456.0::float8
$$
"""

# A month for every month of the two years, in each table.
OPEN_MONTHS = """
SELECT audit_open_month(history::regclass, month)
FROM unnest(%(histories)s::text[]) AS history
CROSS JOIN generate_series(now() - interval '731 days', now(), interval '27 days') AS month
"""

# Projects and their tasks, numbered through, those of a project next to each other.
NUMBER_PROJECTS = """
CREATE TEMPORARY TABLE numbered_project ON COMMIT DROP AS
SELECT project.id, project.uid, project.number, task.tasks,
       (sum(task.tasks) OVER (ORDER BY project.number) - task.tasks)::bigint AS first
FROM (SELECT id, uid, row_number() OVER (ORDER BY id) - 1 AS number FROM tasks_project) AS project
JOIN (SELECT project_id, count(*) AS tasks FROM tasks_task GROUP BY project_id) AS task
  ON task.project_id = project.id
"""
NUMBER_TASKS = """
CREATE TEMPORARY TABLE numbered_task ON COMMIT DROP AS
SELECT task.id, project.number AS project, governed.matrix_id,
       row_number() OVER (ORDER BY project.number, task.id) - 1 AS number
FROM tasks_task AS task
JOIN numbered_project AS project ON project.id = task.project_id
JOIN permissions_taskpermission AS governed ON governed.task_id = task.id
"""
NUMBER_ACTORS = """
CREATE TEMPORARY TABLE numbered_actor ON COMMIT DROP AS
SELECT id, username, row_number() OVER (ORDER BY username LIKE 'colleague-%%', id) - 1 AS number
FROM auth_user WHERE username LIKE 'colleague-%%' OR username IN ('manager', 'light')
"""

# What operations do: most change settings or permissions of a few tasks, some of hundreds, one in a
# thousand of as many as a batch can, all of them of one project or of a few neighbours; the rest
# change what a project gives, its members, or nothing. Small numbers are drawn more often, so that a few
# projects and actors are in much of it. Which places of settings: a bit for each.
PLAN_OPERATIONS = """
CREATE TEMPORARY TABLE planned_operation ON COMMIT DROP AS
WITH drawn AS MATERIALIZED (
    SELECT n,
           now() - interval '730 days' * (1 - (n + pg_temp.dice(n, 'at') / 2) / (%(operations)s + 1))
               AS at,
           CASE
               WHEN n = %(operations)s / 2 THEN 0.3
               WHEN n = %(operations)s * 3 / 4 THEN 0.9
               ELSE pg_temp.dice(n, 'kind')
           END AS kind,
           CASE
               WHEN n IN (%(operations)s / 2, %(operations)s * 3 / 4) THEN 1
               ELSE pg_temp.dice(n, 'size')
           END AS size,
           pg_temp.dice(n, 'rows') AS share,
           pg_temp.dice(n, 'state') AS state,
           pg_temp.dice(n, 'channel') AS channel,
           floor((SELECT count(*) FROM numbered_project) * pg_temp.dice(n, 'project') ^ 2)::bigint
               AS project,
           floor(500 * pg_temp.dice(n, 'actor') ^ 2)::bigint AS actor,
           (ARRAY[1, 1, 2, 4, 4, 8, 16, 32, 3, 5, 20, 37])[1 + floor(12 * pg_temp.dice(n, 'place'))::int]
               AS places,
           md5('operation' || n) AS hash
    FROM generate_series(1, %(operations)s::integer) AS n
), told AS MATERIALIZED (
    SELECT n, at, size, share, actor, places, hash, CASE
               WHEN kind < 0.02 THEN 'sign_in'
               WHEN kind < 0.03 THEN 'export_trail'
               WHEN kind < 0.08 THEN 'change_role'
               WHEN kind < 0.16 THEN 'set_project_matrix'
               WHEN kind < 0.18 THEN 'outside_the_application'
               WHEN kind < 0.58 THEN 'update_settings'
               WHEN kind < 0.72 THEN 'set_enabled'
               ELSE 'set_permissions'
           END AS kind,
           CASE
               WHEN size = 1 OR kind < 0.03 OR state < 0.95 THEN 'applied'
               WHEN state < 0.98 THEN 'refused'
               WHEN state < 0.99 THEN 'failed'
               ELSE 'cancelled'
           END AS state,
           CASE
               WHEN kind < 0.16 THEN 'admin'
               WHEN kind < 0.18 THEN 'database'
               WHEN channel < 0.4 THEN 'admin'
               WHEN channel < 0.9 THEN 'api'
               ELSE 'command'
           END AS channel,
           CASE WHEN size = 1 THEN 0 ELSE project END AS project
    FROM drawn
), sized AS MATERIALIZED (
    SELECT *, CASE
               WHEN state <> 'applied' OR kind IN ('sign_in', 'export_trail') THEN 0
               WHEN kind IN ('change_role', 'set_project_matrix') THEN 1 + floor(4 * share)
               WHEN kind = 'outside_the_application' THEN 1 + floor(3 * share)
               WHEN size = 1 OR size >= 0.9992 THEN %(largest)s
               WHEN size < 0.55 THEN 1 + floor(5 * share)
               WHEN size < 0.88 THEN 1 + floor(60 * share)
               WHEN size < 0.985 THEN 50 + floor(300 * share)
               ELSE least(400 + floor(1600 * share), %(largest)s)
           END::bigint AS rows
    FROM told
)
SELECT planned.*, CASE
           WHEN planned.rows > project.tasks THEN project.first
           ELSE project.first
               + floor((project.tasks - planned.rows + 1) * pg_temp.dice(n, 'first'))::bigint
       END AS first,
       project.id AS project_id, project.uid AS project_uid,
       audit_first_number(at) + 100000000 + (sum(planned.rows + 8) OVER (ORDER BY n) - planned.rows)::bigint
           AS history_id,
       (encode(substring(int8send((extract(epoch FROM at) * 1000)::bigint) FROM 3), 'hex')
           || '7' || substr(hash, 1, 3) || '8' || substr(hash, 4, 15))::uuid AS id
FROM sized AS planned
JOIN numbered_project AS project ON project.number = planned.project
"""

# Which tasks each operation changes, and which change of the task that is. `row` is its place among the
# operation's.
PLAN_TASKS = """
CREATE TEMPORARY TABLE planned_task ON COMMIT DROP AS
SELECT n, task, row, is_permission,
       count(*) OVER by_sort AS nth,
       lead(n) OVER by_sort IS NULL AS is_last,
       CASE WHEN NOT is_permission THEN count(*) FILTER (WHERE kind = 'set_enabled') OVER by_sort END
           AS switched,
       max(n) FILTER (WHERE places & 1 <> 0) OVER by_sort AS branch,
       max(n) FILTER (WHERE places & 2 <> 0) OVER by_sort AS depth,
       max(n) FILTER (WHERE places & 4 <> 0) OVER by_sort AS version,
       max(n) FILTER (WHERE places & 8 <> 0) OVER by_sort AS region,
       max(n) FILTER (WHERE places & 16 <> 0) OVER by_sort AS cron,
       max(n) FILTER (WHERE places & 32 <> 0) OVER by_sort AS recipients
FROM (
    SELECT n, kind, row, (first + row) %% (SELECT count(*) FROM numbered_task) AS task,
           kind = 'set_permissions' AS is_permission,
           CASE WHEN kind IN ('update_settings', 'outside_the_application') THEN places ELSE 0 END
               AS places
    FROM planned_operation
    CROSS JOIN LATERAL generate_series(0, rows - 1) AS row
    WHERE kind IN ('update_settings', 'outside_the_application', 'set_enabled', 'set_permissions')
) AS touched
WINDOW by_sort AS (PARTITION BY is_permission, task ORDER BY n)
"""

# Written as finished at once; every one waits for its seal.
ADD_OPERATIONS = """
INSERT INTO audit_operation (
    id, kind, state, actor_id, actor_name, channel, token_id, token_name, request_id, user_agent,
    address, parameters, reason, fingerprint, targets, changed, unchanged, refused, refusals, facets,
    created_at, started_at, finished_at
)
SELECT planned.id, kind, state,
       CASE WHEN channel <> 'database' THEN actor.id END,
       CASE WHEN channel <> 'database' THEN actor.username ELSE 'bulkhead' END,
       channel,
       CASE WHEN channel = 'api' THEN 1000000 + actor.number END,
       CASE WHEN channel = 'api' THEN 'pipeline of ' || actor.username ELSE '' END,
       CASE WHEN channel IN ('admin', 'api') THEN md5('request' || n) ELSE '' END,
       CASE channel WHEN 'admin' THEN 'Mozilla/5.0' WHEN 'api' THEN %(agent)s ELSE '' END,
       CASE WHEN channel IN ('admin', 'api') THEN ('192.0.2.' || n %% 250 + 1)::inet END,
       CASE kind
           WHEN 'update_settings' THEN jsonb_build_object('sealed', '{}'::jsonb, 'settings', '{}'::jsonb)
           ELSE '{}'
       END,
       CASE WHEN channel <> 'database' AND hash < '8' THEN
           (ARRAY['Release', 'Freeze', 'Rollback', 'Cleanup', 'Incident', 'Rotation', 'Audit'])
               [1 + n %% 7]
           || ' ' || n %% 40 || '.' || n %% 13 || ' for '
           || (ARRAY['storefront', 'payments', 'search', 'logistics', 'identity'])[1 + n %% 5]
           || ', ticket OPS-' || n
       ELSE '' END,
       '', rows, rows, 0, CASE WHEN state = 'refused' THEN 1 ELSE 0 END, '[]',
       coalesce(facets.facets, '{}'),
       at, at, at + interval '5 milliseconds' + rows * interval '50 microseconds'
FROM planned_operation AS planned
JOIN numbered_actor AS actor ON actor.number = planned.actor
LEFT JOIN (
    SELECT n, array_agg(DISTINCT facet) AS facets FROM planned_facet GROUP BY n
) AS facets USING (n)
ORDER BY n
"""
AWAIT_SEALS = """
INSERT INTO audit_unsealed (operation_id) SELECT id FROM planned_operation ORDER BY n
"""

# What is changed from now on is newer than what was generated.
GO_ON = """
SELECT setval(pg_get_serial_sequence(%(table)s, 'history_id'), (SELECT max(history_id) FROM {}))
"""

GENERATED = """
SELECT count(*), sum(changed),
       (array_agg(id ORDER BY changed DESC, id) FILTER (WHERE kind = 'update_settings'))[1],
       (array_agg(id ORDER BY changed DESC, id) FILTER (WHERE kind = 'set_permissions'))[1]
FROM audit_operation
"""
