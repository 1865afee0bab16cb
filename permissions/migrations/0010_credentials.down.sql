DROP TRIGGER outside_the_application_digest ON permissions_apitoken;
DROP TRIGGER outside_the_application_password ON auth_user;
DROP FUNCTION permissions_note_credential();
