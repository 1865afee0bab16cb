-- What our functions name is looked up here, never first among temporary tables, which any role may make.
SELECT set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true);

-- What was recorded stays as it is, whoever asks.
CREATE FUNCTION audit_refuse_change() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'restrict_violation';
END
$$;

-- An operation may move forward until it is finished; who, when, what and through what never change.
CREATE FUNCTION audit_guard_operation() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'operation %: an operation is never removed', OLD.id
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.state NOT IN ('queued', 'running') THEN
        RAISE EXCEPTION 'operation %: a finished operation does not change', OLD.id
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.state = 'running' AND NEW.state = 'queued' THEN
        RAISE EXCEPTION 'operation %: an operation only moves forward', OLD.id
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF (NEW.id, NEW.kind, NEW.actor_id, NEW.actor_name, NEW.channel, NEW.token_id, NEW.token_name,
        NEW.request_id, NEW.address, NEW.user_agent, NEW.reason, NEW.reverts_id, NEW.created_at)
        IS DISTINCT FROM
       (OLD.id, OLD.kind, OLD.actor_id, OLD.actor_name, OLD.channel, OLD.token_id, OLD.token_name,
        OLD.request_id, OLD.address, OLD.user_agent, OLD.reason, OLD.reverts_id, OLD.created_at)
    THEN
        RAISE EXCEPTION 'operation %: who asked for what, when and how, does not change', OLD.id
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;
