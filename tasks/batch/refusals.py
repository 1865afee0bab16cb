"""Why a batch was refused, as data: what operations keep, and pages and endpoints show."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.contrib.auth.models import User
from django.utils import timezone

from audit.models import Operation
from audit.recorder import new_operation
from audit.refused_attempts import record_refused
from tasks.batch.batch import Batch
from tasks.batch.errors import PlanDrifted, PlanRefused, TokenInvalid
from tasks.secrets import keyed_digest


def refusals_of(error: TokenInvalid | PlanRefused | PlanDrifted) -> list[dict[str, str]]:
    """Return every offender as data: target, code and detail."""
    if isinstance(error, TokenInvalid):
        return [{"target": "", "code": "token_invalid", "detail": str(error)}]
    if isinstance(error, PlanDrifted):
        return [
            {"target": uid, "code": "drifted", "detail": "changed since the preview"}
            for uid in error.uids
        ] or [{"target": "", "code": "drifted", "detail": str(error)}]
    return [
        {"target": outcome.uid, "code": str(outcome.reason), "detail": outcome.detail}
        for outcome in error.plan.refusals
    ]


@contextmanager
def recording_refusals(*, actor: User, batch: Batch) -> Iterator[None]:
    """Record a refused attempt, once its transaction has been rolled back."""
    try:
        yield
    except (PlanRefused, PlanDrifted) as error:
        _record(actor, batch, error)
        raise


def record_refused_attempt(
    *, operation: Operation, refusals: Sequence[dict[str, str]], asked: object
) -> None:
    """Record that what the operation would have done was refused; `asked` tells it from others.

    It may hold secrets: only a keyed digest of it is stored.
    """
    operation.refusals = list(refusals)
    codes = sorted({refusal["code"] for refusal in refusals})
    alike = [operation.kind, operation.channel, operation.token_id, codes]
    record_refused(
        operation=operation,
        same=_digest([*alike, asked]),
        alike=_digest(alike),
    )


def _record(actor: User, batch: Batch, error: PlanRefused | PlanDrifted) -> None:
    operation = new_operation(
        actor=actor,
        kind=batch.change.kind,
        origin=batch.origin,
        at=timezone.now(),
        parameters=batch.change.attempted_parameters(),
        reason=batch.reason,
    )
    operation.targets = len(batch.uids)
    operation.reverts_id = batch.reverts
    record_refused_attempt(
        operation=operation,
        refusals=refusals_of(error),
        asked=[batch.change.identity(), sorted(batch.uids)],
    )


def _digest(content: object) -> str:
    text = json.dumps(content, sort_keys=True, default=str)
    return keyed_digest(purpose="refused attempt", content=text.encode())
