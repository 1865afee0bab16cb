"""The SQL that makes the rows of a long history, what operations are found by, and what is so at its end.

Every row differs from the one before it, and facets are those of the differences, as a recorder that
was there would have made them; a test compares them.
"""

# Matrices that batches set: twelve for each project, told apart by what the tester's role holds.
# Digests are those of `permissions.matrix.digest_of`.
PLAN_MATRICES = """
CREATE TEMPORARY TABLE pooled_matrix ON COMMIT DROP AS
SELECT project.number AS project, project.id AS project_id, step,
       encode(sha256(convert_to(
           string_agg(granted.role_code || ':' || granted.role_id || ':' || pooled.flags, ';'
                      ORDER BY granted.role_code),
           'UTF8'
       )), 'hex') AS digest
FROM numbered_project AS project
CROSS JOIN generate_series(0, 11) AS step
JOIN permissions_permissionmatrix AS own ON own.project_id = project.id AND own.digest IS NULL
JOIN permissions_rolepermission AS granted ON granted.matrix_id = own.id
CROSS JOIN LATERAL (
    SELECT CASE granted.role_code WHEN 5 THEN step * 9 + 2 ELSE granted.flags END AS flags
) AS pooled
GROUP BY project.number, project.id, step
"""
ADD_MATRICES = """
INSERT INTO permissions_permissionmatrix (project_id, digest, version)
SELECT project_id, digest, 1 FROM pooled_matrix
"""
# All by the first operation.
RECORD_MATRICES = """
INSERT INTO permissions_historicalpermissionmatrix (
    id, project_id, digest, history_type, history_date, operation_id
)
SELECT matrix.id, matrix.project_id, matrix.digest, '+', operation.at, operation.id
FROM pooled_matrix
JOIN permissions_permissionmatrix AS matrix USING (project_id, digest)
CROSS JOIN (SELECT id, at FROM planned_operation ORDER BY at LIMIT 1) AS operation
"""
ADD_MATRIX_ROWS = """
INSERT INTO permissions_rolepermission (
    matrix_id, role_id, role_code,
    is_view, is_modify, is_delete, is_execute, is_copy, is_forbidden, is_manager
)
SELECT matrix.id, granted.role_id, granted.role_code,
       pooled.flags & 1 <> 0, pooled.flags & 2 <> 0, pooled.flags & 4 <> 0, pooled.flags & 8 <> 0,
       pooled.flags & 16 <> 0, pooled.flags & 32 <> 0, pooled.flags & 64 <> 0
FROM pooled_matrix
JOIN permissions_permissionmatrix AS matrix USING (project_id, digest)
JOIN permissions_permissionmatrix AS own ON own.project_id = matrix.project_id AND own.digest IS NULL
JOIN permissions_rolepermission AS granted ON granted.matrix_id = own.id
CROSS JOIN LATERAL (
    SELECT CASE granted.role_code WHEN 5 THEN step * 9 + 2 ELSE granted.flags END AS flags
) AS pooled
"""
FIND_MATRICES = """
CREATE TEMPORARY TABLE numbered_matrix ON COMMIT DROP AS
SELECT pooled.project, pooled.step, matrix.id
FROM pooled_matrix AS pooled
JOIN permissions_permissionmatrix AS matrix USING (project_id, digest)
"""

