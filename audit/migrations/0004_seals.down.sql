DROP FUNCTION audit_await_seal();
