"""The SQL that makes a long history: one statement per table.

What looks random is a hash of a row's number, so that every run has the same history, except for its
times, which end now.
"""

LARGE_TABLES = (
    "audit_operation",
    "tasks_historicaltask",
    "permissions_historicaltaskpermission",
    "permissions_historicalrolepermission",
    "permissions_historicalrolemember",
)

# What the planned operations are joined with fits into memory, so that their rows stay in the order of
# time, as they would have been written, without being sorted.
REMEMBER = "SET LOCAL work_mem = '1GB'"
DO_NOT_SORT = "SET LOCAL enable_mergejoin = off"

# A month for every month of the two years, in each table.
OPEN_MONTHS = """
SELECT audit_open_month(history::regclass, month)
FROM unnest(%(histories)s::text[]) AS history
CROSS JOIN generate_series(now() - interval '731 days', now(), interval '27 days') AS month
"""

# `first` numbers the rows of all operations through.
PLAN_OPERATIONS = """
CREATE TEMPORARY TABLE planned_operation ON COMMIT DROP AS
WITH sized AS (
    SELECT n,
           now() - interval '730 days' * (1 - n::float8 / %(operations)s) AS at,
           CASE
               WHEN n %% greatest(%(operations)s / 10, 1) = 5 THEN %(largest)s
               WHEN n %% 200 = 7 THEN %(largest)s / 5
               WHEN n %% 20 = 3 THEN %(largest)s / 50
               ELSE n %% 18 + 1
           END AS rows,
           md5('operation' || n) AS hash
    FROM generate_series(1, %(operations)s::integer) AS n
), numbered AS (
    SELECT *, (sum(rows) OVER (ORDER BY n) - rows)::bigint AS first,
           ('x' || substr(hash, 1, 6))::bit(24)::integer %% 20 AS dice
    FROM sized
)
SELECT n, at, rows, first, hash,
       encode(substring(int8send((extract(epoch FROM at) * 1000)::bigint) FROM 3), 'hex')
           || '7' || substr(hash, 1, 3) || '8' || substr(hash, 4, 15) AS id,
       CASE
           WHEN dice < 8 THEN 'update_settings'
           WHEN dice < 11 THEN 'set_enabled'
           WHEN dice < 17 THEN 'set_permissions'
           WHEN dice < 19 THEN 'set_project_permissions'
           ELSE 'add_member'
       END AS kind,
       (ARRAY['admin', 'api', 'api', 'command'])[dice %% 4 + 1] AS channel
FROM numbered
"""

# Written as finished at once, so that each waits for its seal; found by one of the projects.
ADD_OPERATIONS = """
INSERT INTO audit_operation (
    id, kind, state, actor_id, actor_name, channel, token_name, request_id, user_agent, address,
    parameters, reason, fingerprint, targets, changed, unchanged, refusals, facets,
    created_at, started_at, finished_at
)
SELECT planned.id::uuid, planned.kind, 'applied', colleague.id, colleague.username, planned.channel,
       '', 'request-' || n, 'generated', ('192.0.2.' || n %% 250 + 1)::inet,
       jsonb_build_object('n', n), %(reason)s, '', rows, rows, 0, '[]',
       ARRAY['project:' || project.uid] || CASE planned.kind
           WHEN 'update_settings' THEN ARRAY[
               'settings=/repository/branch', 'settings:/repository/branch', 'settings:/repository'
           ]
           WHEN 'set_project_permissions' THEN ARRAY[
               'role:' || n %% 9, 'flag:is_execute', 'role:' || n %% 9 || '/is_execute'
           ]
           ELSE '{}'
       END,
       at, at, at + interval '1 millisecond'
FROM planned_operation AS planned
JOIN (
    SELECT uid, row_number() OVER (ORDER BY id) - 1 AS number
    FROM tasks_project
) AS project ON project.number = planned.n %% (SELECT count(*) FROM tasks_project)
JOIN (
    SELECT id, username, row_number() OVER (ORDER BY id) - 1 AS number
    FROM auth_user WHERE username LIKE 'colleague-%%' OR username = %(actor_name)s
) AS colleague
  ON colleague.number = ('x' || substr(planned.hash, 7, 6))::bit(24)::integer %% 500
ORDER BY n
"""

