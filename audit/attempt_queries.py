"""The SQL of refused attempts, in the open."""

# Whoever is second waits for the short transaction of the first, and counts.
COUNT_ATTEMPT = """
INSERT INTO audit_refusedattempt (operation_id, actor_id, kind, key, hour, times, last_at)
VALUES (
    %(operation)s, %(actor)s, %(kind)s, %(key)s,
    date_trunc('hour', %(at)s::timestamptz, 'UTC'), 1, %(at)s
)
ON CONFLICT (actor_id, hour, key)
DO UPDATE SET times = audit_refusedattempt.times + %(times)s,
              last_at = greatest(audit_refusedattempt.last_at, excluded.last_at)
RETURNING operation_id
"""
