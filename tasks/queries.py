"""The SQL of the task changes, in the open.

Every statement takes the targets as one array, so its number and its text do not depend on theirs.
Arrays travel in binary (`%(…)b`): as text, Python would look at each value for what must be escaped.
"""

from psycopg import sql

from audit.past import as_of


# Targets by id in key order; a recycled task is not there.
READ_SETTINGS = """
SELECT id, uid, task_type_id, version, settings::text
FROM tasks_task
WHERE uid = ANY(%(uids)b::text[]) AND recycled_at IS NULL
ORDER BY id
"""

READ_ENABLED = """
SELECT id, uid, version, enabled, disabled_reason
FROM tasks_task
WHERE uid = ANY(%(uids)b::text[]) AND recycled_at IS NULL
ORDER BY id
"""

# What the targets became in an operation, what they were before it, and whether they still are so; one
# that was recycled since is not. Rows of one object are numbered in the order of its changes, under its
# lock; clocks may disagree.
READ_BEFORE_OPERATION = """
SELECT task.id, task.uid, task.task_type_id, task.version,
       task.settings::text, task.enabled, task.disabled_reason,
       before.settings::text, before.enabled, before.disabled_reason,
       task.recycled_at IS NULL AND task.settings = after.settings,
       task.recycled_at IS NULL
           AND (task.enabled, task.disabled_reason) = (after.enabled, after.disabled_reason),
       task.recycled_at IS NOT NULL
FROM tasks_task AS task
JOIN tasks_historicaltask AS after
  ON after.operation_id = %(operation)s::uuid AND after.id = task.id
JOIN LATERAL (
    SELECT settings, enabled, disabled_reason
    FROM tasks_historicaltask
    WHERE id = task.id AND history_id < after.history_id
    ORDER BY history_id DESC
    LIMIT 1
) AS before ON true
WHERE task.uid = ANY(%(uids)b::text[])
ORDER BY task.id
"""

# Targets on one side of the recycle bin's lid.
READ_RECYCLABLE = """
SELECT task.id, task.uid, task.project_id, task.name, task.version, %(recycled)s, true
FROM tasks_task AS task
WHERE task.uid = ANY(%(uids)b::text[]) AND (task.recycled_at IS NOT NULL) = %(recycled)s
ORDER BY task.id
"""

# Targets of an operation, on whichever side they are now, and whether they are as it left them.
READ_RECYCLABLE_OF_OPERATION = """
SELECT task.id, task.uid, task.project_id, task.name, task.version, task.recycled_at IS NOT NULL,
       task.version = after.version
FROM tasks_task AS task
JOIN tasks_historicaltask AS after
  ON after.operation_id = %(operation)s::uuid AND after.id = task.id
WHERE task.uid = ANY(%(uids)b::text[])
ORDER BY task.id
"""

LOCK_TASKS = " FOR NO KEY UPDATE OF tasks_task"
LOCK_TASK = " FOR NO KEY UPDATE OF task"

# In the order of their keys, so that two who take names in several projects do not deadlock. It lets
# foreign keys to the projects pass, and so every other writer of tasks.
HOLD_NAMES = """
SELECT id FROM tasks_project WHERE id = ANY(%(projects)b::bigint[]) ORDER BY id FOR NO KEY UPDATE
"""

READ_TAKEN_NAMES = """
SELECT task.project_id, task.name
FROM unnest(%(projects)b::bigint[], %(names)b::text[]) AS wanted (project_id, name)
JOIN tasks_task AS task ON task.project_id = wanted.project_id AND task.name = wanted.name
WHERE task.recycled_at IS NULL
"""

# Counts up for all stems at once, each until it has as many free names as are wanted.
READ_FREE_NUMBERS = """
WITH RECURSIVE tried (project_id, stem, number, is_free, wanted) AS (
    SELECT project_id, stem, 0, false, wanted
    FROM unnest(%(projects)b::bigint[], %(stems)b::text[], %(wanted)b::integer[])
        AS stem_of_copy (project_id, stem, wanted)
    UNION ALL
    SELECT project_id, stem, number + 1, next.is_free, wanted - next.is_free::integer
    FROM tried
    CROSS JOIN LATERAL (
        SELECT NOT EXISTS (
            SELECT
            FROM tasks_task AS task
            WHERE task.project_id = tried.project_id
              AND task.name = tried.stem || (tried.number + 1)
              AND task.recycled_at IS NULL
        ) AS is_free
    ) AS next
    WHERE wanted > 0
)
SELECT project_id, stem, number FROM tried WHERE is_free ORDER BY number
"""

READ_SCHEMAS = """
SELECT id, version, schema::text
FROM tasks_tasktype
WHERE id = ANY(%(ids)b::bigint[])
"""

# Targets on either side of the recycle bin's lid, and on which.
READ_SIDES = """
SELECT id, uid, recycled_at IS NOT NULL
FROM tasks_task
WHERE uid = ANY(%(uids)b::text[])
ORDER BY id
"""

READ_TARGETS = """
SELECT id, task_type_id
FROM tasks_task
WHERE uid = ANY(%(uids)b::text[]) AND recycled_at IS NULL
ORDER BY id
"""

READ_NAMED_SCHEMAS = """
SELECT id, name, schema::text
FROM tasks_tasktype
WHERE id = ANY(%(ids)b::bigint[])
ORDER BY name
"""

