"""Exports of events as JSON Lines and CSV, in flat memory, each ended by a manifest that proves it whole.

The manifest says what was asked, how many rows there are, and the SHA-256 of all bytes before it. An
export without one was cut off. The trail has both: that an export began, and the manifest with which it
ended, or how far it came (`audit.exports`).
"""

import csv
import hashlib
import io
import json
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import closing
from itertools import islice
from typing import Any, Protocol

from audit.events import VERSION, Events
from audit.exports import Terms, end_export
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


def export(*, found: Generator[Found], form: Form, terms: Terms) -> Generator[bytes]:
    """Yield the export, piece by piece, and record how it ended."""
    digest, rows = hashlib.sha256(), 0
    manifest: dict[str, Any] | None = None
    try:
        # Closed before the end is recorded: what it reads in would take that back.
        with closing(found):
            head = form.head().encode()
            digest.update(head)
            yield head
            events = Events()
            while chunk := list(islice(found, _CHUNK)):
                piece = form.lines(events.of(chunk)).encode()
                digest.update(piece)
                yield piece
                rows += len(chunk)
        whole = {"rows": rows, "sha256": digest.hexdigest()}
        yield form.manifest({"version": VERSION, **terms.described(), **whole}).encode()
        manifest = whole
    finally:
        end_export(terms=terms, manifest=manifest, rows=rows)


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
