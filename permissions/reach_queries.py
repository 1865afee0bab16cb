"""The SQL of where the tasks are that an actor may view."""

from psycopg import sql

from permissions.queries import HELD


# The roles that the actor holds; the projects whose own matrix lets one of them view, so that it opens
# whatever follows the project; and of the other projects some tasks that the actor views all the same.
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