# What stands at each wanted place, a key of the settings (`root`) and the steps inside of it (`rest`),
# over all targets: the most frequent values, how many tasks have each, and how many values there are.
# Equal parts of settings are counted before anybody looks inside, which is three times as fast. Of what
# is not to be shown, a secret above all, only that it is there leaves the database.
READ_PRESENT_VALUES = """
WITH target AS MATERIALIZED (
    SELECT settings FROM tasks_task WHERE id = ANY(%(ids)b::bigint[])
),
wanted AS MATERIALIZED (
    SELECT number, root, is_shown,
           ARRAY(SELECT jsonb_array_elements_text(rest::jsonb)) AS rest
    FROM unnest(%(roots)b::text[], %(rests)b::text[], %(shown)b::boolean[])
        WITH ORDINALITY AS place (root, rest, is_shown, number)
),
part AS MATERIALIZED (
    SELECT root, settings -> root AS value, count(*) AS tasks
    FROM target
    CROSS JOIN (SELECT DISTINCT root FROM wanted) AS roots
    GROUP BY 1, 2
),
found AS (
    SELECT number,
           CASE WHEN is_shown THEN value #> rest
                WHEN value #> rest IS NOT NULL THEN 'true' END AS value,
           sum(tasks)::integer AS tasks
    FROM wanted
    JOIN part USING (root)
    GROUP BY 1, 2
),
ranked AS (
    SELECT number, value, tasks,
           count(*) OVER (PARTITION BY number) AS different,
           row_number() OVER (PARTITION BY number ORDER BY tasks DESC, value) AS rank
    FROM found
)
SELECT number - 1, value::text, tasks, different
FROM ranked
WHERE rank <= %(most)s
ORDER BY number, rank
"""

UIDS_OF_OPERATION = """
SELECT task.uid
FROM tasks_historicaltask AS changed
JOIN tasks_task AS task ON task.id = changed.id
WHERE changed.operation_id = %(operation)s::uuid
ORDER BY task.id
"""

# Through a connection of its own: the operation's transaction is still open. It tells whether somebody
# has cancelled the operation meanwhile.
REPORT_PROGRESS = """
UPDATE audit_progress
SET stage = %(stage)s, done = %(done)s, updated_at = clock_timestamp()
WHERE operation_id = %(operation)s::uuid
RETURNING cancelled_at IS NOT NULL
"""

# Which of these ids, and of these names in their projects, are taken, and by a task that the operation
# itself has added. LIMIT makes each name a look-up of its own: in the middle of a large import the
# planner knows nothing of the rows that came with it, and would read all of them for each chunk.
READ_TAKEN = """
WITH taken AS (
    SELECT id, uid, NULL::bigint AS project_id, NULL::text AS name
    FROM tasks_task
    WHERE uid = ANY(%(uids)b::text[])
    UNION ALL
    SELECT task.id, NULL, task.project_id, task.name
    FROM unnest(%(projects)b::bigint[], %(names)b::text[]) AS wanted (project_id, name)
    CROSS JOIN LATERAL (
        SELECT id, project_id, name
        FROM tasks_task
        WHERE project_id = wanted.project_id AND name = wanted.name AND recycled_at IS NULL
        LIMIT 1
    ) AS task
)
SELECT uid, project_id, name,
       (
           SELECT added.operation_id = %(operation)s::uuid
           FROM tasks_historicaltask AS added
           WHERE added.id = taken.id
           ORDER BY added.history_date, added.history_id
           LIMIT 1
       )
FROM taken
"""

# A task as it was, its type's schema of then and of now, and the operation that made it so.
READ_TASK_THEN = sql.SQL("""
SELECT task.uid, task.name, task.settings::text, task.enabled, task.disabled_reason,
       task.recycled_at IS NOT NULL, task.version, project.uid, type.key,
       type.schema::text, present.schema::text,
       operation.id, operation.kind, operation.actor_name, operation.finished_at
FROM (SELECT %(task)s::bigint AS id) AS asked
CROSS JOIN {task} AS task
CROSS JOIN {project} AS project
CROSS JOIN {task_type} AS type
JOIN audit_operation AS operation ON operation.id = task.operation_id
LEFT JOIN tasks_tasktype AS present ON present.id = task.task_type_id
""").format(
    task=as_of(history="tasks_historicaltask", of="asked.id", columns="newest.*"),
    project=as_of(history="tasks_historicalproject", of="task.project_id", columns="uid"),
    task_type=as_of(
        history="tasks_historicaltasktype", of="task.task_type_id", columns="key, schema"
    ),
)

# The task that has, or had last, this id. Of one that is gone, only the row that says so is sure to be
# there: when old months are dropped, the row of its creation goes with them.
FIND_TASK = """
SELECT id
FROM tasks_task
WHERE uid = %(uid)s
UNION ALL
(
    SELECT id
    FROM tasks_historicaltask
    WHERE uid = %(uid)s AND history_type = '-'
    ORDER BY history_id DESC
    LIMIT 1
)
LIMIT 1
"""

# What a preview saw of some of its targets, which may be few of many.
READ_MARKS = """
SELECT mark.key, mark.value
FROM tasks_previewedplan AS seen
CROSS JOIN jsonb_each_text(seen.marks) AS mark
WHERE seen.fingerprint = %(fingerprint)s AND mark.key = ANY(%(uids)b::text[])
"""
