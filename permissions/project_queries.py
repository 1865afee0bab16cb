"""The SQL of projects' own matrices, in the open."""

# A project's own matrix and its rows, locked in this order by whoever edits them.
LOCK_PROJECT_MATRIX = """
SELECT matrix.id
FROM permissions_permissionmatrix AS matrix
JOIN tasks_project AS project ON project.id = matrix.project_id
WHERE project.uid = %(project)s AND matrix.digest IS NULL
FOR NO KEY UPDATE OF matrix
"""

LOCK_MATRIX_ROWS = """
SELECT granted.role_code, granted.id
FROM permissions_rolepermission AS granted
JOIN permissions_permissionmatrix AS matrix ON matrix.id = granted.matrix_id
JOIN tasks_project AS project ON project.id = matrix.project_id
WHERE project.uid = %(project)s AND matrix.digest IS NULL
ORDER BY granted.id
FOR NO KEY UPDATE OF granted
"""

COUNT_MATRIX_VERSION = """
UPDATE permissions_permissionmatrix SET version = version + 1 WHERE id = %(matrix)s
"""

# What the rows of a matrix became in an operation and what they were before it, as bits.
READ_ROWS_BEFORE_OPERATION = """
WITH each AS (
    SELECT operation_id, role_code, id, history_id,
           is_view::integer + is_modify::integer * 2 + is_delete::integer * 4
           + is_execute::integer * 8 + is_copy::integer * 16 + is_forbidden::integer * 32
           + is_manager::integer * 64 AS flags
    FROM permissions_historicalrolepermission
    WHERE id IN (SELECT id FROM permissions_historicalrolepermission
                 WHERE operation_id = %(operation)s::uuid)
),
followed AS (
    SELECT operation_id, role_code, flags,
           lag(flags) OVER (PARTITION BY id ORDER BY history_id) AS before
    FROM each
)
SELECT role_code, coalesce(before, 0), flags
FROM followed
WHERE operation_id = %(operation)s::uuid
"""

# How many tasks outside the recycle bin follow a project, of how many the creator is active, and how many
# active users hold one of the roles there: as members, through groups, or as creators of such tasks.
READ_REACH = """
WITH following AS MATERIALIZED (
    SELECT task.created_by_id AS creator_id, creator.is_active
    FROM permissions_taskpermission AS governed
    JOIN tasks_task AS task ON task.id = governed.task_id
    JOIN auth_user AS creator ON creator.id = task.created_by_id
    WHERE governed.matrix_id = %(matrix)s AND task.recycled_at IS NULL
),
holder AS (
    SELECT coalesce(member.user_id, belonging.user_id) AS user_id
    FROM permissions_role AS role
    JOIN permissions_rolemember AS member ON member.role_id = role.id
    LEFT JOIN auth_user_groups AS belonging ON belonging.group_id = member.group_id
    WHERE role.project_id = %(project)s AND role.code = ANY(%(codes)b::integer[])
    UNION
    SELECT creator_id FROM following WHERE -3 = ANY(%(codes)b::integer[])
)
SELECT (SELECT count(*) FROM following),
       (SELECT count(*) FROM following WHERE is_active),
       (SELECT count(*) FROM holder JOIN auth_user ON auth_user.id = holder.user_id
        WHERE auth_user.is_active)
"""

# The latest operations that changed a project itself, its roles, their members, or its own matrix.
READ_LATEST_OPERATIONS = """
WITH role AS (
    SELECT id FROM permissions_role WHERE project_id = %(project)s
),
changed AS (
    SELECT operation_id, history_date FROM tasks_historicalproject WHERE id = %(project)s
    UNION ALL
    SELECT operation_id, history_date FROM permissions_historicalrole
    WHERE id IN (SELECT id FROM role)
    UNION ALL
    SELECT operation_id, history_date FROM permissions_historicalrolemember
    WHERE role_id IN (SELECT id FROM role)
    UNION ALL
    SELECT operation_id, history_date FROM permissions_historicalrolepermission
    WHERE role_id IN (SELECT id FROM role)
)
SELECT operation_id
FROM changed
GROUP BY operation_id
ORDER BY max(history_date) DESC, operation_id DESC
LIMIT %(limit)s
"""
