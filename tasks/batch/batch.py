"""What the pipeline takes and gives: a batch, what came of it, and what makes a request count once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from audit.context import Origin
from audit.models import Operation
from tasks.batch.change import Change
from tasks.batch.plan import Plan


@dataclass(frozen=True, kw_only=True)
class Batch:
    """A change, its targets and how it came in.

    `expected` is a fingerprint that the plan must have; `seen` is one whose targets must be as they
    were, for a worker that continues what was already matched when it was accepted.
    """

    change: Change[Any]
    uids: Sequence[str]
    origin: Origin
    expected: str = ""
    seen: str = ""
    reason: str = ""
    reverts: UUID | None = None


class Applied(NamedTuple):
    """A recorded operation and the plan that it carried out, or will."""

    operation: Operation
    plan: Plan


class Receipt(Protocol):
    """What makes a request count once; its rows live and die with the operation's transaction."""

    def claim(self) -> None:
        """Take the request, or raise what tells the caller that it was taken before."""

    def settle(self, *, applied: Applied) -> None:
        """Remember the answer."""
