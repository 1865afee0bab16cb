-- What our functions name is looked up here, never first among temporary tables, which any role may make.
SELECT set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true);

-- The past is made when it is the present: an operation ends by the clock, and answers about the past go by
-- its end. It was asked for at most two days before it is written; a web server's clock may be wrong.
CREATE FUNCTION audit_guard_time() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    now timestamptz := clock_timestamp();
BEGIN
    IF NEW.finished_at NOT BETWEEN now - interval '10 minutes' AND now + interval '10 minutes' THEN
        RAISE EXCEPTION 'operation %: it ends at %, not at %', NEW.id, now, NEW.finished_at
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF TG_OP = 'INSERT'
        AND NEW.created_at NOT BETWEEN now - interval '2 days' AND now + interval '2 days'
    THEN
        RAISE EXCEPTION 'operation %: it is written at %, and was not asked for at %',
            NEW.id, now, NEW.created_at
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;
