-- What our functions name is looked up here, never first among temporary tables, which any role may make.
SELECT set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true);

-- Which matrices there are, whatever makes them. How often a project's own one was edited is no history
-- of the matrix but of its rows.
CREATE TRIGGER history_of_insert AFTER INSERT ON permissions_permissionmatrix
REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT
EXECUTE FUNCTION permissions_record_account('permissions_historicalpermissionmatrix', 'id, project_id, digest');

CREATE TRIGGER history_of_update AFTER UPDATE ON permissions_permissionmatrix
REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT
EXECUTE FUNCTION permissions_record_account('permissions_historicalpermissionmatrix', 'id, project_id, digest');

CREATE TRIGGER history_of_delete AFTER DELETE ON permissions_permissionmatrix
REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT
EXECUTE FUNCTION permissions_record_account('permissions_historicalpermissionmatrix', 'id, project_id, digest');

-- Questions about the past take a matrix for what it is today: it keeps its project and its digest, and
-- is never removed once it is interned.
CREATE FUNCTION permissions_guard_matrix() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF OLD.digest IS NOT NULL THEN
            RAISE EXCEPTION 'an interned matrix is never removed'
                USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN OLD;
    END IF;
    IF (NEW.id, NEW.project_id, NEW.digest) IS DISTINCT FROM (OLD.id, OLD.project_id, OLD.digest) THEN
        RAISE EXCEPTION 'a matrix keeps its project and its digest'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;

CREATE FUNCTION permissions_guard_matrix_row() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF EXISTS (
        SELECT FROM permissions_permissionmatrix
        WHERE id IN (OLD.matrix_id, NEW.matrix_id) AND digest IS NOT NULL
    ) THEN
        RAISE EXCEPTION 'the rows of an interned matrix cannot change'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN coalesce(NEW, OLD);
END
$$;

-- The digest as `permissions.matrix.digest_of` computes it.
CREATE FUNCTION permissions_compare_new_rows() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF EXISTS (
        SELECT FROM permissions_permissionmatrix AS matrix
        WHERE matrix.digest IS NOT NULL
          AND matrix.id IN (SELECT matrix_id FROM new_rows)
          AND matrix.digest IS DISTINCT FROM (
              SELECT encode(sha256(string_agg(
                  concat_ws(':', role_code, role_id, flags), ';' ORDER BY role_code
              )::bytea), 'hex')
              FROM permissions_rolepermission WHERE matrix_id = matrix.id
          )
    ) THEN
        RAISE EXCEPTION 'an interned matrix has the rows that its digest names'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END
$$;
