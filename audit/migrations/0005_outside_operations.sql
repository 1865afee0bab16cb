-- What our functions name is looked up here, never first among temporary tables, which any role may make.
SELECT set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true);

-- A UUIDv7, as operations of the application have: new ones sort behind older ones. PostgreSQL makes
-- them itself from version 18 on.
CREATE FUNCTION audit_new_id() RETURNS uuid LANGUAGE sql VOLATILE AS $$
    SELECT encode(
        set_byte(made, 6, (get_byte(made, 6) & 15) | 112),
        'hex'
    )::uuid
    FROM (
        SELECT overlay(
            uuid_send(gen_random_uuid())
            PLACING substring(
                int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3
            )
            FROM 1 FOR 6
        ) AS made
    ) AS timed
$$;

-- An operation from outside the application is named by the database role, the program and the address
-- that the connection gave. It is finished when its transaction is: until the commit,
-- nobody else was answered by what it changed, however long that took.
CREATE OR REPLACE FUNCTION audit_current_operation() RETURNS uuid LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    named text := nullif(current_setting('bulkhead.operation', true), '');
    opened uuid := audit_new_id();
BEGIN
    IF named IS NOT NULL THEN
        RETURN named::uuid;
    END IF;
    -- Checked at once, as a transaction may have asked, it would be finished before its first row.
    SET CONSTRAINTS outside_operations_end_with_their_transaction DEFERRED;
    INSERT INTO audit_operation (
        id, kind, state, actor_name, channel, token_name, request_id, user_agent, address, parameters,
        reason, fingerprint, targets, changed, unchanged, refusals, created_at, started_at
    ) VALUES (
        opened, 'outside_the_application', 'running', session_user, 'database', '', '',
        current_setting('application_name'), inet_client_addr(), '{}',
        '', '', 0, 0, 0, '[]', clock_timestamp(), clock_timestamp()
    );
    PERFORM set_config('bulkhead.operation', opened::text, true);
    RETURN opened;
END
$$;

-- What an operation is found by, from the history that it has written. The app that knows all tracked
-- models replaces this.
CREATE FUNCTION audit_facets(recorded uuid) RETURNS text[] LANGUAGE sql STABLE AS $$ SELECT '{}'::text[] $$;

CREATE FUNCTION audit_finish_outside_operation() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    UPDATE audit_operation
    SET state = 'applied', facets = audit_facets(NEW.id), finished_at = clock_timestamp()
    WHERE id = NEW.id;
    -- Where constraints are checked before the end, what comes after belongs to another operation.
    IF current_setting('bulkhead.operation', true) = NEW.id::text THEN
        PERFORM set_config('bulkhead.operation', '', true);
    END IF;
    RETURN NULL;
END
$$;

CREATE CONSTRAINT TRIGGER outside_operations_end_with_their_transaction
AFTER INSERT ON audit_operation
DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW WHEN (new.channel::text = 'database'::text)
EXECUTE FUNCTION audit_finish_outside_operation();

-- Rows that the application writes get their history from the recorder, which says so by
-- `bulkhead.recorder`. Of all others triggers with this function write it, whoever changed what; their
-- argument is the table of the history. Columns that it does not have are nobody's history. By its key a row
-- is known in all of its history, so that it keeps it.
CREATE FUNCTION audit_record_outside() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    columns text := (
        SELECT string_agg(quote_ident(kept.attname), ', ' ORDER BY kept.attnum)
        FROM pg_attribute AS kept
        JOIN pg_attribute AS own ON own.attrelid = TG_RELID AND own.attname = kept.attname
        WHERE kept.attrelid = TG_ARGV[0]::regclass AND kept.attnum > 0 AND NOT kept.attisdropped
    );
    statement text := format(
        'INSERT INTO %s (%s, history_type, history_date, history_user_id, operation_id)'
        ' SELECT %s, $2, clock_timestamp(), $3, $4 FROM (SELECT ($1).*) AS changed',
        TG_ARGV[0]::regclass, columns, columns
    );
    actor bigint := nullif(current_setting('bulkhead.actor', true), '')::bigint;
    key name := (
        SELECT attname FROM pg_index
        JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[0]
        WHERE indrelid = TG_RELID AND indisprimary
    );
    is_same boolean;
    keeps_key boolean;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        EXECUTE format(
            'SELECT (SELECT ROW(%1$s)::text FROM (SELECT ($1).*) AS former)'
            ' = (SELECT ROW(%1$s)::text FROM (SELECT ($2).*) AS changed), ($1).%2$I = ($2).%2$I',
            columns, key
        ) INTO is_same, keeps_key USING OLD, NEW;
        IF is_same THEN
            RETURN NULL;
        END IF;
        IF NOT keeps_key THEN
            RAISE EXCEPTION 'a row of % keeps its key, by which its history is known', TG_TABLE_NAME
                USING ERRCODE = 'restrict_violation';
        END IF;
        EXECUTE statement USING NEW, '~', actor, audit_current_operation();
    ELSIF TG_OP = 'INSERT' THEN
        EXECUTE statement USING NEW, '+', actor, audit_current_operation();
    ELSE
        EXECUTE statement USING OLD, '-', actor, audit_current_operation();
    END IF;
    RETURN NULL;
END
$$;
