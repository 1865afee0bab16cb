"""The SQL of what somebody was and could do at a moment: what they held, and on which tasks it may be.

From history alone, as in `permissions.past.queries`.
"""

from psycopg import sql

from audit.past import as_of
from permissions.past.queries import BELONGING, GOVERNED, GROUP, MEMBER, PROJECT, ROLE, ROW


_PERSON = as_of(
    history="permissions_historicaluser",
    of="named.id",
    columns="username, is_active, is_staff, is_superuser",
)
_ROLE = as_of(
    history="permissions_historicalrole", of="held.role_id", columns="code, name, project_id"
)
_PROJECT_OF_ROLE = as_of(history="tasks_historicalproject", of="role.project_id", columns="name")

# The groups that a user was in and, by them or without, the roles that they held.
_STANDING = sql.SQL("""
belonging AS MATERIALIZED (
    SELECT belonging.group_id
    FROM (
        SELECT DISTINCT id FROM permissions_historicaluser_groups WHERE user_id = %(user)s
    ) AS named
    CROSS JOIN {belonging} AS belonging
    WHERE belonging.user_id = %(user)s
),
held AS MATERIALIZED (
    SELECT member.role_id, member.group_id
    FROM (
        SELECT id FROM permissions_historicalrolemember WHERE user_id = %(user)s
        UNION
        SELECT id
        FROM permissions_historicalrolemember
        WHERE group_id IN (SELECT group_id FROM belonging)
    ) AS named
    CROSS JOIN {member} AS member
    WHERE member.user_id = %(user)s
       OR member.group_id IN (SELECT group_id FROM belonging)
)
""").format(belonging=BELONGING, member=MEMBER)

# The roles that a user held and how, with their projects, and the projects that the user created; without
# the roles that never gave anything. Neither role nor matrix ever leaves its project.
READ_STANDING = sql.SQL("""
WITH {standing},
groups AS MATERIALIZED (
    SELECT held.group_id, groups.name
    FROM (SELECT DISTINCT group_id FROM held WHERE group_id IS NOT NULL) AS held
    CROSS JOIN {group} AS groups
)
SELECT (SELECT project_id FROM permissions_historicalrole WHERE id = held.role_id LIMIT 1),
       held.role_id,
       CASE WHEN held.group_id IS NULL THEN 'member' ELSE 'group' END,
       groups.name
FROM held
LEFT JOIN groups USING (group_id)
WHERE EXISTS (
    SELECT FROM permissions_rolepermission WHERE role_id = held.role_id AND flags <> 0
) OR EXISTS (
    SELECT
    FROM permissions_historicalrolepermission
    WHERE role_id = held.role_id
      AND (is_view OR is_modify OR is_delete OR is_execute OR is_copy OR is_forbidden OR is_manager)
)
UNION ALL
SELECT project.id, NULL, 'project creator', NULL
FROM (
    SELECT DISTINCT id FROM tasks_historicalproject WHERE created_by_id = %(user)s
) AS named
CROSS JOIN {project} AS project
WHERE project.created_by_id = %(user)s
""").format(standing=_STANDING, group=GROUP, project=PROJECT)

# What an account was.
READ_PERSON = sql.SQL("""
SELECT account.username, account.is_active, account.is_staff, account.is_superuser
FROM (SELECT %(user)s::bigint AS id) AS named
CROSS JOIN {account} AS account
""").format(account=_PERSON)

# The groups that somebody was in and the roles that they held, by the names of then.
READ_GROUPS_AND_ROLES = sql.SQL("""
WITH {standing}
SELECT NULL, NULL, NULL, groups.name
FROM belonging AS held
CROSS JOIN {group} AS groups
UNION ALL
SELECT project.name, role.code, role.name, groups.name
FROM held
CROSS JOIN {role} AS role
LEFT JOIN {project} AS project ON true
LEFT JOIN {group} AS groups ON true
ORDER BY 1 NULLS FIRST, 2, 4 NULLS FIRST
""").format(standing=_STANDING, role=_ROLE, group=GROUP, project=_PROJECT_OF_ROLE)

# What the matrices gave these roles, and what they gave the creators of projects and of tasks.
READ_GRANTED = sql.SQL("""
WITH matrix AS MATERIALIZED (
    SELECT matrix.id, matrix.project_id, matrix.digest IS NULL AS is_of_project
    FROM unnest(%(matrices)s::bigint[]) AS asked (id)
    JOIN permissions_permissionmatrix AS matrix USING (id)
),
held AS MATERIALIZED (
    SELECT matrix.project_id, granted.*
    FROM (
        SELECT rows.matrix_id, rows.role_id, rows.role_code, rows.flags
        FROM matrix
        JOIN permissions_rolepermission AS rows ON rows.matrix_id = matrix.id
        WHERE NOT matrix.is_of_project
        UNION ALL
        SELECT rows.matrix_id, rows.role_id, rows.role_code, rows.flags
        FROM matrix
        CROSS JOIN LATERAL (
            SELECT DISTINCT id
            FROM permissions_historicalrolepermission
            WHERE matrix_id = matrix.id
        ) AS named
        CROSS JOIN {row} AS rows
        WHERE matrix.is_of_project AND rows.matrix_id = matrix.id
    ) AS granted
    JOIN matrix ON matrix.id = granted.matrix_id
    WHERE granted.flags <> 0
      AND (
          granted.role_code IN (-1, -3)
          OR granted.role_id IN (SELECT unnest(%(roles)s::bigint[]))
      )
),
-- Many matrices have rows of the same few roles.
role AS MATERIALIZED (
    SELECT held.role_id, role.code, role.name
    FROM (SELECT DISTINCT role_id FROM held) AS held
    CROSS JOIN {role} AS role
)
SELECT held.matrix_id, held.project_id, held.role_id, held.role_code, role.code, role.name, held.flags
FROM held
LEFT JOIN role USING (role_id)
""").format(row=ROW, role=ROLE)

