"""Previews, applies and undoes batches, as every interface does."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tasks.batch import pipeline
from tasks.batch.change import Change
from tasks.batch.errors import PlanRefused
from tasks.batch.pipeline import Applied, Batch
from tasks.batch.plan import OutcomeKind, Plan, Reason
from tasks.batch.revert import Undo, batch_to_undo
from tests.conftest import ORIGIN


def preview(actor: User, change: Change[Any], uids: Sequence[str]) -> Plan:
    """Preview the change."""
    return pipeline.preview(actor=actor, batch=Batch(change=change, uids=uids, origin=ORIGIN))


def apply(actor: User, change: Change[Any], uids: Sequence[str], *, expected: str = "") -> Applied:
    """Apply the change."""
    batch = Batch(change=change, uids=uids, origin=ORIGIN, expected=expected)
    return pipeline.apply(actor=actor, batch=batch)


def reasons(actor: User, change: Change[Any], uids: Sequence[str]) -> list[Reason | None]:
    """Return why applying the change is refused, one reason per refused target."""
    with pytest.raises(PlanRefused) as refused:
        apply(actor, change, uids)
    return [outcome.reason for outcome in refused.value.plan.refusals]


def undo(actor: User, applied: Applied, **choice: bool) -> Applied:
    """Undo what was applied; the choice is what to do about what has been changed since."""
    return pipeline.apply(actor=actor, batch=_batch_to_undo(actor, applied, **choice))


def kinds_of_undo(actor: User, applied: Applied) -> list[OutcomeKind]:
    """Return what undoing would do, target by target."""
    plan = pipeline.preview(actor=actor, batch=_batch_to_undo(actor, applied))
    return [outcome.kind for outcome in plan.outcomes]


def statements_of(call: Callable[[], Any]) -> int:
    """Return how many statements the call makes, those that bound transactions not counted."""
    with CaptureQueriesContext(connection) as captured:
        call()
    bounds = ("SAVEPOINT", "RELEASE")
    return sum(not query["sql"].startswith(bounds) for query in captured.captured_queries)


def _batch_to_undo(actor: User, applied: Applied, **choice: bool) -> Batch:
    asked = Undo(operation_id=applied.operation.pk, **choice)  # type: ignore[arg-type]  # choices alone
    return batch_to_undo(actor=actor, undo=asked, origin=ORIGIN)