ADD_TASK_HISTORY = """
INSERT INTO tasks_historicaltask (
    id, uid, name, settings, enabled, disabled_reason, created_at, updated_at, recycled_at, version,
    project_id, task_type_id, created_by_id,
    history_id, history_type, history_date, history_user_id, operation_id
)
SELECT task.id, task.uid, task.name,
       task.settings || jsonb_build_object(
           'repository', task.settings -> 'repository' || jsonb_strip_nulls(jsonb_build_object(
               'branch', 'release-' || branch, 'depth', depth
           )),
           'build', task.settings -> 'build' || jsonb_strip_nulls(jsonb_build_object(
               'version', '3.' || planned.version,
               'environment', task.settings #> '{build,environment}'
                   || jsonb_strip_nulls(jsonb_build_object('REGION', 'eu-' || region))
           )),
           'schedule', task.settings -> 'schedule'
               || jsonb_strip_nulls(jsonb_build_object('cron', cron || ' 3 * * *')),
           'notifications', task.settings -> 'notifications' || jsonb_strip_nulls(jsonb_build_object(
               'recipients', CASE WHEN recipients IS NOT NULL THEN
                   jsonb_build_array('team-' || recipients || '@example.com')
               END
           ))
       ),
       switched %% 2 = 0, CASE switched %% 2 WHEN 0 THEN '' ELSE 'frozen' END,
       task.created_at, operation.at, NULL, planned.nth + 1,
       task.project_id, task.task_type_id, task.created_by_id,
       operation.history_id + row, '~', operation.at + interval '2 milliseconds',
       CASE WHEN channel <> 'database' THEN actor.id END, operation.id
FROM planned_operation AS operation
JOIN planned_task AS planned USING (n)
JOIN numbered_task AS numbered ON numbered.number = planned.task
JOIN tasks_task AS task ON task.id = numbered.id
JOIN numbered_actor AS actor ON actor.number = operation.actor
WHERE NOT planned.is_permission
ORDER BY n, row
"""

# Each change gives the next matrix of the pool; before the first, a task has what the estate gave it.
PLAN_MOVES = """
CREATE TEMPORARY TABLE planned_move ON COMMIT DROP AS
SELECT planned.n, planned.row, planned.is_last, numbered.id AS task_id, numbered.project,
       given.id AS matrix_id, coalesce(former.id, numbered.matrix_id) AS former_id
FROM planned_task AS planned
JOIN numbered_task AS numbered ON numbered.number = planned.task
JOIN numbered_matrix AS given
  ON given.project = numbered.project AND given.step = (numbered.project * 7 + planned.nth) %% 12
LEFT JOIN numbered_matrix AS former
  ON planned.nth > 1 AND former.project = numbered.project
 AND former.step = (numbered.project * 7 + planned.nth - 1) %% 12
WHERE planned.is_permission
"""
ADD_PERMISSION_HISTORY = """
INSERT INTO permissions_historicaltaskpermission (
    task_id, matrix_id, own_matrix_id,
    history_id, history_type, history_date, history_user_id, operation_id
)
SELECT task_id, matrix_id, NULL, operation.history_id + row, '~',
       operation.at + interval '2 milliseconds', actor.id, operation.id
FROM planned_operation AS operation
JOIN planned_move USING (n)
JOIN numbered_actor AS actor ON actor.number = operation.actor
ORDER BY n, row
"""

# Some roles of the project's own matrix gain or lose one flag, the same for all; never the view, so that
# who sees a task goes on to see it.
PLAN_ROWS = """
CREATE TEMPORARY TABLE planned_row ON COMMIT DROP AS
SELECT n, row, flag, entry.id, entry.matrix_id, entry.role_id, entry.role_code,
       lead(n) OVER by_entry IS NULL AS is_last,
       entry.flags # bit_xor(1 << flag) OVER by_entry AS flags
FROM (
    SELECT n, project_id, row, 1 + n %% 6 AS flag,
           (ARRAY[0, 4, 5, 6, 7, 8, 1001, 1002, 1015])[1 + (n + row) %% 9] AS code
    FROM planned_operation
    CROSS JOIN LATERAL generate_series(0, rows - 1) AS row
    WHERE kind = 'set_project_matrix'
) AS touched
JOIN permissions_permissionmatrix AS matrix
  ON matrix.project_id = touched.project_id AND matrix.digest IS NULL
JOIN permissions_rolepermission AS entry
  ON entry.matrix_id = matrix.id AND entry.role_code = touched.code
WINDOW by_entry AS (PARTITION BY entry.id ORDER BY n)
"""
INDEX_ROWS = "CREATE INDEX ON planned_row (id, n)"
ADD_ROW_HISTORY = """
INSERT INTO permissions_historicalrolepermission (
    id, matrix_id, role_id, role_code,
    is_view, is_modify, is_delete, is_execute, is_copy, is_forbidden, is_manager,
    history_id, history_type, history_date, history_user_id, operation_id
)
SELECT entry.id, matrix_id, role_id, role_code,
       flags & 1 <> 0, flags & 2 <> 0, flags & 4 <> 0, flags & 8 <> 0,
       flags & 16 <> 0, flags & 32 <> 0, flags & 64 <> 0,
       operation.history_id + row, '~', operation.at + interval '2 milliseconds', actor.id, operation.id
FROM planned_operation AS operation
JOIN planned_row AS entry USING (n)
JOIN numbered_actor AS actor ON actor.number = operation.actor
ORDER BY n, row
"""

