-- What is changed past the application is recorded all the same, as a change from outside.
CREATE TRIGGER outside_the_application AFTER INSERT OR DELETE OR UPDATE ON permissions_role
FOR EACH ROW WHEN (current_setting('bulkhead.recorder'::text, true) IS DISTINCT FROM 'on'::text)
EXECUTE FUNCTION audit_record_outside('permissions_historicalrole');

CREATE TRIGGER outside_the_application AFTER INSERT OR DELETE OR UPDATE ON permissions_rolemember
FOR EACH ROW WHEN (current_setting('bulkhead.recorder'::text, true) IS DISTINCT FROM 'on'::text)
EXECUTE FUNCTION audit_record_outside('permissions_historicalrolemember');

CREATE TRIGGER outside_the_application AFTER INSERT OR DELETE OR UPDATE ON permissions_rolepermission
FOR EACH ROW WHEN (current_setting('bulkhead.recorder'::text, true) IS DISTINCT FROM 'on'::text)
EXECUTE FUNCTION audit_record_outside('permissions_historicalrolepermission');

-- The trigger that gives a new task its row writes the history of it too.
CREATE TRIGGER outside_the_application AFTER DELETE OR UPDATE ON permissions_taskpermission
FOR EACH ROW WHEN (current_setting('bulkhead.recorder'::text, true) IS DISTINCT FROM 'on'::text)
EXECUTE FUNCTION audit_record_outside('permissions_historicaltaskpermission');

CREATE TRIGGER outside_the_application_inserts AFTER INSERT ON permissions_taskpermission
FOR EACH ROW WHEN (current_setting('bulkhead.recorder'::text, true) IS DISTINCT FROM 'on'::text AND pg_trigger_depth() = 0)
EXECUTE FUNCTION audit_record_outside('permissions_historicaltaskpermission');

CREATE TRIGGER outside_the_application AFTER INSERT OR DELETE OR UPDATE ON permissions_apitoken
FOR EACH ROW WHEN (current_setting('bulkhead.recorder'::text, true) IS DISTINCT FROM 'on'::text)
EXECUTE FUNCTION audit_record_outside('permissions_historicalapitoken');
