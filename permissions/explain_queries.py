"""The SQL of explanations, in the open: one statement for one user and one task, whatever the roles."""

# Every role of the project whose matrix governs the task: what it holds there, what it holds in the
# project's own matrix, and, once per way, how the user holds it; without a way, that the user does not.
READ_EXPLANATION = """
WITH governed AS MATERIALIZED (
    SELECT task.created_by_id AS creator_id, permission.matrix_id, matrix.digest IS NULL AS follows,
           project.id AS project_id, project.name AS project_name,
           project.created_by_id AS project_creator_id
    FROM tasks_task AS task
    JOIN permissions_taskpermission AS permission ON permission.task_id = task.id
    JOIN permissions_permissionmatrix AS matrix ON matrix.id = permission.matrix_id
    JOIN tasks_project AS project ON project.id = matrix.project_id
    WHERE task.id = %(task)s
),
of_project AS MATERIALIZED (
    SELECT role.id, role.code, role.name
    FROM governed
    JOIN permissions_role AS role USING (project_id)
),
held AS MATERIALIZED (
    SELECT member.role_id, 'member' AS via, '' AS group_name
    FROM permissions_rolemember AS member
    WHERE member.user_id = %(user)s
    UNION ALL
    SELECT member.role_id, 'group', through.name
    FROM auth_user_groups AS belonging
    JOIN auth_group AS through ON through.id = belonging.group_id
    JOIN permissions_rolemember AS member ON member.group_id = belonging.group_id
    WHERE belonging.user_id = %(user)s
    UNION ALL
    SELECT role.id, 'project creator', ''
    FROM governed
    JOIN of_project AS role ON role.code = -1
    WHERE governed.project_creator_id = %(user)s
    UNION ALL
    SELECT role.id, 'task creator', ''
    FROM governed
    JOIN of_project AS role ON role.code = -3
    WHERE governed.creator_id = %(user)s
)
SELECT account.is_active, account.is_superuser,
       governed.project_name, governed.matrix_id, governed.follows,
       role.code, role.name, granted.flags, by_project.flags, held.via, held.group_name
FROM governed
JOIN auth_user AS account ON account.id = %(user)s
JOIN permissions_permissionmatrix AS of_all
  ON of_all.project_id = governed.project_id AND of_all.digest IS NULL
CROSS JOIN of_project AS role
LEFT JOIN permissions_rolepermission AS granted
  ON granted.matrix_id = governed.matrix_id AND granted.role_id = role.id
LEFT JOIN permissions_rolepermission AS by_project
  ON by_project.matrix_id = of_all.id AND by_project.role_id = role.id
LEFT JOIN held ON held.role_id = role.id
ORDER BY role.code, held.via DESC, held.group_name
"""

# The people of a project: who holds a role of it, as a member or through a group, and who created it.
READ_PEOPLE = """
SELECT member.user_id
FROM permissions_role AS role
JOIN permissions_rolemember AS member ON member.role_id = role.id
WHERE role.project_id = %(project)s AND member.user_id IS NOT NULL
UNION
SELECT belonging.user_id
FROM permissions_role AS role
JOIN permissions_rolemember AS member ON member.role_id = role.id
JOIN auth_user_groups AS belonging ON belonging.group_id = member.group_id
WHERE role.project_id = %(project)s
UNION
SELECT created_by_id FROM tasks_project WHERE id = %(project)s
"""
