-- What our functions name is looked up here, never first among temporary tables, which any role may make.
SELECT set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true);

-- A finished operation waits for its seal.
CREATE FUNCTION audit_await_seal() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO audit_unsealed (operation_id) VALUES (NEW.id) ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;
