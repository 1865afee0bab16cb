-- What our functions name is looked up here, never first among temporary tables, which any role may make.
SELECT set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true);

-- No trigger tells of the rows that TRUNCATE removes, so that it would leave no record. DELETE leaves one.
CREATE FUNCTION permissions_refuse_truncate() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
BEGIN
    RAISE EXCEPTION '% has a history, which TRUNCATE would leave out: it is refused', TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END
$$;

CREATE TRIGGER never_truncated BEFORE TRUNCATE ON tasks_project
FOR EACH STATEMENT EXECUTE FUNCTION permissions_refuse_truncate();

CREATE TRIGGER never_truncated BEFORE TRUNCATE ON tasks_tasktype
FOR EACH STATEMENT EXECUTE FUNCTION permissions_refuse_truncate();

CREATE TRIGGER never_truncated BEFORE TRUNCATE ON tasks_task
FOR EACH STATEMENT EXECUTE FUNCTION permissions_refuse_truncate();

CREATE TRIGGER never_truncated BEFORE TRUNCATE ON permissions_role
FOR EACH STATEMENT EXECUTE FUNCTION permissions_refuse_truncate();

CREATE TRIGGER never_truncated BEFORE TRUNCATE ON permissions_rolemember
FOR EACH STATEMENT EXECUTE FUNCTION permissions_refuse_truncate();

CREATE TRIGGER never_truncated BEFORE TRUNCATE ON permissions_taskpermission
FOR EACH STATEMENT EXECUTE FUNCTION permissions_refuse_truncate();

CREATE TRIGGER never_truncated BEFORE TRUNCATE ON permissions_apitoken
FOR EACH STATEMENT EXECUTE FUNCTION permissions_refuse_truncate();

CREATE TRIGGER never_truncated BEFORE TRUNCATE ON auth_user
FOR EACH STATEMENT EXECUTE FUNCTION permissions_refuse_truncate();

CREATE TRIGGER never_truncated BEFORE TRUNCATE ON auth_group
FOR EACH STATEMENT EXECUTE FUNCTION permissions_refuse_truncate();

CREATE TRIGGER never_truncated BEFORE TRUNCATE ON auth_user_groups
FOR EACH STATEMENT EXECUTE FUNCTION permissions_refuse_truncate();

CREATE TRIGGER never_truncated BEFORE TRUNCATE ON auth_user_user_permissions
FOR EACH STATEMENT EXECUTE FUNCTION permissions_refuse_truncate();

CREATE TRIGGER never_truncated BEFORE TRUNCATE ON auth_group_permissions
FOR EACH STATEMENT EXECUTE FUNCTION permissions_refuse_truncate();
