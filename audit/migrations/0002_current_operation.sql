-- The operation that the running transaction records under. A change from outside the application has
-- none: it gets one of its own, on the channel "database", named by the database role.
CREATE FUNCTION audit_current_operation() RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
    named text := nullif(current_setting('bulkhead.operation', true), '');
    opened uuid := gen_random_uuid();
BEGIN
    IF named IS NOT NULL THEN
        RETURN named::uuid;
    END IF;
    INSERT INTO audit_operation (
        id, kind, state, actor_name, channel, token_name, request_id, user_agent, parameters,
        reason, fingerprint, targets, changed, unchanged, refusals, created_at, finished_at
    ) VALUES (
        opened, 'outside_the_application', 'applied', session_user, 'database', '', '', '', '{}',
        '', '', 0, 0, 0, '[]', clock_timestamp(), clock_timestamp()
    );
    PERFORM set_config('bulkhead.operation', opened::text, true);
    RETURN opened;
END
$$;
