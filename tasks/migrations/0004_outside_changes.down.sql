DROP TRIGGER outside_the_application ON tasks_project;
DROP TRIGGER outside_the_application ON tasks_tasktype;
DROP TRIGGER outside_the_application ON tasks_task;
