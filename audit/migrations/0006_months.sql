-- What our functions name is looked up here, never first among temporary tables, which any role may make.
SELECT set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true);

-- History is kept by months, a partition for each: the numbers of a month's rows begin at
-- 10,000,000,000 for every month since the year 0.
CREATE FUNCTION audit_first_number(moment timestamptz) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT (
        extract(year FROM moment AT TIME ZONE 'UTC') * 12
        + extract(month FROM moment AT TIME ZONE 'UTC') - 1
    )::bigint * 10000000000
$$;

-- Make the partition of a month, unless it is there. Run as the owner of the tables, because the
-- application's role may be another one. What is attached is empty, and takes no lock that keeps
-- readers or writers of history waiting; the foreign key waits for those who write operations.
CREATE FUNCTION audit_open_month(history regclass, moment timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    first bigint := audit_first_number(moment);
    month text := (
        SELECT relname FROM pg_class
        WHERE oid = history AND relkind = 'p' AND relowner = quote_ident(current_user)::regrole
    ) || to_char(moment AT TIME ZONE 'UTC', '_YYYY_MM');
    unguarded record;
BEGIN
    IF month IS NULL OR moment < '2000-01-01 00:00+00' OR moment > now() + interval '2 months' THEN
        RAISE EXCEPTION 'no month of % is opened for %', history, moment;
    END IF;
    IF to_regclass(quote_ident(month)) IS NULL THEN
        EXECUTE format(
            'CREATE TABLE %I (LIKE %s INCLUDING CONSTRAINTS INCLUDING INDEXES INCLUDING STORAGE)',
            month, history
        );
        EXECUTE format(
            'ALTER TABLE %s ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)',
            history, month, first, first + 10000000000
        );
    END IF;
    -- Triggers of rows come along with their table, those of statements do not.
    FOR unguarded IN
        SELECT part.inhrelid::regclass AS part, guard.tgname AS guard
        FROM pg_inherits AS part
        JOIN pg_trigger AS guard
          ON guard.tgrelid = history AND guard.tgname LIKE 'pgtrigger_append_only_truncate_%'
        WHERE part.inhparent = history AND NOT EXISTS (
            SELECT FROM pg_trigger AS own
            WHERE own.tgrelid = part.inhrelid AND own.tgname = guard.tgname
        )
    LOOP
        EXECUTE format(
            'CREATE TRIGGER %I BEFORE TRUNCATE ON %s'
            ' FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change()',
            unguarded.guard, unguarded.part
        );
    END LOOP;
END
$$;

-- Let new rows have the numbers of the present month, whose partition must be there.
CREATE FUNCTION audit_begin_month(history regclass) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    first bigint := audit_first_number(now());
    numbers regclass := pg_get_serial_sequence(history::text, 'history_id');
    newest bigint;
BEGIN
    -- Set back by somebody who looked before another has set it, numbers would be given twice.
    PERFORM pg_advisory_xact_lock(hashtext('audit_begin_month'));
    EXECUTE format('SELECT last_value FROM %s', numbers) INTO newest;
    IF newest < first THEN
        PERFORM setval(numbers, first, false);
    END IF;
END
$$;
