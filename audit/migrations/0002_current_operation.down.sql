DROP FUNCTION audit_current_operation();