# Every second operation on members takes away whom the one before it has added.
PLAN_MEMBERS = """
CREATE TEMPORARY TABLE planned_member ON COMMIT DROP AS
WITH counted AS (
    SELECT *, row_number() OVER (ORDER BY n) AS nth, count(*) OVER () AS all_of_them
    FROM planned_operation
    WHERE kind = 'change_role' AND rows > 0
)
SELECT change.n, seat.row, change.nth %% 2 = 1 AS is_added, role.id AS role_id, role.code,
       added.project_uid, first.member + change.nth / 2 * 8 - CASE change.nth %% 2 WHEN 0 THEN 8 ELSE 0 END
           + seat.row AS member_id,
       first.person + (added.n * 7 + seat.row * 13) %% 5000 AS user_id
FROM counted AS change
JOIN counted AS added ON added.nth = change.nth - 1 + change.nth %% 2
CROSS JOIN (
    SELECT (SELECT max(id) + 1 FROM permissions_rolemember) AS member,
           (SELECT min(id) FROM auth_user WHERE username LIKE 'colleague-%%') AS person
) AS first
CROSS JOIN LATERAL generate_series(0, added.rows - 1) AS seat (row)
JOIN permissions_role AS role
  ON role.project_id = added.project_id AND role.code = (ARRAY[4, 7, 8])[1 + added.n %% 3]
WHERE change.nth < change.all_of_them OR change.nth %% 2 = 0
"""
COUNT_MEMBERS = """
UPDATE planned_operation AS operation
SET rows = counted.rows, project_uid = counted.project_uid
FROM (
    SELECT n, count(member.n) AS rows,
           coalesce(min(member.project_uid), min(planned.project_uid)) AS project_uid
    FROM planned_operation AS planned
    LEFT JOIN planned_member AS member USING (n)
    WHERE kind = 'change_role'
    GROUP BY n
) AS counted
WHERE operation.n = counted.n
"""
ADD_MEMBER_HISTORY = """
INSERT INTO permissions_historicalrolemember (
    id, role_id, user_id, group_id,
    history_id, history_type, history_date, history_user_id, operation_id
)
SELECT member_id, role_id, user_id, NULL, operation.history_id + row,
       CASE WHEN is_added THEN '+' ELSE '-' END,
       operation.at + interval '2 milliseconds', actor.id, operation.id
FROM planned_operation AS operation
JOIN planned_member USING (n)
JOIN numbered_actor AS actor ON actor.number = operation.actor
ORDER BY n, row
"""
KEEP_KEYS = """
SELECT setval(
    pg_get_serial_sequence('permissions_rolemember', 'id'),
    (SELECT max(id) FROM permissions_historicalrolemember)
)
"""

