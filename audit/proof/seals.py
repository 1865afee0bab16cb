"""The sealer: puts finished operations under signed, chained seals, in the order it sees them.

A transaction that finishes an operation also adds it to those that wait. The sealer takes what it sees
there, so what commits late gets into a later seal, and nothing is skipped. It locks nothing that a
batch touches: it deletes from the waiting and inserts what is its own.
"""

import hashlib
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import datetime
from uuid import UUID

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from audit.models import Layout as StoredLayout
from audit.models import Seal, Unsealed
from audit.proof.checkpoints import read_checkpoint, require_in_database, write_checkpoint
from audit.proof.documents import Layout, canonical, present_layout, sha256
from audit.proof.parts import add_parts, parts_of
from audit.proof.seal_documents import SealDocument, newest_seal
from audit.proof.signing import SealKey, seal_key


# Bounds on one seal, so that its transaction stays short however much waits, and that sealing can give way.
_OPERATIONS = 500
_ROWS = 20_000

_LOCK = "SELECT pg_try_advisory_xact_lock(%(lock)s)"
_LOCK_NUMBER = 0x5EA1

_AWAIT = """
INSERT INTO audit_unsealed (operation_id)
SELECT id FROM audit_operation AS operation
WHERE finished_at IS NOT NULL AND NOT EXISTS (
    SELECT FROM audit_sealedoperation AS sealed WHERE sealed.operation_id = operation.id
)
ORDER BY finished_at, id
ON CONFLICT DO NOTHING
"""

_TAKE = """
WITH first AS (
    SELECT waiting.id, operation.changed
    FROM audit_unsealed AS waiting
    JOIN audit_operation AS operation ON operation.id = waiting.operation_id
    WHERE operation.finished_at IS NOT NULL
    ORDER BY waiting.id
    LIMIT %(operations)s
), counted AS (
    SELECT id, sum(changed) OVER (ORDER BY id) - changed AS before FROM first
), taken AS (
    DELETE FROM audit_unsealed AS waiting
    USING counted
    WHERE waiting.id = counted.id AND counted.before < %(rows)s
    RETURNING waiting.id, waiting.operation_id
)
SELECT operation_id
FROM taken
WHERE NOT EXISTS (
    SELECT FROM audit_sealedoperation AS sealed WHERE sealed.operation_id = taken.operation_id
)
ORDER BY id
"""

_ADD_OPERATIONS = """
INSERT INTO audit_sealedoperation (operation_id, seal_id, place)
SELECT operation_id, %(seal)s, place
FROM unnest(%(operations)s::uuid[]) WITH ORDINALITY AS sealed(operation_id, place)
"""

logger = structlog.get_logger(__name__)


def seal_all(
    *, now: Callable[[], datetime] = timezone.now, may_go_on: Callable[[], bool] = lambda: True
) -> list[int]:
    """Seal what waits, and return the numbers of the seals; none if another sealer is at work.

    Before each seal it asks whether it may go on, and leaves the rest if not.

    Raises:
        KeyUnusable: there is no key to sign with.
        SealsRolledBack: the database lacks a seal that was made here.
        CheckpointUnreadable: the newest seal that was made here cannot be read.
    """
    key = seal_key()
    checkpoint = settings.BULKHEAD_SEAL_CHECKPOINT
    if checkpoint and checkpoint.exists():
        require_in_database(read_checkpoint(checkpoint))
    numbers = []
    while may_go_on() and (seal := _seal_some(key=key, at=now())):
        numbers.append(seal.number)
        if checkpoint:
            write_checkpoint(path=checkpoint, seal=seal)
    return numbers


def await_all() -> None:
    """Have every finished operation that is under no seal wait for one, whoever took it from the others.

    It asks of every operation; the trigger that adds each one when it is finished does not.
    """
    with connection.cursor() as cursor:
        cursor.execute(_AWAIT)


def _seal_some(*, key: SealKey, at: datetime) -> Seal | None:
    """Make one seal; None if nothing waits or another sealer is at work."""
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute(_LOCK, {"lock": _LOCK_NUMBER})
        if not cursor.fetchone()[0]:
            return None
        cursor.execute(_TAKE, {"operations": _OPERATIONS, "rows": _ROWS})
        operations = [operation for (operation,) in cursor.fetchall()]
        if not operations:
            return None
        layout = present_layout()
        add_parts(cursor, operations=operations, layout=layout)
        digests, rows = _digests(operations)
        previous = newest_seal()
        said = SealDocument(
            number=previous.number + 1 if previous else 1,
            previous=sha256(previous.document.encode()) if previous else "",
            sealed_at=at,
            key=key.public,
            layout=_store(layout),
            operations=list(zip(operations, digests, strict=True)),
            rows=rows,
            waiting=Unsealed.objects.filter(operation__finished_at__isnull=False).count(),
        )
        document = said.canonical()
        seal = Seal.objects.create(
            number=said.number,
            sealed_at=at,
            document=document.decode(),
            signature=key.sign(document),
        )
        cursor.execute(_ADD_OPERATIONS, {"seal": seal.number, "operations": operations})
    logger.info("sealed", seal=seal.number, operations=len(operations), rows=rows)
    return seal


def _digests(operations: Sequence[UUID]) -> tuple[list[str], int]:
    """Return the digest of each operation's entries, and the number of history rows in all of them."""
    digests = [hashlib.sha256() for _ in operations]
    entries = 0
    with closing(parts_of(operations)) as parts:
        for part in parts:
            digests[part.place - 1].update(part.content)
            entries += part.size
    return [digest.hexdigest() for digest in digests], entries - len(operations)


def _store(layout: Layout) -> str:
    """Store the layout unless it is there, and return its digest."""
    document = canonical(layout)
    digest = sha256(document)
    StoredLayout.objects.bulk_create(
        [StoredLayout(digest=digest, document=document.decode())], ignore_conflicts=True
    )
    return digest
