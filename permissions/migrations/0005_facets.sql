-- What our functions name is looked up here, never first among temporary tables, which any role may make.
SELECT set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true);

-- What an operation is found by, from the history that it has written: the projects that it touched, the
-- roles, and the flags that it gave or took. Batches add what they changed themselves, from their plans;
-- of what was changed outside the application, nobody but the rows knows.
--
-- In parts, because most operations are batches, which need the first alone: a session plans a statement
-- when it first runs it, and to plan all of these takes longer than a small batch.
CREATE FUNCTION permissions_facets_of_tasks(recorded uuid) RETURNS text[] LANGUAGE plpgsql STABLE SET search_path FROM CURRENT AS $$
DECLARE
    projects bigint[] := ARRAY(
        SELECT DISTINCT project_id FROM tasks_historicaltask WHERE operation_id = recorded
    );
    matrices bigint[] := ARRAY(
        SELECT DISTINCT matrix_id
        FROM permissions_historicaltaskpermission
        WHERE operation_id = recorded
    );
BEGIN
    IF matrices <> '{}' THEN
        projects := projects || ARRAY(
            SELECT project_id FROM permissions_permissionmatrix WHERE id = ANY(matrices)
        );
    END IF;
    RETURN ARRAY(
        SELECT DISTINCT 'project:' || uid FROM tasks_project WHERE id = ANY(projects)
    );
END
$$;

-- The flags in which two rows of a matrix differ, each null where there was none.
CREATE FUNCTION permissions_facets_of_rows(role_code integer, before jsonb, after jsonb) RETURNS SETOF text
LANGUAGE sql IMMUTABLE AS $$
    SELECT facet
    FROM unnest(ARRAY[
        'is_view', 'is_modify', 'is_delete', 'is_execute', 'is_copy', 'is_forbidden', 'is_manager'
    ]) AS name
    CROSS JOIN unnest(ARRAY[
        'role:' || role_code, 'flag:' || name, 'role:' || role_code || '/' || name
    ]) AS facet
    WHERE coalesce((before ->> name)::boolean, false)
          <> coalesce((after ->> name)::boolean, false)
$$;

CREATE FUNCTION permissions_facets_of_roles(recorded uuid) RETURNS text[] LANGUAGE plpgsql STABLE SET search_path FROM CURRENT AS $$
BEGIN
    RETURN ARRAY(
        WITH touched (project_id) AS (
            SELECT id FROM tasks_historicalproject WHERE operation_id = recorded
            UNION
            SELECT project_id FROM permissions_historicalrole WHERE operation_id = recorded
            UNION
            SELECT matrix.project_id
            FROM permissions_historicalrolepermission AS entry
            JOIN permissions_permissionmatrix AS matrix ON matrix.id = entry.matrix_id
            WHERE entry.operation_id = recorded
            UNION
            SELECT role.project_id
            FROM permissions_historicalrolemember AS entry
            JOIN permissions_historicalrole AS role ON role.id = entry.role_id
            WHERE entry.operation_id = recorded
        )
        SELECT 'project:' || (
            SELECT uid FROM tasks_historicalproject WHERE id = touched.project_id LIMIT 1
        )
        FROM touched
        UNION
        SELECT 'role:' || code FROM permissions_historicalrole WHERE operation_id = recorded
        UNION
        SELECT 'role:' || role.code
        FROM permissions_historicalrolemember AS entry
        JOIN permissions_historicalrole AS role ON role.id = entry.role_id
        WHERE entry.operation_id = recorded
        UNION
        -- Rows of projects' matrices, with what they were before.
        SELECT permissions_facets_of_rows(
            entry.role_code,
            CASE entry.history_type WHEN '-' THEN to_jsonb(entry) ELSE to_jsonb(before) END,
            CASE WHEN entry.history_type <> '-' THEN to_jsonb(entry) END
        )
        FROM permissions_historicalrolepermission AS entry
        LEFT JOIN LATERAL (
            SELECT former.*
            FROM permissions_historicalrolepermission AS former
            WHERE former.id = entry.id
              AND former.history_id < entry.history_id
            ORDER BY former.history_id DESC
            LIMIT 1
        ) AS before ON entry.history_type = '~'
        WHERE entry.operation_id = recorded
    );