# From matrix to matrix; a project's own as it was when the operation ended.
PLAN_DIFFERENCES = """
CREATE TEMPORARY TABLE planned_difference ON COMMIT DROP AS
SELECT moved.n, given.role_code, given.flags # coalesce(edited.flags, held.flags) AS flags
FROM (SELECT DISTINCT n, matrix_id, former_id FROM planned_move) AS moved
JOIN permissions_rolepermission AS given ON given.matrix_id = moved.matrix_id
JOIN permissions_rolepermission AS held
  ON held.matrix_id = moved.former_id AND held.role_code = given.role_code
LEFT JOIN LATERAL (
    SELECT flags FROM planned_row
    WHERE planned_row.id = held.id AND planned_row.n < moved.n
    ORDER BY planned_row.n DESC
    LIMIT 1
) AS edited ON true
UNION ALL
SELECT n, role_code, 1 << flag FROM planned_row
"""

PLAN_FACETS = """
CREATE TEMPORARY TABLE planned_facet ON COMMIT DROP AS
SELECT DISTINCT planned.n, 'project:' || project.uid AS facet
FROM planned_task AS planned
JOIN numbered_task AS task ON task.number = planned.task
JOIN numbered_project AS project ON project.number = task.project
UNION ALL
SELECT n, 'project:' || project_uid
FROM planned_operation WHERE kind IN ('set_project_matrix', 'change_role') AND rows > 0
UNION ALL
SELECT n, facet
FROM planned_operation
JOIN (
    VALUES (1, '/repository/branch', '{/repository}'::text[]),
           (2, '/repository/depth', '{/repository}'),
           (4, '/build/version', '{/build}'),
           (8, '/build/environment/REGION', '{/build,/build/environment}'),
           (16, '/schedule/cron', '{/schedule}'),
           (32, '/notifications/recipients', '{/notifications}')
) AS changed (bit, place, above) ON places & bit <> 0
CROSS JOIN LATERAL (
    SELECT 'settings=' || place
    UNION ALL
    SELECT 'settings:' || part FROM unnest(place || above) AS part
) AS told (facet)
WHERE kind IN ('update_settings', 'outside_the_application') AND rows > 0
UNION ALL
SELECT n, 'role:' || code FROM planned_member
UNION ALL
SELECT n, facet
FROM planned_difference
JOIN (
    VALUES (1, 'is_view'), (2, 'is_modify'), (4, 'is_delete'), (8, 'is_execute'),
           (16, 'is_copy'), (32, 'is_forbidden'), (64, 'is_manager')
) AS flag (bit, name) ON flags & bit <> 0
CROSS JOIN LATERAL unnest(ARRAY[
    'role:' || role_code, 'flag:' || name, 'role:' || role_code || '/' || name
]) AS facet
"""

# What history says last is what is so.
SET_TASKS = """
UPDATE tasks_task AS task
SET settings = said.settings, enabled = said.enabled, disabled_reason = said.disabled_reason,
    updated_at = said.updated_at, version = said.version
FROM planned_task AS planned
JOIN planned_operation AS operation USING (n)
JOIN numbered_task AS numbered ON numbered.number = planned.task
JOIN tasks_historicaltask AS said
  ON said.operation_id = operation.id AND said.id = numbered.id
WHERE planned.is_last AND NOT planned.is_permission AND task.id = numbered.id
"""
SET_PERMISSIONS = """
UPDATE permissions_taskpermission AS governed
SET matrix_id = planned_move.matrix_id
FROM planned_move
WHERE planned_move.is_last AND governed.task_id = planned_move.task_id
"""
SET_ROWS = """
UPDATE permissions_rolepermission AS entry
SET is_modify = planned_row.flags & 2 <> 0, is_delete = planned_row.flags & 4 <> 0,
    is_execute = planned_row.flags & 8 <> 0, is_copy = planned_row.flags & 16 <> 0,
    is_forbidden = planned_row.flags & 32 <> 0, is_manager = planned_row.flags & 64 <> 0
FROM planned_row
WHERE planned_row.is_last AND entry.id = planned_row.id
"""
