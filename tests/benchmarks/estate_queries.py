"""The SQL that makes the estate: one statement per table.

Random-looking values are hashes of a row's number, so that every run has the same estate. It is as
old as `%(born)s`: a history can be made of all that was done to it since.
"""

LARGE_TABLES = (
    "tasks_task",
    "tasks_historicaltask",
    "permissions_taskpermission",
    "permissions_historicaltaskpermission",
)

# A million rows enter a bare table in a fifth of the time; constraints and indexes are made afterwards.
CONSTRAINTS = """
SELECT format('ALTER TABLE %%s DROP CONSTRAINT %%I', conrelid::regclass, conname),
       format('ALTER TABLE %%s ADD CONSTRAINT %%I %%s',
              conrelid::regclass, conname, pg_get_constraintdef(oid))
FROM pg_constraint
WHERE contype IN ('f', 'u') AND conrelid = ANY(%(tables)s::regclass[])
"""
INDEXES = """
SELECT format('DROP INDEX %%s', indexrelid::regclass),
       replace(pg_get_indexdef(indexrelid), ' ON ONLY ', ' ON ')
FROM pg_index
WHERE indrelid = ANY(%(tables)s::regclass[])
  AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
"""

# What writes history by itself dates it by the clock, and what guards it refuses the past.
LET_PASS = "ALTER TABLE {} DISABLE TRIGGER USER"
GUARD_AGAIN = "ALTER TABLE {} ENABLE TRIGGER USER"
AWAIT_SEAL = "INSERT INTO audit_unsealed (operation_id) VALUES (%(operation)s)"

ADD_PEOPLE = """
INSERT INTO auth_user (
    username, password, first_name, last_name, email,
    is_superuser, is_staff, is_active, date_joined
)
SELECT name, '!', '', '', '', name = 'owner', false, true, %(born)s
FROM unnest(ARRAY['owner', 'manager', 'heavy', 'light']) AS actor (name)
UNION ALL
SELECT 'colleague-' || n, '!', '', '', '', false, false, true, now()
FROM generate_series(1, 5000) AS n
"""

ADD_GROUPS = """
WITH added AS (
    INSERT INTO auth_group (name)
    SELECT 'team-' || n FROM generate_series(1, 200) AS n
    RETURNING id, name
),
everyone AS (
    INSERT INTO auth_group (name) VALUES ('platform'), ('guild') RETURNING id, name
)
INSERT INTO auth_user_groups (user_id, group_id)
SELECT person.id, added.id
FROM added
JOIN auth_user AS person
  ON person.username LIKE 'colleague-%%'
 AND substr(person.username, 11)::integer %% 200 = substr(added.name, 6)::integer %% 200
UNION ALL
SELECT person.id, everyone.id
FROM everyone
JOIN auth_user AS person ON (person.username, everyone.name) IN (('heavy', 'platform'), ('light', 'guild'))
"""

ADD_PROJECTS = """
INSERT INTO tasks_project (uid, name, description, created_by_id, created_at)
SELECT md5('project' || n), 'project-' || n, '', owner.id, %(born)s
FROM generate_series(1, %(projects)s::integer) AS n
CROSS JOIN (SELECT id FROM auth_user WHERE username = 'owner') AS owner
ORDER BY n
"""

ADD_ROLES = """
INSERT INTO permissions_role (project_id, code, name, external_id, built_in)
SELECT project.id, role.code, role.name, role.external_id, true
FROM tasks_project AS project
CROSS JOIN unnest(%(codes)s::integer[], %(names)s::text[], %(external_ids)s::text[])
  AS role (code, name, external_id)
ORDER BY project.id, role.code
"""

ADD_PROJECT_MATRICES = """
INSERT INTO permissions_permissionmatrix (project_id, version)
SELECT id, 1 FROM tasks_project ORDER BY id
"""

ADD_PROJECT_ROWS = """
INSERT INTO permissions_rolepermission (
    matrix_id, role_id, role_code,
    is_view, is_modify, is_delete, is_execute, is_copy, is_forbidden, is_manager
)
SELECT matrix.id, role.id, role.code,
       flags & 1 <> 0, flags & 2 <> 0, flags & 4 <> 0, flags & 8 <> 0,
       flags & 16 <> 0, flags & 32 <> 0, flags & 64 <> 0
FROM permissions_permissionmatrix AS matrix
JOIN permissions_role AS role ON role.project_id = matrix.project_id
JOIN unnest(%(codes)s::integer[], %(flags)s::integer[]) AS usual (code, flags)
  ON usual.code = role.code
ORDER BY matrix.id, role.code
"""

