"""The SQL of permissions, in the open.

Every statement takes its subjects as arrays, so its number and its text do not depend on theirs.
Arrays travel in binary (`%(…)b`): as text, Python would look at each value for what must be escaped.
"""

READ_MATRICES = """
SELECT matrix_id, role_code, role_id, flags
FROM permissions_rolepermission
WHERE matrix_id = ANY(%(ids)b::bigint[])
"""

# A concurrent transaction that adds the same matrix is waited for, and then its rows serve.
ADD_MATRICES = """
WITH added AS (
    INSERT INTO permissions_permissionmatrix (project_id, digest, version)
    SELECT project_id, digest, 1
    FROM unnest(%(projects)b::bigint[], %(digests)b::text[]) AS wanted (project_id, digest)
    ORDER BY project_id, digest
    ON CONFLICT (project_id, digest) DO NOTHING
    RETURNING id, project_id, digest
)
INSERT INTO permissions_rolepermission (
    matrix_id, role_id, role_code,
    is_view, is_modify, is_delete, is_execute, is_copy, is_forbidden, is_manager
)
SELECT added.id, granted.role_id, granted.role_code,
       flags & 1 <> 0, flags & 2 <> 0, flags & 4 <> 0, flags & 8 <> 0,
       flags & 16 <> 0, flags & 32 <> 0, flags & 64 <> 0
FROM added
JOIN unnest(
    %(row_projects)b::bigint[], %(row_digests)b::text[], %(row_codes)b::integer[],
    %(row_roles)b::bigint[], %(row_flags)b::integer[]
) AS granted (project_id, digest, role_code, role_id, flags) USING (project_id, digest)
"""

FIND_MATRICES = """
SELECT matrix.id, matrix.project_id, matrix.digest
FROM permissions_permissionmatrix AS matrix
JOIN unnest(%(projects)b::bigint[], %(digests)b::text[]) AS wanted (project_id, digest)
USING (project_id, digest)
"""

# Targets and what governs them; they are judged once for each (project, matrix, own matrix).
READ_GOVERNED = """
SELECT task.id, task.uid, task.project_id, governed.matrix_id, governed.own_matrix_id
FROM tasks_task AS task
JOIN permissions_taskpermission AS governed ON governed.task_id = task.id
WHERE task.uid = ANY(%(uids)b::text[]) AND task.recycled_at IS NULL
ORDER BY governed.task_id
"""

LOCK_GOVERNED = " FOR NO KEY UPDATE OF governed"

# What the targets' permissions became in an operation, what they were before it, and whether they still
# are so; a task that was recycled since is not.
READ_GOVERNED_BEFORE_OPERATION = """
SELECT task.id, task.uid, task.project_id, governed.matrix_id, governed.own_matrix_id,
       before.matrix_id, before.own_matrix_id,
       task.recycled_at IS NULL
           AND (governed.matrix_id, governed.own_matrix_id)
               IS NOT DISTINCT FROM (after.matrix_id, after.own_matrix_id),
       task.recycled_at IS NOT NULL
FROM tasks_task AS task
JOIN permissions_taskpermission AS governed ON governed.task_id = task.id
JOIN permissions_historicaltaskpermission AS after
  ON after.operation_id = %(operation)s::uuid AND after.task_id = task.id
JOIN LATERAL (
    SELECT matrix_id, own_matrix_id
    FROM permissions_historicaltaskpermission
    WHERE task_id = task.id AND history_id < after.history_id
    ORDER BY history_id DESC
    LIMIT 1
) AS before ON true
WHERE task.uid = ANY(%(uids)b::text[])
ORDER BY governed.task_id
"""

UIDS_OF_OPERATION = """
SELECT task.uid
FROM permissions_historicaltaskpermission AS changed
JOIN tasks_task AS task ON task.id = changed.task_id
WHERE changed.operation_id = %(operation)s::uuid
ORDER BY task.id
"""

