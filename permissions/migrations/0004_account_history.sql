-- What our functions name is looked up here, never first among temporary tables, which any role may make.
SELECT set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true);

-- The history of accounts and groups, whatever writes them. The arguments of the trigger are the table
-- of the history and the columns that it has of the row, its key first; a change of other columns is no change.
-- By its key a row is known in all of its history, so that it keeps it.
CREATE FUNCTION permissions_record_account() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    history text := TG_ARGV[0];
    columns text := TG_ARGV[1];
    changed text := CASE TG_OP
        WHEN 'INSERT' THEN format('SELECT %s FROM new_rows', columns)
        WHEN 'DELETE' THEN format('SELECT %s FROM old_rows', columns)
        ELSE format('SELECT %1$s FROM new_rows EXCEPT SELECT %1$s FROM old_rows', columns)
    END;
    is_changed boolean;
    keeps_keys boolean;
BEGIN
    EXECUTE format('SELECT EXISTS (%s)', changed) INTO is_changed;
    IF is_changed AND TG_OP = 'UPDATE' THEN
        EXECUTE 'SELECT NOT EXISTS (SELECT id FROM new_rows EXCEPT SELECT id FROM old_rows)' INTO keeps_keys;
        IF NOT keeps_keys THEN
            RAISE EXCEPTION 'a row of % keeps its key, by which its history is known', TG_TABLE_NAME
                USING ERRCODE = 'restrict_violation';
        END IF;
    END IF;
    IF is_changed THEN
        EXECUTE format(
            'INSERT INTO %I (%s, history_type, history_date, history_user_id, operation_id)'
            ' SELECT changed.*, $1, clock_timestamp(), $2, $3 FROM (%s) AS changed',
            history, columns, changed
        ) USING
            CASE TG_OP WHEN 'INSERT' THEN '+' WHEN 'DELETE' THEN '-' ELSE '~' END,
            nullif(current_setting('bulkhead.actor', true), '')::bigint,
            audit_current_operation();
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER history_of_insert AFTER INSERT ON auth_user
REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT
EXECUTE FUNCTION permissions_record_account('permissions_historicaluser', 'id, username, is_active, is_staff, is_superuser');

CREATE TRIGGER history_of_update AFTER UPDATE ON auth_user
REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT
EXECUTE FUNCTION permissions_record_account('permissions_historicaluser', 'id, username, is_active, is_staff, is_superuser');

CREATE TRIGGER history_of_delete AFTER DELETE ON auth_user
REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT
EXECUTE FUNCTION permissions_record_account('permissions_historicaluser', 'id, username, is_active, is_staff, is_superuser');

CREATE TRIGGER history_of_insert AFTER INSERT ON auth_group
REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT
EXECUTE FUNCTION permissions_record_account('permissions_historicalgroup', 'id, name');

CREATE TRIGGER history_of_update AFTER UPDATE ON auth_group
REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT
EXECUTE FUNCTION permissions_record_account('permissions_historicalgroup', 'id, name');

CREATE TRIGGER history_of_delete AFTER DELETE ON auth_group
REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT
EXECUTE FUNCTION permissions_record_account('permissions_historicalgroup', 'id, name');

CREATE TRIGGER history_of_insert AFTER INSERT ON auth_user_groups
REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT
EXECUTE FUNCTION permissions_record_account('permissions_historicaluser_groups', 'id, user_id, group_id');

CREATE TRIGGER history_of_update AFTER UPDATE ON auth_user_groups
REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT
EXECUTE FUNCTION permissions_record_account('permissions_historicaluser_groups', 'id, user_id, group_id');

CREATE TRIGGER history_of_delete AFTER DELETE ON auth_user_groups
REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT
EXECUTE FUNCTION permissions_record_account('permissions_historicaluser_groups', 'id, user_id, group_id');

CREATE TRIGGER history_of_insert AFTER INSERT ON auth_user_user_permissions
REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT
EXECUTE FUNCTION permissions_record_account('permissions_historicaluser_user_permissions', 'id, user_id, permission_id');

CREATE TRIGGER history_of_update AFTER UPDATE ON auth_user_user_permissions
REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT
EXECUTE FUNCTION permissions_record_account('permissions_historicaluser_user_permissions', 'id, user_id, permission_id');

CREATE TRIGGER history_of_delete AFTER DELETE ON auth_user_user_permissions
REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT
EXECUTE FUNCTION permissions_record_account('permissions_historicaluser_user_permissions', 'id, user_id, permission_id');

CREATE TRIGGER history_of_insert AFTER INSERT ON auth_group_permissions
REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT
EXECUTE FUNCTION permissions_record_account('permissions_historicalgroup_permissions', 'id, group_id, permission_id');

CREATE TRIGGER history_of_update AFTER UPDATE ON auth_group_permissions
REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT
EXECUTE FUNCTION permissions_record_account('permissions_historicalgroup_permissions', 'id, group_id, permission_id');

CREATE TRIGGER history_of_delete AFTER DELETE ON auth_group_permissions
REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT
EXECUTE FUNCTION permissions_record_account('permissions_historicalgroup_permissions', 'id, group_id, permission_id');

-- What is there already is tracked from now on.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM auth_user) AND NOT EXISTS (SELECT FROM auth_group) THEN
        RETURN;
    END IF;
    INSERT INTO permissions_historicaluser (
        id, username, is_active, is_staff, is_superuser, history_type, history_date, operation_id
    )
    SELECT id, username, is_active, is_staff, is_superuser, '+', clock_timestamp(), audit_current_operation()
    FROM auth_user;
    INSERT INTO permissions_historicalgroup (
        id, name, history_type, history_date, operation_id
    )
    SELECT id, name, '+', clock_timestamp(), audit_current_operation()
    FROM auth_group;
    INSERT INTO permissions_historicaluser_groups (
        id, user_id, group_id, history_type, history_date, operation_id
    )
    SELECT id, user_id, group_id, '+', clock_timestamp(), audit_current_operation()
    FROM auth_user_groups;
    INSERT INTO permissions_historicaluser_user_permissions (
        id, user_id, permission_id, history_type, history_date, operation_id
    )
    SELECT id, user_id, permission_id, '+', clock_timestamp(), audit_current_operation()
    FROM auth_user_user_permissions;
    INSERT INTO permissions_historicalgroup_permissions (
        id, group_id, permission_id, history_type, history_date, operation_id
    )
    SELECT id, group_id, permission_id, '+', clock_timestamp(), audit_current_operation()
    FROM auth_group_permissions;
END
$$;
