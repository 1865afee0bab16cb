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
    are_several boolean;
    earliest timestamptz;
    latest timestamptz;
    finished uuid;
BEGIN
    SELECT bool_or(operation_id <> operations[1]), min(history_date), max(history_date)
    INTO are_several, earliest, latest
    FROM new_rows;
    IF earliest < transaction_timestamp() - interval '10 minutes'
        OR latest > clock_timestamp() + interval '10 minutes' THEN
        RAISE EXCEPTION '%: rows that are written at % were not written from % to %',
            TG_TABLE_NAME, clock_timestamp(), earliest, latest
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF are_several THEN
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
