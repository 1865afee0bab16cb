-- What our functions name is looked up here, never first among temporary tables, which any role may make.
SELECT set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true);

-- Passwords, and the digests by which tokens are known, are nobody's history. But that somebody sets one past
-- the application is recorded: whose it is, never what. The arguments are what the operation calls those
-- that it tells of, and the column that names them; of very many, the first are named.
CREATE FUNCTION permissions_note_credential() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
DECLARE
    noted uuid := audit_current_operation();
BEGIN
    UPDATE audit_operation
    SET parameters = jsonb_set(
        parameters,
        ARRAY[TG_ARGV[0]],
        coalesce(parameters -> TG_ARGV[0], '[]') || jsonb_build_array(to_jsonb(NEW) -> TG_ARGV[1])
    )
    WHERE id = noted AND jsonb_array_length(coalesce(parameters -> TG_ARGV[0], '[]')) < 100;
    RETURN NULL;
END
$$;

CREATE TRIGGER outside_the_application_password AFTER UPDATE ON auth_user
FOR EACH ROW WHEN (old.password::text IS DISTINCT FROM new.password::text AND current_setting('bulkhead.recorder'::text, true) IS DISTINCT FROM 'on'::text)
EXECUTE FUNCTION permissions_note_credential('passwords_of', 'username');

CREATE TRIGGER outside_the_application_digest AFTER UPDATE ON permissions_apitoken
FOR EACH ROW WHEN (old.digest::text IS DISTINCT FROM new.digest::text AND current_setting('bulkhead.recorder'::text, true) IS DISTINCT FROM 'on'::text)
EXECUTE FUNCTION permissions_note_credential('tokens', 'name');
