DROP FUNCTION tasks_keep_task();
