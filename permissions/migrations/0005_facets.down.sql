CREATE OR REPLACE FUNCTION audit_facets(recorded uuid) RETURNS text[] LANGUAGE sql STABLE AS $$ SELECT '{}'::text[] $$;
DROP FUNCTION permissions_facets_outside(uuid);
DROP FUNCTION permissions_facets_of_roles(uuid);
DROP FUNCTION permissions_facets_of_rows(integer, jsonb, jsonb);
DROP FUNCTION permissions_facets_of_tasks(uuid);
