"""Why a batch is not applied; every interface maps these, and nothing else, to its own answers."""

from collections.abc import Sequence
from dataclasses import dataclass

from tasks.batch.plan import Plan


class BatchError(Exception):
    """Nothing was changed."""


@dataclass
class Malformed(BatchError):
    """The request does not say what it must; `problems` are (place, what is wrong) pairs."""

    problems: Sequence[tuple[str, str]]

    def __str__(self) -> str:
        return "; ".join(f"{place}: {text}" if place else text for place, text in self.problems)


@dataclass
class BadTargetIds(BatchError):
    """Some targets are not ids at all."""

    uids: Sequence[str]

    def __str__(self) -> str:
        return f"{len(self.uids)} target(s) are not ids of 24 or 32 hexadecimal digits"


@dataclass
class TooManyTargets(BatchError):
    """The batch is larger than one operation may be."""

    given: int
    limit: int

    def __str__(self) -> str:
        return f"{self.given} targets were given; one batch takes at most {self.limit}"


@dataclass
class BatchTooHeavy(BatchError):
    """What the change brings to all its targets together is more than one operation may write."""

    given: int
    limit: int

    def __str__(self) -> str:
        return (
            f"the change would write {self.given} bytes to all its targets; one batch writes"
            f" at most {self.limit}: split it"
        )


@dataclass
class PlanRefused(BatchError):
    """At least one target cannot be changed; the plan's refusals say which and why."""

    plan: Plan

    def __str__(self) -> str:
        refused = len(self.plan.refusals)
        return (
            f"{refused} of {len(self.plan.outcomes)} {self.plan.noun}s cannot be changed;"
            " nothing was changed"
        )


@dataclass
class PlanDrifted(BatchError):
    """The given fingerprint is not that of the present plan; `uids` changed since it was made."""

    uids: Sequence[str]

    def __str__(self) -> str:
        if not self.uids:
            return "the fingerprint is of another request, or too old to compare"
        return f"{len(self.uids)} task(s) changed since the preview; nothing was changed"


class Overtaken(BatchError):
    """Other writers were faster, again and again; the same request may be sent later."""

    def __str__(self) -> str:
        return "other writers keep taking the names that the tasks would get; nothing was changed"


class TokenInvalid(BatchError):
    """The token that an accepted operation came with has been revoked, or has expired, since."""

    def __str__(self) -> str:
        return "its token may not be used any more"


@dataclass
class NotRevertible(BatchError):
    """The operation cannot be undone; `why` says the reason."""

    why: str

    def __str__(self) -> str:
        return self.why


class OperationUnknown(BatchError):
    """There is no such operation, or the actor may not see it."""

    def __str__(self) -> str:
        return "no such operation"


class Cancelled(BatchError):
    """Somebody cancelled the operation while it ran."""

    def __str__(self) -> str:
        return "the operation was cancelled; nothing was changed"


@dataclass
class TooLate(BatchError):
    """The operation is finished, so it cannot be cancelled any more; `state` says how it ended."""

    state: str

    def __str__(self) -> str:
        return f"it is too late to cancel: the operation is {self.state} already"
