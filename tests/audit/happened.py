"""A project in which one thing of each kind has happened, and what readers of the trail are told of it."""

import json
from collections.abc import Sequence
from typing import Any

from django.contrib.auth.models import User

from audit.models import Operation
from audit.trail.events import Events
from audit.trail.listing import read_operations
from audit.trail.reader import Filter, Reader
from audit.trail.reading import Found, read_page
from tasks.changes import SetEnabled, UpdateSettings
from tasks.trail import reader_of
from tests.batches import apply
from tests.conftest import Governed
from tests.permissions.governance import change, set_in_project


def reader(actor: User, /, **wanted: Any) -> Reader:
    return reader_of(actor=actor, wanted=Filter(**wanted))


def operations(actor: User, /, **wanted: Any) -> list[Operation]:
    """Return the operations that a filter leaves, newest first."""
    return read_operations(reader=reader(actor, **wanted), after=None, limit=100).operations


def kinds(actor: User, /, **wanted: Any) -> list[str]:
    """Return the kinds of the operations that a filter leaves, newest first."""
    return [operation.kind for operation in operations(actor, **wanted)]


def events_of(found: Sequence[Found]) -> list[dict[str, Any]]:
    return [json.loads(event.text) for event in Events().of(found)]


def events(actor: User, /, **wanted: Any) -> list[dict[str, Any]]:
    """Return the events that a filter leaves, newest first."""
    return events_of(read_page(reader=reader(actor, **wanted), after=None, limit=1000).found)


def told(found: Sequence[Found]) -> list[tuple[str, str, list[str]]]:
    """Return of each change its type, its object, and the places that changed."""
    return [
        (event["type"], event["object"]["id"], [each["place"] for each in event["changes"]])
        for event in events_of(found)
    ]


def changes(actor: User, /, **wanted: Any) -> list[tuple[str, str, list[str]]]:
    return told(read_page(reader=reader(actor, **wanted), after=None, limit=1000).found)


class Happened:
    """A project in which one thing of each kind has happened."""

    def __init__(self, governed: Governed) -> None:
        self.governed = governed
        self.uids = sorted(governed.add_tasks(2))
        patch = {"repository": {"branch": "main"}, "notifications": None}
        self.settings = apply(governed.developer, UpdateSettings(patch=patch), self.uids).operation
        frozen = SetEnabled(enabled=False, reason="frozen")
        self.enabled = apply(governed.manager, frozen, self.uids[:1]).operation
        self.permissions = change(
            governed.manager, self.uids[1:], flags={4: {"is_execute": False}, 8: {"is_copy": True}}
        ).operation
        set_in_project(governed, 4, is_execute=False)
