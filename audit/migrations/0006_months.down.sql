DROP FUNCTION audit_begin_month(regclass);
DROP FUNCTION audit_open_month(regclass, timestamptz);
DROP FUNCTION audit_first_number(timestamptz);
