-- What our functions name is looked up here, never first among temporary tables, which any role may make.
SELECT set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true);

-- Questions about the past look for a task in its present project, and for what somebody created by its
-- present creator.
CREATE FUNCTION tasks_keep_task() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    RAISE EXCEPTION 'a task keeps its id, its creator and its project'
        USING ERRCODE = 'restrict_violation';
END
$$;
