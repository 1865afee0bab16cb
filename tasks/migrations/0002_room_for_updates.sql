-- No index contains what batches change, so a new version of a row that fits on its page needs no entry
-- in any of the five indexes. For a third more disk, a change of 10,000 tasks costs the server a third
-- of the time (docs/explanation/performance.md).
ALTER TABLE tasks_task SET (fillfactor = 70);
