DROP FUNCTION permissions_add_rows();
DROP FUNCTION permissions_keep_administrator();
DROP FUNCTION permissions_guard_member();
DROP FUNCTION permissions_keep_role();
