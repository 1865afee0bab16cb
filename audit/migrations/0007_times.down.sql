DROP FUNCTION audit_guard_time();
