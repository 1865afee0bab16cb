"""Exports of events and operations as JSON Lines and CSV, in flat memory, each ended by a manifest.

The manifest says what was asked, how many rows there are, and the SHA-256 of all bytes before it. An
export without one was cut off. The trail has both: that an export began, and the manifest with which it
ended, or how far it came (`audit.trail.exports`).
"""

import hashlib
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from itertools import chain
from typing import Any, Protocol

from audit.differences import as_json
from audit.models import Operation
from audit.spreadsheet import csv_cells, csv_text
from audit.trail.events import VERSION, Event, Events, operation_summary
from audit.trail.exports import Terms, end_export
from audit.trail.reading import Found


JSON_LINES = "application/x-ndjson"
CSV = "text/csv"

# So many bytes are sent in one go, or as many more as the last event has.
_PIECE = 64 * 1024
_OF_EVENT = (
    *("version", "id", "type", "at", "object_type", "object_id", "object_name"),
    *("project", "task", "role"),
)
_OF_OPERATION = (
    *("operation", "kind", "state", "channel", "actor", "token"),
    *("request_id", "reason", "reverts", "address", "user_agent"),
    *("targets", "changed", "unchanged", "refused", "created_at", "finished_at", "duration"),
)
_COLUMNS = (*_OF_EVENT, *_OF_OPERATION, "changes", "asked")


class Form(Protocol):
    """How events and operations are written, and how names of such files end."""

    ending: str

    def head(self, columns: Sequence[str]) -> str:
        """Return what comes before the first line."""

    def operations(self, operations: Iterable[Operation]) -> Iterator[str]:
        """Yield the lines of operations."""

    def lines(self, events: Iterable[Event]) -> Iterator[str]:
        """Yield the lines of events."""

    def manifest(self, manifest: Mapping[str, Any]) -> str:
        """Return the last line."""


class JsonLines:
    """One event or operation per line; the last line is an object whose only key is `manifest`."""

    ending = "jsonl"

    def head(self, columns: Sequence[str]) -> str:
        """Return nothing: each line has its names."""
        del columns
        return ""

    def operations(self, operations: Iterable[Operation]) -> Iterator[str]:
        """Yield the lines of operations."""
        for operation in operations:
            yield f"{as_json(operation_summary(operation))}\n"

    def lines(self, events: Iterable[Event]) -> Iterator[str]:
        """Yield the lines of events."""
        for event in events:
            yield f"{event.text}\n"

    def manifest(self, manifest: Mapping[str, Any]) -> str:
        """Return the last line."""
        return f"{as_json({'manifest': manifest})}\n"


class Csv:
    """One event or operation per row, changes as JSON; the last row begins with `#manifest`.

    What a spreadsheet would take for a formula gets an apostrophe in front.
    """

    ending = "csv"

    def head(self, columns: Sequence[str]) -> str:
        """Return the names of the columns."""
        return csv_text([columns])

    def operations(self, operations: Iterable[Operation]) -> Iterator[str]:
        """Yield the rows of operations."""
        for operation in operations:
            yield csv_text([_of_operation(operation_summary(operation))])

    def lines(self, events: Iterable[Event]) -> Iterator[str]:
        """Yield the rows of events."""
        # What is said of an operation is the same in all of its rows.
        operation: Mapping[str, Any] = {}
        shared = ""
        for event in events:
            if operation is not event.operation:
                operation = event.operation
                shared = csv_cells(_of_operation(operation))
            own = csv_cells((VERSION, *event.itself))
            yield f"{own},{shared},{csv_cells((event.changes_text, event.asked_text))}\n"

    def manifest(self, manifest: Mapping[str, Any]) -> str:
        """Return the last row."""
        return csv_text([("#manifest", as_json(manifest))])


FORMS: Mapping[str, Form] = {JSON_LINES: JsonLines(), CSV: Csv()}


def export(*, found: Generator[Found], form: Form, terms: Terms) -> Generator[bytes]:
    """Yield the export of events, piece by piece, and record how it ended."""
    lines = form.lines(Events().of(found))
    return _export(found, chain([form.head(_COLUMNS)], lines), form, terms)


def export_operations(
    *, operations: Generator[Operation], form: Form, terms: Terms
) -> Generator[bytes]:
    """Yield the export of operations, piece by piece, and record how it ended."""
    lines = form.operations(operations)
    return _export(operations, chain([form.head(_OF_OPERATION)], lines), form, terms)


def _export(
    source: Generator[Any], lines: Iterator[str], form: Form, terms: Terms
) -> Generator[bytes]:
    digest, rows = hashlib.sha256(), 0
    manifest: dict[str, Any] | None = None
    try:
        # Closed before the end is recorded: it holds the connection.
        with closing(source):
            for piece, held in _pieces(lines):
                digest.update(piece)
                yield piece
                rows += held
        whole = {"rows": rows, "sha256": digest.hexdigest()}
        yield form.manifest({"version": VERSION, **terms.described(), **whole}).encode()
        manifest = whole
    finally:
        end_export(terms=terms, manifest=manifest, rows=rows)


def _pieces(lines: Iterator[str]) -> Iterator[tuple[bytes, int]]:
    """Yield pieces, each with the number of its lines, for which the head does not count."""
    held, size, rows = [next(lines)], 0, 0
    for line in lines:
        held.append(line)
        size += len(line)
        rows += 1
        if size >= _PIECE:
            yield "".join(held).encode(), rows
            held, size, rows = [], 0, 0
    yield "".join(held).encode(), rows


def _of_operation(summary: Mapping[str, Any]) -> list[Any]:
    known = {**summary, **summary["counts"], "operation": summary["id"]}
    return [known[name] for name in _OF_OPERATION]