# Five colleagues in every role that has members (a task's creator, -3, is told by the task), a team of
# them as developers, and the actors that cases ask for.
ADD_MEMBERS = """
WITH role AS (
    SELECT id, project_id, code, project_id - min(project_id) OVER () + 1 AS project
    FROM permissions_role
),
person AS (
    SELECT id, substr(username, 11)::integer AS number
    FROM auth_user WHERE username LIKE 'colleague-%%'
),
team AS (SELECT id, row_number() OVER (ORDER BY id) AS number FROM auth_group WHERE name LIKE 'team-%%')
INSERT INTO permissions_rolemember (role_id, user_id, group_id)
SELECT role.id, person.id, NULL::integer
FROM role
CROSS JOIN generate_series(0, 4) AS seat
JOIN person ON person.number = (role.id * 37 + seat * 1009) %% 5000 + 1
WHERE role.code <> -3
UNION ALL
SELECT role.id, NULL, team.id
FROM role JOIN team ON team.number = role.project %% 200 + 1 WHERE role.code = 4
UNION ALL
SELECT role.id, heavy.id, NULL
FROM role JOIN auth_user AS heavy ON heavy.username = 'heavy'
WHERE role.code = 8 AND role.project %% 2 = 0
UNION ALL
SELECT role.id, NULL, platform.id
FROM role JOIN auth_group AS platform ON platform.name = 'platform'
WHERE role.code = 8 AND role.project %% 2 = 1
UNION ALL
SELECT role.id, light.id, NULL
FROM role JOIN auth_user AS light ON light.username = 'light'
WHERE role.code = 4 AND role.project BETWEEN 11 AND 18
UNION ALL
SELECT role.id, NULL, guild.id
FROM role JOIN auth_group AS guild ON guild.name = 'guild'
WHERE role.code = 4 AND role.project BETWEEN 19 AND 20
UNION ALL
SELECT role.id, manager.id, NULL
FROM role JOIN auth_user AS manager ON manager.username = 'manager'
WHERE role.code = 3 AND role.project = 1
"""

ADD_TASK_TYPES = """
INSERT INTO tasks_tasktype (key, name, description, schema, version)
SELECT 'kind-' || n, 'Kind ' || n, '', jsonb_set(%(schema)s::jsonb, '{title}', to_jsonb('Kind ' || n)), 1
FROM generate_series(1, 10) AS n
"""

ADD_TASKS = """
INSERT INTO tasks_task (
    uid, project_id, task_type_id, name, settings, enabled, disabled_reason,
    created_by_id, created_at, updated_at, version
)
SELECT md5('task' || n),
       first.project
           + CASE WHEN n %% %(stride)s::integer = 0 THEN 0
                  ELSE 1 + n::bigint * 7919 %% (%(projects)s::integer - 1) END,
       first.task_type + n %% 10,
       'task-' || n,
       jsonb_set(
           %(settings)s::jsonb, '{repository,url}', to_jsonb('https://git.example/team/service-' || n)
       ),
       true, '',
       CASE WHEN n %% 10007 = 5 THEN first.light ELSE first.colleague + n %% 5000 END,
       %(born)s, %(born)s, 1
FROM generate_series(1, %(tasks)s::integer) AS n
CROSS JOIN (
    SELECT (SELECT min(id) FROM tasks_project) AS project,
           (SELECT min(id) FROM tasks_tasktype) AS task_type,
           (SELECT min(id) FROM auth_user WHERE username LIKE 'colleague-%%') AS colleague,
           (SELECT id FROM auth_user WHERE username = 'light') AS light
) AS first
"""

ADD_TASK_PERMISSIONS = """
INSERT INTO permissions_taskpermission (task_id, matrix_id)
SELECT task.id, matrix.id
FROM tasks_task AS task
JOIN permissions_permissionmatrix AS matrix
  ON matrix.project_id = task.project_id AND matrix.digest IS NULL
"""

# The month in which the estate begins, for the history of everything in it.
OPEN_MONTH = "SELECT audit_open_month(%(table)s::regclass, %(born)s)"
ADD_HISTORY = """
INSERT INTO {history} (
    {columns}, history_id, history_type, history_date, history_user_id, operation_id
)
SELECT {columns}, audit_first_number(%(born)s) + row_number() OVER (), '+', %(born)s,
       %(actor)s::bigint, %(operation)s::uuid
FROM {table}
"""

# One task in ten gets a matrix that no other task has: its number is in the flags of three roles
# that usually hold nothing.
PLAN_OWN_MATRICES = """
CREATE TEMPORARY TABLE own_matrix ON COMMIT DROP AS
WITH wanted AS (
    SELECT id AS task_id, project_id, (id - min(id) OVER () + 1) AS n FROM tasks_task
)
SELECT wanted.task_id, wanted.project_id, wanted.n, role.id AS role_id, role.code,
       CASE
           WHEN role.code = 8 AND n / 10 %% 8 = 0 THEN 0
           WHEN role.code = 4 AND n / 10 %% 16 = 0 THEN 0
           WHEN role.code = 4 AND n / 10 %% 3 = 0 THEN usual.flags & 123
           WHEN role.code = 0 THEN n %% 128
           WHEN role.code = 6 THEN n / 128 %% 128
           WHEN role.code = 7 THEN n / 16384 %% 128
           ELSE usual.flags
       END AS flags
FROM wanted
JOIN permissions_role AS role ON role.project_id = wanted.project_id
JOIN unnest(%(codes)s::integer[], %(flags)s::integer[]) AS usual (code, flags)
  ON usual.code = role.code
WHERE n %% 10 = n / 50 %% 10
"""