END
$$;

CREATE FUNCTION permissions_facets_outside(recorded uuid) RETURNS text[] LANGUAGE plpgsql STABLE SET search_path FROM CURRENT AS $$
BEGIN
    RETURN ARRAY(
        WITH RECURSIVE
        -- Settings, place by place.
        place (path, before, after) AS (
            SELECT '', before.settings, entry.settings
            FROM tasks_historicaltask AS entry
            CROSS JOIN LATERAL (
                SELECT former.settings
                FROM tasks_historicaltask AS former
                WHERE former.id = entry.id
                  AND former.history_id < entry.history_id
                ORDER BY former.history_id DESC
                LIMIT 1
            ) AS before
            WHERE entry.operation_id = recorded
            UNION
            SELECT path || '/' || replace(replace(key, '~', '~0'), '/', '~1'),
                   before -> key, after -> key
            FROM place
            CROSS JOIN LATERAL jsonb_object_keys(
                CASE
                    WHEN jsonb_typeof(before) = 'object' AND jsonb_typeof(after) = 'object'
                    THEN before || after
                    ELSE '{}'
                END
            ) AS key
            WHERE (before -> key) IS DISTINCT FROM (after -> key)
        )
        -- Tasks that were pointed at another matrix.
        SELECT permissions_facets_of_rows(role.code, to_jsonb(before), to_jsonb(after))
        FROM (
            SELECT DISTINCT entry.matrix_id, before.matrix_id AS former_id
            FROM permissions_historicaltaskpermission AS entry
            CROSS JOIN LATERAL (
                SELECT former.matrix_id
                FROM permissions_historicaltaskpermission AS former
                WHERE former.task_id = entry.task_id
                  AND former.history_id < entry.history_id
                ORDER BY former.history_id DESC
                LIMIT 1
            ) AS before
            WHERE entry.operation_id = recorded
        ) AS moved
        CROSS JOIN LATERAL (
            SELECT DISTINCT role_code AS code
            FROM permissions_rolepermission
            WHERE matrix_id IN (moved.matrix_id, moved.former_id)
        ) AS role
        LEFT JOIN permissions_rolepermission AS before
          ON before.matrix_id = moved.former_id AND before.role_code = role.code
        LEFT JOIN permissions_rolepermission AS after
          ON after.matrix_id = moved.matrix_id AND after.role_code = role.code
        UNION
        SELECT 'settings:' || path FROM place WHERE path <> ''
        UNION
        SELECT 'settings=' || path
        FROM place
        WHERE path <> ''
          AND (jsonb_typeof(before) = 'object' AND jsonb_typeof(after) = 'object') IS NOT TRUE
    );
END
$$;

CREATE OR REPLACE FUNCTION audit_facets(recorded uuid) RETURNS text[] LANGUAGE plpgsql STABLE SET search_path FROM CURRENT AS $$
DECLARE
    facets text[] := permissions_facets_of_tasks(recorded);
BEGIN
    IF EXISTS (SELECT FROM tasks_historicalproject WHERE operation_id = recorded)
        OR EXISTS (SELECT FROM permissions_historicalrole WHERE operation_id = recorded)
        OR EXISTS (SELECT FROM permissions_historicalrolepermission WHERE operation_id = recorded)
        OR EXISTS (SELECT FROM permissions_historicalrolemember WHERE operation_id = recorded)
    THEN
        facets := facets || permissions_facets_of_roles(recorded);
    END IF;
    IF EXISTS (SELECT FROM audit_operation WHERE id = recorded AND channel = 'database') THEN
        facets := facets || permissions_facets_outside(recorded);
    END IF;
    -- As long as an index takes (`audit.trail.facets`).
    RETURN ARRAY(
        SELECT DISTINCT left(facet, 500) FROM unnest(facets) AS facet WHERE facet IS NOT NULL
    );
END
$$;