# Tasks to copy, what governs each, and what its creator holds by that. They are only read, but what is
# judged shall be what is copied.
READ_SOURCES = """
SELECT task.id, task.uid, task.task_type_id, task.version, task.settings::text,
       task.project_id, task.name, task.enabled, task.disabled_reason,
       governed.matrix_id, governed.own_matrix_id, matrix.digest IS NULL,
       coalesce(of_creator.flags, 0)
FROM tasks_task AS task
JOIN permissions_taskpermission AS governed ON governed.task_id = task.id
JOIN permissions_permissionmatrix AS matrix ON matrix.id = governed.matrix_id
LEFT JOIN permissions_rolepermission AS of_creator
  ON of_creator.matrix_id = matrix.id AND of_creator.role_code = -3
WHERE task.uid = ANY(%(uids)b::text[]) AND task.recycled_at IS NULL
ORDER BY task.id
"""

LOCK_SOURCES = " FOR SHARE OF task, governed"

READ_TASK_IDS = """
SELECT id, uid FROM tasks_task WHERE uid = ANY(%(uids)b::text[])
"""

# The copies that an operation made, on whichever side of the recycle bin's lid they are now, and whether
# neither they nor their permissions were changed since.
READ_COPIES_OF_OPERATION = """
SELECT task.id, task.uid, task.project_id, task.name, task.version, task.recycled_at IS NOT NULL,
       task.version = after.version AND NOT EXISTS (
           SELECT
           FROM permissions_historicaltaskpermission AS later
           WHERE later.task_id = task.id AND later.operation_id <> %(operation)s::uuid
       )
FROM tasks_task AS task
JOIN tasks_historicaltask AS after
  ON after.operation_id = %(operation)s::uuid AND after.id = task.id
WHERE task.uid = ANY(%(uids)b::text[])
ORDER BY task.id
"""

# Each project's own matrix, its uid, its roles, and which of them the actor holds: a superuser all.
READ_PROJECTS = """
SELECT project.id, project.uid, matrix.id,
       array_agg(role.id ORDER BY role.id),
       array_agg(role.code ORDER BY role.id),
       array_agg(role.external_id ORDER BY role.id),
       array_agg(role.name ORDER BY role.id),
       array_agg(
           EXISTS (
               SELECT FROM permissions_rolemember AS member
               WHERE member.role_id = role.id
                 AND (member.user_id = %(actor)s
                      OR member.group_id IN (SELECT group_id FROM auth_user_groups
                                             WHERE user_id = %(actor)s))
           ) OR (role.code = -1 AND project.created_by_id = %(actor)s)
             OR EXISTS (SELECT FROM auth_user WHERE id = %(actor)s AND is_superuser)
           ORDER BY role.id
       )
FROM tasks_project AS project
JOIN permissions_permissionmatrix AS matrix
  ON matrix.project_id = project.id AND matrix.digest IS NULL
JOIN permissions_role AS role ON role.project_id = project.id
WHERE project.id = ANY(%(ids)b::bigint[])
GROUP BY project.id, project.uid, matrix.id
"""

# Those of the projects in which the actor holds one of the roles; its creator holds -1.
READ_PROJECTS_WITH_ROLE = """
SELECT project.id
FROM tasks_project AS project
WHERE project.id = ANY(%(ids)b::bigint[])
  AND ((project.created_by_id = %(actor)s AND -1 = ANY(%(codes)b::integer[]))
       OR EXISTS (
           SELECT
           FROM permissions_role AS role
           JOIN permissions_rolemember AS member ON member.role_id = role.id
           WHERE role.project_id = project.id
             AND role.code = ANY(%(codes)b::integer[])
             AND (member.user_id = %(actor)s
                  OR member.group_id IN (SELECT group_id FROM auth_user_groups
                                         WHERE user_id = %(actor)s))
       ))
"""

# Whether the actor holds one of the roles in some project; who created a project holds -1 there.
READ_HOLDS_ROLE_ANYWHERE = """
SELECT EXISTS (
           SELECT
           FROM permissions_rolemember AS member
           JOIN permissions_role AS role ON role.id = member.role_id
           WHERE member.user_id = %(actor)s AND role.code = ANY(%(codes)b::integer[])
       )
    OR EXISTS (
           SELECT
           FROM auth_user_groups AS belonging
           JOIN permissions_rolemember AS member ON member.group_id = belonging.group_id
           JOIN permissions_role AS role ON role.id = member.role_id
           WHERE belonging.user_id = %(actor)s AND role.code = ANY(%(codes)b::integer[])
       )
    OR (-1 = ANY(%(codes)b::integer[])
        AND EXISTS (SELECT FROM tasks_project WHERE created_by_id = %(actor)s))
"""

