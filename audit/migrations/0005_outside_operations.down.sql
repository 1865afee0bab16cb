DROP FUNCTION audit_record_outside();
DROP TRIGGER outside_operations_end_with_their_transaction ON audit_operation;
DROP FUNCTION audit_finish_outside_operation();
DROP FUNCTION audit_facets(uuid);

CREATE OR REPLACE FUNCTION audit_current_operation() RETURNS uuid LANGUAGE plpgsql AS $$
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

DROP FUNCTION audit_new_id();