# Every operation goes on with the tasks where the one before it has stopped.
ADD_TASK_HISTORY = """
INSERT INTO tasks_historicaltask (
    id, uid, name, settings, enabled, disabled_reason, created_at, updated_at, recycled_at, version,
    project_id, task_type_id, created_by_id,
    history_id, history_type, history_date, history_user_id, operation_id
)
SELECT task.id, task.uid, task.name,
       jsonb_set(task.settings, '{repository,branch}', to_jsonb('release-' || planned.n)),
       planned.kind <> 'set_enabled' OR planned.n %% 2 = 0, '', task.created_at, planned.at, NULL,
       planned.n, task.project_id, task.task_type_id, task.created_by_id,
       audit_first_number(planned.at) + row, '~', planned.at, %(actor)s::bigint, planned.id::uuid
FROM planned_operation AS planned
CROSS JOIN LATERAL generate_series(planned.first, planned.first + planned.rows - 1) AS row
JOIN (
    SELECT *, row_number() OVER (ORDER BY id) - 1 AS number FROM tasks_task
) AS task ON task.number = row %% (SELECT count(*) FROM tasks_task)
WHERE planned.kind IN ('update_settings', 'set_enabled')
"""

ADD_PERMISSION_HISTORY = """
INSERT INTO permissions_historicaltaskpermission (
    task_id, matrix_id, own_matrix_id,
    history_id, history_type, history_date, history_user_id, operation_id
)
SELECT governed.task_id, governed.matrix_id, governed.own_matrix_id,
       audit_first_number(planned.at) + row, '~', planned.at, %(actor)s::bigint, planned.id::uuid
FROM planned_operation AS planned
CROSS JOIN LATERAL generate_series(planned.first, planned.first + planned.rows - 1) AS row
JOIN (
    SELECT *, row_number() OVER (ORDER BY task_id) - 1 AS number
    FROM permissions_taskpermission
) AS governed ON governed.number = row %% (SELECT count(*) FROM permissions_taskpermission)
WHERE planned.kind = 'set_permissions'
"""

ADD_ROW_HISTORY = """
INSERT INTO permissions_historicalrolepermission (
    id, matrix_id, role_id, role_code,
    is_view, is_modify, is_delete, is_execute, is_copy, is_forbidden, is_manager,
    history_id, history_type, history_date, history_user_id, operation_id
)
SELECT entry.id, entry.matrix_id, entry.role_id, entry.role_code,
       true, bits & 1 = 1, bits & 2 = 2, bits & 4 = 4, bits & 8 = 8, bits & 16 = 16, false,
       audit_first_number(planned.at) + row, '~', planned.at, %(actor)s::bigint, planned.id::uuid
FROM planned_operation AS planned
CROSS JOIN LATERAL generate_series(planned.first, planned.first + planned.rows - 1) AS row
CROSS JOIN LATERAL (SELECT (planned.n + row)::integer %% 32) AS flags (bits)
JOIN (
    SELECT *, row_number() OVER (ORDER BY id) - 1 AS number
    FROM permissions_rolepermission
) AS entry ON entry.number = row %% (SELECT count(*) FROM permissions_rolepermission)
WHERE planned.kind = 'set_project_permissions'
"""

ADD_MEMBER_HISTORY = """
INSERT INTO permissions_historicalrolemember (
    id, role_id, user_id, group_id,
    history_id, history_type, history_date, history_user_id, operation_id
)
SELECT member.id, member.role_id, member.user_id, member.group_id,
       audit_first_number(planned.at) + row, '+', planned.at, %(actor)s::bigint, planned.id::uuid
FROM planned_operation AS planned
CROSS JOIN LATERAL generate_series(planned.first, planned.first + planned.rows - 1) AS row
JOIN (
    SELECT *, row_number() OVER (ORDER BY id) - 1 AS number
    FROM permissions_rolemember
) AS member ON member.number = row %% (SELECT count(*) FROM permissions_rolemember)
WHERE planned.kind = 'add_member'
"""

GENERATE = (
    REMEMBER,
    DO_NOT_SORT,
    OPEN_MONTHS,
    PLAN_OPERATIONS,
    "ANALYZE planned_operation",
    ADD_OPERATIONS,
    ADD_TASK_HISTORY,
    ADD_PERMISSION_HISTORY,
    ADD_ROW_HISTORY,
    ADD_MEMBER_HISTORY,
)

# What is changed from now on is newer than what was generated.
GO_ON = """
SELECT setval(pg_get_serial_sequence(%(table)s, 'history_id'), (SELECT max(history_id) FROM {}))
"""

GENERATED = """
SELECT count(*), sum(changed), (array_agg(id ORDER BY changed DESC, id))[1]
FROM audit_operation WHERE reason = %(reason)s
"""
