-- What is changed past the application is recorded all the same, as a change from outside.
CREATE TRIGGER outside_the_application AFTER INSERT OR DELETE OR UPDATE ON tasks_project
FOR EACH ROW WHEN (current_setting('bulkhead.recorder'::text, true) IS DISTINCT FROM 'on'::text)
EXECUTE FUNCTION audit_record_outside('tasks_historicalproject');

CREATE TRIGGER outside_the_application AFTER INSERT OR DELETE OR UPDATE ON tasks_tasktype
FOR EACH ROW WHEN (current_setting('bulkhead.recorder'::text, true) IS DISTINCT FROM 'on'::text)
EXECUTE FUNCTION audit_record_outside('tasks_historicaltasktype');

CREATE TRIGGER outside_the_application AFTER INSERT OR DELETE OR UPDATE ON tasks_task
FOR EACH ROW WHEN (current_setting('bulkhead.recorder'::text, true) IS DISTINCT FROM 'on'::text)
EXECUTE FUNCTION audit_record_outside('tasks_historicaltask');
