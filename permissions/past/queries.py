"""The SQL of questions about the past of permissions, in the open.

From history alone, but for matrices: which project one belongs to never changes, nor do the rows of an
interned one. Whatever could have stood at the moment is found first, by ids that occur in history, and by
the tasks that are there; `as_of` then says what it was.
"""

from typing import LiteralString

from psycopg import sql

from audit.past import as_of


_TASK = as_of(
    history="tasks_historicaltask",
    of="asked.id",
    columns="id, uid, name, project_id, created_by_id, recycled_at IS NOT NULL AS is_recycled",
)
GOVERNED = as_of(
    history="permissions_historicaltaskpermission",
    key="task_id",
    of="asked.id",
    columns="matrix_id",
)
COLUMNS_OF_ROW: LiteralString = (
    "matrix_id, role_id, role_code,"
    " is_view::int + 2 * is_modify::int + 4 * is_delete::int + 8 * is_execute::int"
    " + 16 * is_copy::int + 32 * is_forbidden::int + 64 * is_manager::int AS flags"
)
ROW = as_of(history="permissions_historicalrolepermission", of="named.id", columns=COLUMNS_OF_ROW)
MEMBER = as_of(
    history="permissions_historicalrolemember",
    of="named.id",
    columns="role_id, user_id, group_id",
)
BELONGING = as_of(
    history="permissions_historicaluser_groups",
    of="named.id",
    columns="user_id, group_id",
)
PROJECT = as_of(
    history="tasks_historicalproject", of="named.id", columns="id, uid, name, created_by_id"
)
_PROJECT_OF_TASK = as_of(
    history="tasks_historicalproject", of="task.project_id", columns="uid, name"
)
ROLE = as_of(history="permissions_historicalrole", of="held.role_id", columns="code, name")
GROUP = as_of(history="permissions_historicalgroup", of="held.group_id", columns="name")
_ACCOUNT_NAMED = as_of(
    history="permissions_historicaluser",
    of="named.id",
    columns="id, username, is_active, is_superuser",
)
_ACCOUNT_HELD = as_of(
    history="permissions_historicaluser", of="held.user_id", columns="username, is_active"
)

# The tasks as they were, and what governed them; what did not exist then is not there.
READ_TASKS = sql.SQL("""
SELECT task.id, task.uid, task.name, task.created_by_id, task.is_recycled,
       project.uid, project.name, matrix.id, matrix.digest IS NULL
FROM unnest(%(ids)s::bigint[]) AS asked (id)
CROSS JOIN {task} AS task
CROSS JOIN {governed} AS governed
CROSS JOIN {project} AS project
JOIN permissions_permissionmatrix AS matrix ON matrix.id = governed.matrix_id
ORDER BY task.id
""").format(task=_TASK, governed=GOVERNED, project=_PROJECT_OF_TASK)

# Who held which of the flags under a matrix, on a task of this creator: one row per user and way.
# Users are paged by key; an inactive account could do nothing, whatever it held.
READ_HOLDERS = sql.SQL("""
WITH granted AS MATERIALIZED (
    SELECT rows.role_id, rows.role_code, rows.flags
    FROM permissions_permissionmatrix AS matrix
    JOIN permissions_rolepermission AS rows ON rows.matrix_id = matrix.id
    WHERE matrix.id = %(matrix)s AND matrix.digest IS NOT NULL AND rows.flags & %(flags)s <> 0
    UNION ALL
    SELECT rows.role_id, rows.role_code, rows.flags
    FROM permissions_permissionmatrix AS matrix
    CROSS JOIN LATERAL (
        SELECT DISTINCT id
        FROM permissions_historicalrolepermission
        WHERE matrix_id = matrix.id
    ) AS named
    CROSS JOIN {row} AS rows
    WHERE matrix.id = %(matrix)s AND matrix.digest IS NULL AND rows.matrix_id = matrix.id
      AND rows.flags & %(flags)s <> 0
),
member AS MATERIALIZED (
    SELECT granted.role_id, granted.flags, member.user_id, member.group_id
    FROM granted
    CROSS JOIN LATERAL (
        SELECT DISTINCT id
        FROM permissions_historicalrolemember
        WHERE role_id = granted.role_id
    ) AS named
    CROSS JOIN {member} AS member
    WHERE member.role_id = granted.role_id
),
held AS MATERIALIZED (
    SELECT user_id, role_id, 'member' AS via, NULL::bigint AS group_id, flags
    FROM member
    WHERE user_id IS NOT NULL
    UNION ALL
    SELECT belonging.user_id, member.role_id, 'group', member.group_id, member.flags
    FROM member
    CROSS JOIN LATERAL (
        SELECT DISTINCT id
        FROM permissions_historicaluser_groups
        WHERE group_id = member.group_id
    ) AS named
    CROSS JOIN {belonging} AS belonging
    WHERE belonging.group_id = member.group_id
    UNION ALL
    SELECT project.created_by_id, granted.role_id, 'project creator', NULL, granted.flags
    FROM granted
    CROSS JOIN (
        SELECT project_id AS id FROM permissions_permissionmatrix WHERE id = %(matrix)s
    ) AS named
    CROSS JOIN {project} AS project
    WHERE granted.role_code = -1
    UNION ALL
    SELECT %(creator)s::bigint, role_id, 'task creator', NULL, flags
    FROM granted
    WHERE role_code = -3
    UNION ALL
    SELECT account.id, NULL, 'superuser', NULL, 127
    FROM (
        SELECT DISTINCT id FROM permissions_historicaluser WHERE is_superuser
    ) AS named
    CROSS JOIN {account} AS account
    WHERE account.is_superuser
),
page AS MATERIALIZED (
    SELECT held.user_id, account.username
    FROM (
        SELECT DISTINCT user_id
        FROM held
        WHERE user_id > %(after)s AND (%(user)s::bigint IS NULL OR user_id = %(user)s)
        ORDER BY user_id
    ) AS held
    CROSS JOIN {account_held} AS account
    WHERE account.is_active
    ORDER BY held.user_id
    LIMIT %(limit)s
)
SELECT page.user_id, page.username, role.code, role.name, held.via, groups.name, held.flags
FROM page
JOIN held USING (user_id)
LEFT JOIN {role} AS role ON true
LEFT JOIN {group} AS groups ON true
ORDER BY page.user_id, held.via, role.code, groups.name
""").format(
    row=ROW,
    member=MEMBER,
    belonging=BELONGING,
    project=PROJECT,
    account=_ACCOUNT_NAMED,
    account_held=_ACCOUNT_HELD,
    role=ROLE,
    group=GROUP,
)

# What an account was: whether it could do anything, and everything.
READ_ACCOUNT = sql.SQL("""
SELECT account.username, account.is_active, account.is_superuser
FROM (SELECT %(user)s::bigint AS id) AS named
CROSS JOIN {account} AS account
""").format(account=_ACCOUNT_NAMED)

# The accounts that ever had the name; the one that had it then comes first, then the latest.
FIND_ACCOUNT = sql.SQL("""
SELECT named.id
FROM (
    SELECT id, max(history_id) AS last
    FROM permissions_historicaluser
    WHERE username = %(name)s
    GROUP BY id
) AS named
LEFT JOIN {account} AS account ON true
ORDER BY coalesce(account.username = %(name)s, false) DESC, named.last DESC
LIMIT 1
""").format(account=_ACCOUNT_NAMED)
