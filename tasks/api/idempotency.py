"""One effect per `Idempotency-Key` of a token.

The answer is stored in the transaction that applies the batch, so that a crash leaves both or neither.
A refused request stores nothing: its key may be used again, for the same request or for another.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from django.db import connection
from rest_framework.request import Request

from tasks.api.faults import KeyInUse, KeyReused
from tasks.batch.pipeline import Applied
from tasks.models import StoredAnswer
from tasks.secrets import keyed_digest


# Taken until the transaction ends, however it ends.
_LOCK_SQL = "SELECT pg_try_advisory_xact_lock(%(key)s)"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a batch is answered with."""

    status: int
    headers: Mapping[str, str]
    content: str


class AnsweredBefore(Exception):
    """The same request with the same key has been answered; the answer is to be repeated."""

    def __init__(self, answer: Answer) -> None:
        super().__init__("answered before")
        self.answer = answer


@dataclass(kw_only=True)
class KeyReceipt:
    """The pipeline's receipt for a request with a key; `answer_of` makes the answer to remember.

    `answer` is the answer once it is stored.
    """

    token_id: int
    key: str
    digest: str
    answer_of: Callable[[Applied], Answer]
    answer: Answer | None = None

    def claim(self) -> None:
        """Take the key for this transaction.

        Raises:
            KeyInUse: another request has it.
            KeyReused: it was used for another request.
            AnsweredBefore: it was used for this one.
        """
        with connection.cursor() as cursor:
            cursor.execute(_LOCK_SQL, {"key": _lock_key(f"{self.token_id}:{self.key}")})
            (taken,) = cursor.fetchone()
        if not taken:
            raise KeyInUse
        # A statement of its own: it sees what the last holder of the lock committed.
        stored = StoredAnswer.objects.filter(token_id=self.token_id, key=self.key).first()
        if stored is None:
            return
        if stored.request_digest != self.digest:
            raise KeyReused
        raise AnsweredBefore(
            Answer(status=stored.status, headers=stored.headers, content=stored.content)
        )

    def settle(self, *, applied: Applied) -> None:
        """Store the answer."""
        self.answer = answer = self.answer_of(applied)
        StoredAnswer.objects.create(
            token_id=self.token_id,
            key=self.key,
            request_digest=self.digest,
            status=answer.status,
            headers=dict(answer.headers),
            content=answer.content,
        )


def digest_of(request: Request) -> str:
    """Return the keyed digest of what the request asks: method, path, query and body."""
    asked = f"{request.method} {request.get_full_path()}\n".encode() + request.body
    return keyed_digest(purpose="idempotency", content=asked)


def _lock_key(name: str) -> int:
    digest = hashlib.sha256(f"bulkhead.idempotency.{name}".encode()).digest()
    return int.from_bytes(digest[:8], signed=True)
