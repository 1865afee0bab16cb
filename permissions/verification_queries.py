"""The SQL of what verification looks at besides history, in the open."""

# Every matrix with the text that its digest is of, and whether its rows are of its project's roles.
READ_ALL_MATRICES = """
SELECT matrix.id, matrix.digest,
       coalesce(string_agg(
           concat_ws(':', granted.role_code, granted.role_id, granted.flags),
           ';' ORDER BY granted.role_code
       ), ''),
       coalesce(bool_and(
           role.project_id = matrix.project_id AND role.code = granted.role_code
       ), true)
FROM permissions_permissionmatrix AS matrix
LEFT JOIN permissions_rolepermission AS granted ON granted.matrix_id = matrix.id
LEFT JOIN permissions_role AS role ON role.id = granted.role_id
GROUP BY matrix.id
ORDER BY matrix.id
"""

# Which of Django's permissions each bit stands for.
READ_BITS = """
SELECT permission.codename, bit.bit
FROM permissions_permissionbit AS bit
JOIN auth_permission AS permission ON permission.id = bit.permission_id
"""
