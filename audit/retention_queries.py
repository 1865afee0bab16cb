"""The SQL of retention: which months can go, what of them stays, and how one takes the other's place."""

# Held by the session: a retention has several transactions.
BEGIN_ALONE = "SELECT pg_try_advisory_lock(%(lock)s)"
END_ALONE = "SELECT pg_advisory_unlock(%(lock)s)"

# A row that is not older than the day keeps its month, and with it all months after.
TOO_YOUNG = """
SELECT EXISTS (
    SELECT FROM {table} WHERE history_id < %(below)s AND history_date >= %(before)s
)
"""

ANY = "SELECT EXISTS (SELECT FROM {table} WHERE history_id < %(below)s)"

# The last seal of an operation with rows below the number, and how many of those are under none.
LAST_SEAL = """
SELECT max(sealed.seal_id), count(*) FILTER (WHERE sealed.seal_id IS NULL)
FROM (SELECT DISTINCT operation_id FROM {table} WHERE history_id < %(below)s) AS old
LEFT JOIN audit_sealedoperation AS sealed USING (operation_id)
"""

# What every object was when the oldest month that stays began; not objects that were gone by then.
MAKE_KEPT = (
    "CREATE TABLE {kept} (LIKE {table} INCLUDING CONSTRAINTS INCLUDING INDEXES INCLUDING STORAGE)"
)
FILL_KEPT = """
INSERT INTO {kept}
SELECT newest.* FROM (
    SELECT DISTINCT ON ({object}) * FROM {table}
    WHERE history_id < %(below)s
    ORDER BY {object}, history_id DESC
) AS newest
WHERE history_type <> '-'
"""
# Known to hold, so that nothing is looked through when the table becomes a partition.
BOUND_KEPT = "ALTER TABLE {kept} ADD CHECK (history_id IS NOT NULL AND history_id < {below})"
REFER = """
ALTER TABLE {kept} ADD FOREIGN KEY (operation_id) REFERENCES audit_operation
DEFERRABLE INITIALLY DEFERRED NOT VALID
"""
REFERENCE = """
SELECT conname FROM pg_constraint WHERE conrelid = %(kept)s::regclass AND contype = 'f'
"""
VALIDATE = "ALTER TABLE {kept} VALIDATE CONSTRAINT {reference}"

# Those that end at the number or before it; `FOR VALUES FROM (…) TO ('…')` says where.
PARTITIONS = """
SELECT inhrelid::regclass::text
FROM pg_inherits JOIN pg_class AS part ON part.oid = inhrelid
WHERE inhparent = %(table)s::regclass
  AND substring(pg_get_expr(part.relpartbound, part.oid) FROM 'TO \\(''?(\\d+)''?\\)')::bigint
      <= %(below)s
"""
DETACH = "ALTER TABLE {table} DETACH PARTITION {part}"
ATTACH = "ALTER TABLE {table} ATTACH PARTITION {kept} FOR VALUES FROM (MINVALUE) TO ({below})"
GUARDS = """
SELECT tgname FROM pg_trigger
WHERE tgrelid = %(table)s::regclass AND tgname LIKE 'pgtrigger_append_only_truncate_%%'
"""
GUARD = """
CREATE TRIGGER {guard} BEFORE TRUNCATE ON {kept}
FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change()
"""

# What was put aside and could not be dropped then, because somebody was in the way.
ASIDE = """
SELECT oid::regclass::text FROM pg_class
WHERE relkind = 'r' AND NOT relispartition
  AND relname ~ ('^' || %(table)s || '_(before|\\d{4}_\\d\\d|kept_\\d+)$')
"""
DROP = "DROP TABLE {part}"
