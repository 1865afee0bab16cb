"""What the worker does for the trail: every minute it seals what was finished, and anchors the seal."""

import time
from contextlib import suppress

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone
from procrastinate import RetryStrategy
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from audit.months import open_months
from audit.proof.anchors import NotAnchored, anchor_newest
from audit.proof.seals import seal_all


NAME = "audit.seal"
ANCHOR = "audit.anchor"

# Ahead of operations that wait for the worker.
_FIRST = 100
_LOCK = "seal"

# Sealing takes a third of the time of the batch that is sealed. So it gives way to a batch that runs at
# the moment, though not to one after the other: everything is sealed within a minute.
_PATIENCE = 25.0
_PAUSE = 1
# A batch reads for a moment before it writes, and what writes for a moment only is no batch.
_LOOKS = 6
_BETWEEN_LOOKS = 0.1

_SOMEBODY_WRITES = """
SELECT EXISTS (
    SELECT FROM pg_stat_activity
    WHERE datname = current_database() AND backend_xid IS NOT NULL AND pid <> pg_backend_pid()
      AND xact_start < clock_timestamp() - interval '50 milliseconds'
)
"""


@app.periodic(cron="* * * * *")
@app.task(name=NAME, queueing_lock=_LOCK, priority=_FIRST)
def seal(timestamp: int) -> None:
    """Seal what waits, in a quiet moment if there is one soon.

    What this leaves out because of an error, the next minute seals.
    """
    gave_way = False

    def may_go_on() -> bool:
        nonlocal gave_way
        gave_way = time.time() - timestamp < _PATIENCE and _is_busy()
        return not gave_way

    sealed = seal_all(may_go_on=may_go_on)
    if gave_way:
        again = app.configure_task(
            NAME, queueing_lock=_LOCK, priority=_FIRST, schedule_in={"seconds": _PAUSE}
        )
        with suppress(AlreadyEnqueued), transaction.atomic():
            again.defer(timestamp=timestamp)
    if sealed and settings.BULKHEAD_SEAL_WEBHOOK:
        with suppress(AlreadyEnqueued), transaction.atomic():
            anchor.defer()


@app.task(
    name=ANCHOR,
    queueing_lock=ANCHOR,
    retry=RetryStrategy(max_attempts=10, exponential_wait=2, retry_exceptions=[NotAnchored]),
)
def anchor() -> None:
    """Send the newest seal to where it is kept; for half an hour again if it is not taken.

    The next seal that is made is sent in any case, and stands for all before it.
    """
    anchor_newest()


def _is_busy() -> bool:
    """Return whether somebody is seen to write within a few looks."""
    for look in range(_LOOKS):
        if look:
            time.sleep(_BETWEEN_LOOKS)
        with connection.cursor() as cursor:
            cursor.execute(_SOMEBODY_WRITES)
            if cursor.fetchone()[0]:
                return True
    return False


@app.periodic(cron="7 * * * *")
@app.task(name="audit.open_months", queueing_lock="open_months")
def begin_months(timestamp: int) -> None:
    """Make room for the history of the next month, a month ahead; what fails is tried an hour later."""
    del timestamp
    open_months(at=timezone.now())
