"""The SQL of what an actor may do with which tasks, and which the actor sees."""

from psycopg import sql


# The roles that the actor holds, as a member, through a group or by having created the project.
HELD = sql.SQL("""
held AS MATERIALIZED (
    SELECT role_id FROM permissions_rolemember WHERE user_id = %(actor)s
    UNION
    SELECT member.role_id
    FROM auth_user_groups AS belonging
    JOIN permissions_rolemember AS member ON member.group_id = belonging.group_id
    WHERE belonging.user_id = %(actor)s
    UNION
    SELECT role.id
    FROM tasks_project AS project
    JOIN permissions_role AS role ON role.project_id = project.id AND role.code = -1
    WHERE project.created_by_id = %(actor)s
)
""")

# The actor's flags on each target, over the tables behind the view. A right depends on the matrix, so
# the roles are resolved per distinct matrix; who created a task is asked only where it would add one.
# Keys are joined, as in the recorder, and matrices gone through one by one: however many there are, the
# planner cannot prefer to read all.
READ_RIGHTS = sql.SQL("""
WITH target AS MATERIALIZED (
    SELECT governed.task_id, governed.matrix_id
    FROM unnest(%(ids)b::bigint[]) AS wanted (id)
    JOIN permissions_taskpermission AS governed ON governed.task_id = wanted.id
),
{held},
by_matrix AS (
    SELECT matrix.matrix_id, given.flags, given.of_creator
    FROM (SELECT DISTINCT matrix_id FROM target) AS matrix
    CROSS JOIN LATERAL (
        SELECT coalesce(bit_or(flags) FILTER (WHERE role_id IN (SELECT role_id FROM held)), 0) AS flags,
               coalesce(bit_or(flags) FILTER (WHERE role_code = -3), 0) AS of_creator
        FROM permissions_rolepermission
        WHERE matrix_id = matrix.matrix_id
    ) AS given
)
SELECT CASE
           WHEN of_creator & ~flags = 0 THEN flags
           WHEN EXISTS (
               SELECT FROM tasks_task AS task
               WHERE task.id = target.task_id AND task.created_by_id = %(actor)s
           ) THEN flags | of_creator
           ELSE flags
       END,
       array_agg(task_id)
FROM target
JOIN by_matrix USING (matrix_id)
GROUP BY 1
""").format(held=HELD)

# The flags of the actor's roles under whatever matrix, and those of a creator of tasks under the matrices
# of the latest tasks that the actor created.
READ_RIGHTS_ANYWHERE = sql.SQL("""
WITH {held},
created AS (
    SELECT id FROM tasks_task WHERE created_by_id = %(actor)s ORDER BY id DESC LIMIT 1000
)
SELECT coalesce((SELECT bit_or(granted.flags)
                 FROM held
                 JOIN permissions_rolepermission AS granted ON granted.role_id = held.role_id), 0)
     | coalesce((SELECT bit_or(granted.flags)
                 FROM permissions_taskpermission AS governed
                 JOIN permissions_rolepermission AS granted
                   ON granted.matrix_id = governed.matrix_id AND granted.role_code = -3
                 WHERE governed.task_id IN (SELECT id FROM created)), 0)
""").format(held=HELD)

# What opens tasks to an actor, few rows however many tasks they open: the matrices in which a role that
# the actor holds may view, the projects of all roles that the actor holds, and whether the actor has
# created tasks.
READ_SEEN = sql.SQL("""
WITH {held}
SELECT coalesce((SELECT array_agg(DISTINCT granted.matrix_id)
                 FROM held
                 JOIN permissions_rolepermission AS granted ON granted.role_id = held.role_id
                 WHERE granted.flags & 1 <> 0), '{{}}'),
       coalesce((SELECT array_agg(DISTINCT role.project_id)
                 FROM held
                 JOIN permissions_role AS role ON role.id = held.role_id), '{{}}'),
       EXISTS (SELECT FROM tasks_task WHERE created_by_id = %(actor)s)
""").format(held=HELD)

# The roles that the actor holds, and their projects; the projects whose own matrix lets one of them view,
# so that it opens whatever follows the project; and of the other projects some tasks that the actor views
# all the same.
READ_REACH = sql.SQL("""
WITH {held},
role AS MATERIALIZED (
    SELECT role.id, role.project_id FROM held JOIN permissions_role AS role ON role.id = held.role_id
),
open AS MATERIALIZED (
    SELECT DISTINCT matrix.project_id
    FROM role
    JOIN permissions_permissionmatrix AS matrix
      ON matrix.project_id = role.project_id AND matrix.digest IS NULL
    JOIN permissions_rolepermission AS granted
      ON granted.matrix_id = matrix.id AND granted.role_id = role.id
    WHERE granted.flags & 1 <> 0
),
elsewhere AS (
    SELECT governed.task_id, role.project_id
    FROM role
    JOIN permissions_rolepermission AS granted ON granted.role_id = role.id
    JOIN permissions_taskpermission AS governed ON governed.matrix_id = granted.matrix_id
    WHERE granted.flags & 1 <> 0
      AND role.project_id NOT IN (SELECT project_id FROM open)
    UNION
    SELECT task.id, task.project_id
    FROM tasks_task AS task
    JOIN permissions_taskpermission AS governed ON governed.task_id = task.id
    JOIN permissions_rolepermission AS granted
      ON granted.matrix_id = governed.matrix_id AND granted.role_code = -3
    WHERE task.created_by_id = %(actor)s
      AND granted.flags & 1 <> 0
      AND task.project_id NOT IN (SELECT project_id FROM open)
),
few AS MATERIALIZED (SELECT task_id FROM elsewhere LIMIT %(few)s + 1)
SELECT ARRAY(SELECT id FROM role),
       ARRAY(SELECT DISTINCT project_id FROM role),
       ARRAY(
           SELECT project.uid
           FROM tasks_project AS project
           WHERE project.id IN (
               SELECT project_id FROM open
               UNION
               SELECT project_id FROM elsewhere WHERE (SELECT count(*) FROM few) > %(few)s
           )
           ORDER BY project.uid
       ),
       ARRAY(SELECT task_id FROM few WHERE (SELECT count(*) FROM few) <= %(few)s)
""").format(held=HELD)
