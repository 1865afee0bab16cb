-- What our functions name is looked up here, never first among temporary tables, which any role may make.
SELECT set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true);

-- Rows of history are written before their operation is finished, never afterwards: nobody adds something
-- to what was done. Usually all rows of a statement belong to one operation.
CREATE FUNCTION audit_guard_history() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    operations uuid[] := ARRAY(SELECT operation_id FROM new_rows LIMIT 1);
    finished uuid;
BEGIN
    IF EXISTS (SELECT FROM new_rows WHERE operation_id <> operations[1]) THEN
        operations := ARRAY(SELECT DISTINCT operation_id FROM new_rows);
    END IF;
    SELECT id INTO finished
    FROM audit_operation
    WHERE id = ANY(operations) AND finished_at IS NOT NULL
    LIMIT 1;
    IF found THEN
        RAISE EXCEPTION 'operation %: it is finished, and gets no further rows in %',
            finished, TG_TABLE_NAME
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END
$$;