PLAN_OWN_DIGESTS = """
CREATE TEMPORARY TABLE own_digest ON COMMIT DROP AS
SELECT task_id, project_id, encode(sha256(convert_to(
    string_agg(code || ':' || role_id || ':' || flags, ';' ORDER BY code), 'UTF8'
)), 'hex') AS digest
FROM own_matrix
GROUP BY task_id, project_id
"""

ADD_OWN_MATRICES = """
WITH added AS (
    INSERT INTO permissions_permissionmatrix (project_id, digest, version)
    SELECT DISTINCT project_id, digest, 1 FROM own_digest
    RETURNING id, project_id, digest
)
INSERT INTO permissions_historicalpermissionmatrix (
    id, project_id, digest, history_id, history_type, history_date, history_user_id, operation_id
)
SELECT id, project_id, digest, audit_first_number(%(born)s) + %(projects)s + row_number() OVER (), '+',
       %(born)s, %(actor)s::bigint, %(operation)s::uuid
FROM added
"""

# Those of projects have theirs by now.
ADD_MATRIX_HISTORY = """
INSERT INTO permissions_historicalpermissionmatrix (
    id, project_id, digest, history_id, history_type, history_date, history_user_id, operation_id
)
SELECT id, project_id, digest,
       audit_first_number(%(born)s) + %(tasks)s + row_number() OVER (ORDER BY id), '+', %(born)s,
       %(actor)s::bigint, %(operation)s::uuid
FROM permissions_permissionmatrix AS made
WHERE NOT EXISTS (
    SELECT FROM permissions_historicalpermissionmatrix AS history WHERE history.id = made.id
)
"""

ADD_OWN_ROWS = """
INSERT INTO permissions_rolepermission (
    matrix_id, role_id, role_code,
    is_view, is_modify, is_delete, is_execute, is_copy, is_forbidden, is_manager
)
SELECT matrix.id, own_matrix.role_id, own_matrix.code,
       flags & 1 <> 0, flags & 2 <> 0, flags & 4 <> 0, flags & 8 <> 0,
       flags & 16 <> 0, flags & 32 <> 0, flags & 64 <> 0
FROM own_digest
JOIN permissions_permissionmatrix AS matrix USING (project_id, digest)
JOIN own_matrix USING (task_id)
"""

GIVE_OWN_MATRICES = """
WITH changed AS (
    UPDATE permissions_taskpermission AS governed
    SET matrix_id = matrix.id
    FROM own_digest
    JOIN permissions_permissionmatrix AS matrix USING (project_id, digest)
    WHERE governed.task_id = own_digest.task_id
    RETURNING governed.task_id, governed.matrix_id, governed.own_matrix_id
)
INSERT INTO permissions_historicaltaskpermission (
    task_id, matrix_id, own_matrix_id,
    history_id, history_type, history_date, history_user_id, operation_id
)
SELECT task_id, matrix_id, own_matrix_id,
       audit_first_number(%(born)s) + %(tasks)s + row_number() OVER (), '~', %(born)s,
       %(actor)s::bigint, %(operation)s::uuid
FROM changed
"""

# The planner has seen none of these rows yet.
ANALYZE_PLANNED = "ANALYZE own_matrix, own_digest, permissions_permissionmatrix"

BUILD = (
    ADD_GROUPS,
    ADD_PROJECTS,
    ADD_ROLES,
    ADD_PROJECT_MATRICES,
    ADD_PROJECT_ROWS,
    ADD_MEMBERS,
    ADD_TASK_TYPES,
    ADD_TASKS,
    ADD_TASK_PERMISSIONS,
)
BUILD_MATRICES = (
    PLAN_OWN_MATRICES,
    PLAN_OWN_DIGESTS,
    ADD_OWN_MATRICES,
    ADD_MATRIX_HISTORY,
    ANALYZE_PLANNED,
    ADD_OWN_ROWS,
    GIVE_OWN_MATRICES,
)

FIRST_PROJECT = """
SELECT id, uid FROM tasks_project ORDER BY id LIMIT 1
"""

# Spread over all of the project's tasks, in the random order of their ids.
BATCH_TASKS = """
SELECT id, uid FROM tasks_task WHERE project_id = %(project)s ORDER BY uid LIMIT %(count)s
"""