# For each project the roles that somebody active holds, as a member or through a group.
READ_MANNED_ROLES = """
SELECT role.project_id, array_agg(role.code)
FROM permissions_role AS role
WHERE role.project_id = ANY(%(ids)b::bigint[])
  AND EXISTS (
      SELECT
      FROM permissions_rolemember AS member
      LEFT JOIN auth_user_groups AS belonging ON belonging.group_id = member.group_id
      JOIN auth_user AS holder ON holder.id = coalesce(member.user_id, belonging.user_id)
      WHERE member.role_id = role.id AND holder.is_active
  )
GROUP BY role.project_id
"""

READ_ACTIVE_CREATORS = """
SELECT task.id
FROM tasks_task AS task
JOIN auth_user AS creator ON creator.id = task.created_by_id
WHERE task.id = ANY(%(ids)b::bigint[]) AND creator.is_active
"""

# Takes one from a token's bucket if there is one: the bucket is full at `full_at`, every use moves that
# by `each`, and it is empty when that is a whole period ahead. A refusal changes nothing.
SPEND_ALLOWANCE = """
WITH spent AS (
    INSERT INTO permissions_tokenallowance AS allowance (token_id, full_at)
    VALUES (%(token)s, statement_timestamp() + %(each)s::interval)
    ON CONFLICT (token_id) DO UPDATE
    SET full_at = greatest(allowance.full_at, statement_timestamp()) + %(each)s::interval
    WHERE allowance.full_at + %(each)s::interval <= statement_timestamp() + %(period)s::interval
    RETURNING token_id
)
SELECT EXISTS (SELECT FROM spent),
       greatest(
           interval '1 second',
           (SELECT full_at + %(each)s::interval - %(period)s::interval - statement_timestamp()
            FROM permissions_tokenallowance
            WHERE token_id = %(token)s)
       )
"""

# The roles of the tasks' projects, matched by code and name: of how many of the projects and tasks each
# is, and on how many tasks it holds each flag. Tasks are counted by matrix before anybody looks inside.
READ_PRESENT_ROLES = """
WITH governed AS (
    SELECT matrix_id, count(*) AS tasks
    FROM permissions_taskpermission
    WHERE task_id = ANY(%(ids)b::bigint[])
    GROUP BY matrix_id
)
SELECT role.code, role.name, count(DISTINCT role.project_id), sum(tasks)::integer,
       ARRAY[
           coalesce(sum(tasks) FILTER (WHERE flags & 1 <> 0), 0),
           coalesce(sum(tasks) FILTER (WHERE flags & 2 <> 0), 0),
           coalesce(sum(tasks) FILTER (WHERE flags & 4 <> 0), 0),
           coalesce(sum(tasks) FILTER (WHERE flags & 8 <> 0), 0),
           coalesce(sum(tasks) FILTER (WHERE flags & 16 <> 0), 0),
           coalesce(sum(tasks) FILTER (WHERE flags & 32 <> 0), 0),
           coalesce(sum(tasks) FILTER (WHERE flags & 64 <> 0), 0)
       ]::integer[]
FROM governed
JOIN permissions_permissionmatrix AS matrix ON matrix.id = governed.matrix_id
JOIN permissions_role AS role ON role.project_id = matrix.project_id
LEFT JOIN permissions_rolepermission AS held
  ON held.matrix_id = matrix.id AND held.role_id = role.id
GROUP BY role.code, role.name
ORDER BY role.code, sum(tasks) DESC, role.name
"""

# The projects of the tasks, how many tasks each has among them, and how many of those follow it.
READ_PROJECTS_OF_TASKS = """
SELECT matrix.project_id, count(*), count(*) FILTER (WHERE matrix.digest IS NULL)
FROM permissions_taskpermission AS governed
JOIN permissions_permissionmatrix AS matrix ON matrix.id = governed.matrix_id
WHERE governed.task_id = ANY(%(ids)b::bigint[])
GROUP BY matrix.project_id
"""
