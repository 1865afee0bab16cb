-- Who may do what: one row per user, permission, task, role and way of holding it.
-- One flat branch per way (member, member of a group, creator of the project as role -1, creator of the
-- task as role -3); the seven flags become permissions through a table of seven rows. No DISTINCT and no
-- COALESCE: either would force a scan of all tasks.
CREATE VIEW permissions_effective AS
SELECT member.user_id, flag.permission_id, governed.task_id AS content_object_id,
       granted.role_id, 'member'::text AS via, member.id AS member_id
FROM permissions_rolemember AS member
JOIN permissions_rolepermission AS granted ON granted.role_id = member.role_id
JOIN permissions_taskpermission AS governed ON governed.matrix_id = granted.matrix_id
JOIN permissions_permissionbit AS flag ON granted.flags & flag.bit <> 0
WHERE member.user_id IS NOT NULL
UNION ALL
SELECT belonging.user_id, flag.permission_id, governed.task_id,
       granted.role_id, 'group'::text, member.id
FROM auth_user_groups AS belonging
JOIN permissions_rolemember AS member ON member.group_id = belonging.group_id
JOIN permissions_rolepermission AS granted ON granted.role_id = member.role_id
JOIN permissions_taskpermission AS governed ON governed.matrix_id = granted.matrix_id
JOIN permissions_permissionbit AS flag ON granted.flags & flag.bit <> 0
UNION ALL
SELECT project.created_by_id, flag.permission_id, governed.task_id,
       granted.role_id, 'project creator'::text, 0::bigint
FROM tasks_project AS project
JOIN permissions_permissionmatrix AS matrix ON matrix.project_id = project.id
JOIN permissions_rolepermission AS granted
  ON granted.matrix_id = matrix.id AND granted.role_code = -1
JOIN permissions_taskpermission AS governed ON governed.matrix_id = matrix.id
JOIN permissions_permissionbit AS flag ON granted.flags & flag.bit <> 0
UNION ALL
SELECT task.created_by_id, flag.permission_id, governed.task_id,
       granted.role_id, 'task creator'::text, 0::bigint
FROM tasks_task AS task
JOIN permissions_taskpermission AS governed ON governed.task_id = task.id
JOIN permissions_rolepermission AS granted
  ON granted.matrix_id = governed.matrix_id AND granted.role_code = -3
JOIN permissions_permissionbit AS flag ON granted.flags & flag.bit <> 0;

-- guardian also asks what groups hold; the rows above already contain it, user by user.
CREATE VIEW permissions_effective_groups AS
SELECT 0::bigint AS id, 0 AS group_id, 0 AS permission_id, 0::bigint AS content_object_id
WHERE false;
