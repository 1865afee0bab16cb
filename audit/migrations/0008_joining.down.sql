DROP FUNCTION audit_guard_history();
