"""The SQL of what the trail says of permissions: what was so at each of many moments, in the open."""

from psycopg import sql

from audit.past import as_of
from permissions.past.queries import COLUMNS_OF_ROW


# The rows of matrices as they were, each at a moment of its own; those of an interned one never change.
# Of which one is told by its place among those that are asked for.
READ_MATRICES_THEN = sql.SQL("""
SELECT asked.place, rows.role_code, rows.role_id, rows.flags
FROM unnest(%(matrices)s::bigint[], %(moments)s::timestamptz[])
    WITH ORDINALITY AS asked (matrix_id, at, place)
JOIN permissions_permissionmatrix AS matrix ON matrix.id = asked.matrix_id
CROSS JOIN LATERAL (
    SELECT DISTINCT id
    FROM permissions_historicalrolepermission
    WHERE matrix_id = asked.matrix_id
) AS named
CROSS JOIN {row} AS rows
WHERE matrix.digest IS NULL
UNION ALL
SELECT asked.place, rows.role_code, rows.role_id, rows.flags
FROM unnest(%(matrices)s::bigint[], %(moments)s::timestamptz[])
    WITH ORDINALITY AS asked (matrix_id, at, place)
JOIN permissions_permissionmatrix AS matrix ON matrix.id = asked.matrix_id
JOIN permissions_rolepermission AS rows ON rows.matrix_id = asked.matrix_id
WHERE matrix.digest IS NOT NULL
""").format(
    row=as_of(
        history="permissions_historicalrolepermission",
        of="named.id",
        columns=COLUMNS_OF_ROW,
        at="asked.at",
    )
)

# What roles and their projects were called, each at a moment of its own.
READ_ROLES_THEN = sql.SQL("""
SELECT asked.role_id, asked.at, role.name, project.name
FROM unnest(%(roles)s::bigint[], %(moments)s::timestamptz[]) AS asked (role_id, at)
CROSS JOIN {role} AS role
CROSS JOIN {project} AS project
""").format(
    role=as_of(
        history="permissions_historicalrole",
        of="asked.role_id",
        columns="name, project_id",
        at="asked.at",
    ),
    project=as_of(
        history="tasks_historicalproject", of="role.project_id", columns="name", at="asked.at"
    ),
)

# What accounts and groups were called, each at a moment of its own; one that was gone by then, last.
READ_HOLDERS_THEN = sql.SQL("""
SELECT asked.is_group, asked.id, asked.at, CASE WHEN asked.is_group THEN (
    SELECT named.name
    FROM permissions_historicalgroup AS named
    JOIN audit_operation AS made ON made.id = named.operation_id
    WHERE named.id = asked.id AND made.finished_at <= asked.at
    ORDER BY named.history_id DESC
    LIMIT 1
) ELSE (
    SELECT named.username
    FROM permissions_historicaluser AS named
    JOIN audit_operation AS made ON made.id = named.operation_id
    WHERE named.id = asked.id AND made.finished_at <= asked.at
    ORDER BY named.history_id DESC
    LIMIT 1
) END
FROM unnest(%(are_groups)s::boolean[], %(ids)s::bigint[], %(moments)s::timestamptz[])
    AS asked (is_group, id, at)
""")