# Tasks, by key, of these few projects, or that the user created, in any project or in the one that is
# asked about: no task ever leaves its project. Of the tasks that are gone since, history knows.
FIND_TASKS = """
SELECT task.id
FROM unnest(%(projects)s::bigint[]) AS project (id)
CROSS JOIN LATERAL (
    SELECT id
    FROM tasks_task
    WHERE project_id = project.id AND id > %(after)s
    ORDER BY id
    LIMIT %(limit)s
) AS task
UNION
(
    SELECT id
    FROM tasks_task
    WHERE created_by_id = %(user)s AND id > %(after)s
      AND (%(project)s::bigint IS NULL OR project_id = %(project)s)
    ORDER BY id
    LIMIT %(limit)s
)
UNION
(
    SELECT id
    FROM tasks_historicaltask
    WHERE history_type = '-' AND id > %(after)s
      AND (%(project)s::bigint IS NULL OR project_id = %(project)s)
    ORDER BY id
    LIMIT %(limit)s
)
ORDER BY id
LIMIT %(limit)s
"""

# The same of many projects: gone through together, in the order of keys. Of each of a thousand, its next
# tasks would be read and most of them thrown away.
FIND_TASKS_OF_MANY = """
(
    SELECT id
    FROM tasks_task
    WHERE project_id = ANY(%(projects)s::bigint[]) AND id > %(after)s
    ORDER BY id
    LIMIT %(limit)s
)
UNION
(
    SELECT id
    FROM tasks_task
    WHERE created_by_id = %(user)s AND id > %(after)s
    ORDER BY id
    LIMIT %(limit)s
)
UNION
(
    SELECT id
    FROM tasks_historicaltask
    WHERE history_type = '-' AND id > %(after)s
    ORDER BY id
    LIMIT %(limit)s
)
ORDER BY id
LIMIT %(limit)s
"""

# Every task, by key: what a superuser could reach.
FIND_ALL_TASKS = """
(
    SELECT id
    FROM tasks_task
    WHERE id > %(after)s
    ORDER BY id
    LIMIT %(limit)s
)
UNION
(
    SELECT id
    FROM tasks_historicaltask
    WHERE history_type = '-' AND id > %(after)s
    ORDER BY id
    LIMIT %(limit)s
)
ORDER BY id
LIMIT %(limit)s
"""

# The projects in which somebody may have held something, by the name of then: so many, and how many there
# are. A superuser's are all.
READ_PROJECTS = sql.SQL("""
SELECT project.id, project.name, count(*) OVER ()
FROM (
    SELECT unnest(%(projects)s::bigint[]) AS id
    UNION
    SELECT project_id FROM tasks_task WHERE created_by_id = %(user)s
    UNION
    SELECT project_id
    FROM tasks_historicaltask
    WHERE history_type = '-' AND created_by_id = %(user)s
    UNION
    SELECT id FROM tasks_project WHERE %(everything)s
    UNION
    SELECT id FROM tasks_historicalproject WHERE history_type = '-' AND %(everything)s
) AS named
CROSS JOIN {project} AS project
ORDER BY project.name, project.id
LIMIT %(limit)s OFFSET %(offset)s
""").format(project=PROJECT)

# How many tasks of these projects each matrix governed, those that the user created apart; null counts
# tasks that did not exist. Of projects that are not `open`, only the user's own are asked about. A task
# always has a row that says what governs it, and so it had.
COUNT_GOVERNED = sql.SQL("""
SELECT asked.project_id, governed.matrix_id, asked.is_created, count(*)
FROM (
    SELECT project.id AS project_id, task.id, task.is_created
    FROM unnest(%(projects)s::bigint[]) AS project (id)
    CROSS JOIN LATERAL (
        SELECT id, created_by_id = %(user)s AS is_created
        FROM tasks_task
        WHERE project_id = project.id
          AND (created_by_id = %(user)s OR project_id = ANY(%(open)s::bigint[]))
        ORDER BY id
        LIMIT %(most)s
    ) AS task
    UNION
    SELECT project_id, id, created_by_id = %(user)s
    FROM tasks_historicaltask
    WHERE history_type = '-'
      AND project_id = ANY(%(projects)s::bigint[])
      AND (created_by_id = %(user)s OR project_id = ANY(%(open)s::bigint[]))
) AS asked
LEFT JOIN {governed} AS governed ON true
GROUP BY 1, 2, 3
""").format(governed=GOVERNED)
