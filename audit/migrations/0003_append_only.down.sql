DROP FUNCTION audit_guard_operation();
DROP FUNCTION audit_refuse_change();
