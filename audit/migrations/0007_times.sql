-- The past is made when it is the present: an operation ends by the clock, and was asked for at most a day
-- before it is written. What is asked about the past goes by these times.
CREATE FUNCTION audit_guard_time() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    now timestamptz := clock_timestamp();
BEGIN
    IF NEW.finished_at NOT BETWEEN now - interval '10 minutes' AND now + interval '10 minutes' THEN
        RAISE EXCEPTION 'operation %: it ends at %, not at %', NEW.id, now, NEW.finished_at
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF TG_OP = 'INSERT'
        AND NEW.created_at NOT BETWEEN now - interval '1 day' AND now + interval '10 minutes'
    THEN
        RAISE EXCEPTION 'operation %: it is written at %, and was not asked for at %',
            NEW.id, now, NEW.created_at
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;
