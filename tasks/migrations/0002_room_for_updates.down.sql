ALTER TABLE tasks_task RESET (fillfactor);
