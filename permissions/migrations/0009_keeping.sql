-- What our functions name is looked up here, never first among temporary tables, which any role may make.
SELECT set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true);

-- Matrices repeat the code of a role, and the view trusts them.
CREATE FUNCTION permissions_keep_role() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    RAISE EXCEPTION 'a role keeps its project and its code'
        USING ERRCODE = 'restrict_violation';
END
$$;

CREATE FUNCTION permissions_guard_member() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF (SELECT code FROM permissions_role WHERE id = NEW.role_id) = -3 THEN
        RAISE EXCEPTION 'the role of the task creator has no members'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;

CREATE FUNCTION permissions_keep_administrator() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
BEGIN
    RAISE EXCEPTION 'the row of the project administrator cannot be removed'
        USING ERRCODE = 'check_violation';
END
$$;

-- The history row is written here too, so that it exists whatever inserts the task; dated by the
-- transaction's start, so that it precedes whatever else it records.
CREATE FUNCTION permissions_add_rows() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    operation uuid;
BEGIN
    IF NOT EXISTS (SELECT FROM new_tasks) THEN
        RETURN NULL;  -- an insert of no rows is no change, so no operation
    END IF;
    operation := audit_current_operation();
    WITH added AS (
        INSERT INTO permissions_taskpermission (task_id, matrix_id)
        SELECT task.id, matrix.id
        FROM new_tasks AS task
        LEFT JOIN permissions_permissionmatrix AS matrix
          ON matrix.project_id = task.project_id AND matrix.digest IS NULL
        RETURNING task_id, matrix_id, own_matrix_id
    )
    INSERT INTO permissions_historicaltaskpermission (
        task_id, matrix_id, own_matrix_id,
        history_type, history_date, history_user_id, operation_id
    )
    SELECT task_id, matrix_id, own_matrix_id, '+', transaction_timestamp(),
           nullif(current_setting('bulkhead.actor', true), '')::bigint, operation
    FROM added;
    RETURN NULL;
END
$$;
