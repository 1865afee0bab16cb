"""Exports of events as JSON Lines and CSV, in flat memory, each ended by a manifest that proves it whole.

The manifest says what was asked, how many rows there are, and the SHA-256 of all bytes before it. An
export without one was cut off.
"""

import csv
import hashlib
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Protocol

from django.contrib.auth.models import User

from audit.context import Origin
from audit.events import VERSION, Events, timestamp
from audit.models import Seal
from audit.noted import note_event
from audit.trail import Found


JSON_LINES = "application/x-ndjson"
CSV = "text/csv"

# So many events are written in one go.
_CHUNK = 500
_COLUMNS = (
    *("version", "id", "type", "at", "object_type", "object_id", "object_name"),
    *("project", "task", "role", "operation", "kind", "state", "channel", "actor", "token"),
    *("request_id", "reason", "reverts", "changes"),
)
# A spreadsheet would take what begins so for a formula, and run it.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What an export is of: who asked for what, when, and the event that says so in the trail."""

    actor: str
    asked_at: datetime
    asked: Mapping[str, Any]
    export_id: str


def note_export(*, actor: User, origin: Origin, asked: Mapping[str, Any], form: str) -> Terms:
    """Record that the actor exports what is asked for; return the terms, for the manifest."""
    noted = note_event(
        actor=actor,
        kind="export_trail",
        origin=origin,
        parameters={"asked": dict(asked), "form": form},
    )
    return Terms(
        actor=noted.actor_name, asked_at=noted.created_at, asked=asked, export_id=str(noted.pk)
    )


class Form(Protocol):
    """How events are written, and how names of such files end."""

    ending: str

    def head(self) -> str:
        """Return what comes before the first event."""

    def lines(self, events: Iterable[Mapping[str, Any]]) -> str:
        """Return the lines of events."""

    def manifest(self, manifest: Mapping[str, Any]) -> str:
        """Return the last line."""


class JsonLines:
    """One event per line; the last line is an object whose only key is `manifest`."""

    ending = "jsonl"

    def head(self) -> str:
        """Return nothing."""
        return ""

    def lines(self, events: Iterable[Mapping[str, Any]]) -> str:
        """Return the lines of events."""
        return "".join(f"{_encode(event)}\n" for event in events)

    def manifest(self, manifest: Mapping[str, Any]) -> str:
        """Return the last line."""
        return f"{_encode({'manifest': manifest})}\n"


class Csv:
    """One event per row, its changes as JSON; the last row begins with `#manifest`.

    What a spreadsheet would take for a formula gets an apostrophe in front.
    """

    ending = "csv"

    def head(self) -> str:
        """Return the names of the columns."""
        return _rows([_COLUMNS])

    def lines(self, events: Iterable[Mapping[str, Any]]) -> str:
        """Return the rows of events."""
        return _rows(map(_cells, events))

    def manifest(self, manifest: Mapping[str, Any]) -> str:
        """Return the last row."""
        return _rows([("#manifest", _encode(manifest))])


FORMS: Mapping[str, Form] = {JSON_LINES: JsonLines(), CSV: Csv()}


def export(*, found: Iterable[Found], form: Form, terms: Terms) -> Iterator[bytes]:
    """Yield the export, piece by piece."""
    digest, rows = hashlib.sha256(), 0
    head = form.head().encode()
    digest.update(head)
    yield head
    events, remaining = Events(), iter(found)
    while chunk := list(islice(remaining, _CHUNK)):
        piece = form.lines(events.of(chunk)).encode()
        digest.update(piece)
        rows += len(chunk)
        yield piece
    manifest = {
        "version": VERSION,
        "asked": dict(terms.asked),
        "asked_at": timestamp(terms.asked_at),
        "asked_by": terms.actor,
        "export": terms.export_id,
        "seal": _newest_seal(),
        "rows": rows,
        "sha256": digest.hexdigest(),
    }
    yield form.manifest(manifest).encode()


def _newest_seal() -> dict[str, Any] | None:
    """Return which seal was the newest then, and the digest by which it is known."""
    seal = Seal.objects.order_by("-number").first()
    if seal is None:
        return None
    return {"number": seal.number, "sha256": hashlib.sha256(seal.document.encode()).hexdigest()}


def _rows(rows: Iterable[Sequence[Any]]) -> str:
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerows(rows)
    return written.getvalue()


def _cells(event: Mapping[str, Any]) -> list[Any]:
    operation, about = event["operation"], event["object"]
    flat = {
        **event,
        **{f"object_{name}": value for name, value in about.items()},
        **operation,
        "id": event["id"],
        "operation": operation["id"],
        "changes": _encode(event["changes"]),
    }
    return [_harmless(flat[name]) for name in _COLUMNS]


def _harmless(cell: Any) -> Any:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell
