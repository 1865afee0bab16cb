-- What our functions name is looked up here, never first among temporary tables, which any role may make.
SELECT set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true);

-- Rows of history are written before their operation is finished, never afterwards: nobody adds something
-- to what was done. Usually all rows of a statement belong to one operation.
--
-- They are dated by the clock, ten minutes more or less: what is dated later would be left out of answers about
-- the past, and what is dated earlier would seem to have come first.
CREATE FUNCTION audit_guard_history() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    operations uuid[] := ARRAY(SELECT operation_id FROM new_rows LIMIT 1);
    finished uuid;
    earliest timestamptz := transaction_timestamp() - interval '10 minutes';
    latest timestamptz := clock_timestamp() + interval '10 minutes';
    dated timestamptz;
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
    SELECT history_date INTO dated
    FROM new_rows
    WHERE history_date NOT BETWEEN earliest AND latest
    LIMIT 1;
    IF found THEN
        RAISE EXCEPTION '%: a row that is written at % was not written at %',
            TG_TABLE_NAME, clock_timestamp(), dated
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END
$$;
