"""What tests of batches at once share: batches as calls, and rows held by the test."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from permissions.changes import SetPermissions
from permissions.models import TaskPermission
from tasks.batch import pipeline
from tasks.batch.change import Change
from tasks.batch.pipeline import Applied, Batch
from tasks.changes import SetEnabled, UpdateSettings
from tasks.models import Task
from tests.conftest import ORIGIN


MAIN = UpdateSettings(patch={"repository": {"branch": "main"}})
OFF = SetEnabled(enabled=False, reason="frozen")
READERS = SetPermissions(flags={7: {"is_view": True}})


def batch(change: Change[Any], uids: list[str], **more: Any) -> Batch:
    return Batch(change=change, uids=uids, origin=ORIGIN, **more)


def apply(actor: User, change: Change[Any], uids: list[str], **more: Any) -> Callable[[], Applied]:
    """Return the call that applies the change, for a thread."""
    receipt = more.pop("receipt", None)
    return lambda: pipeline.apply(actor=actor, batch=batch(change, uids, **more), receipt=receipt)


@contextmanager
def locked(*uids: str, permissions: bool = False) -> Iterator[None]:
    """Hold the tasks' rows, or their permission rows, until the block ends; then commit."""
    tasks = Task.objects.filter(uid__in=uids)
    rows = TaskPermission.objects.filter(task__uid__in=uids)
    with transaction.atomic():
        held = (rows if permissions else tasks).select_for_update(of=("self",), no_key=True)
        assert len(held) == len(uids)
        yield
