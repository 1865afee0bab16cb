"""Exports of events and operations as JSON Lines and CSV, in flat memory, each ended by a manifest.

The manifest says what was asked, how many rows there are, and the SHA-256 of all bytes before it. An
export without one was cut off. The trail has both: that an export began, and the manifest with which it
ended, or how far it came (`audit.exports`).
"""

import csv
import hashlib
import io
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from itertools import chain
from typing import Any, Protocol

from audit.differences import as_json
from audit.events import VERSION, Event, Events, operation_summary
from audit.exports import Terms, end_export
from audit.models import Operation
from audit.reading import Found


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
# A spreadsheet would take what begins so for a formula, and run it.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


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
        return _row(columns)

    def operations(self, operations: Iterable[Operation]) -> Iterator[str]:
        """Yield the rows of operations."""
        for operation in operations:
            yield _row(_of_operation(operation_summary(operation)))

    def lines(self, events: Iterable[Event]) -> Iterator[str]:
        """Yield the rows of events."""
        # Put together from parts: that of an operation is the same in all of its rows, and to look at each
        # character of changes takes longer than anything else here.
        operation: Mapping[str, Any] = {}
        shared = ""
        for event in events:
            if operation is not event.operation:
                operation = event.operation
                shared = _row(_of_operation(operation))[:-1]
            own = _row(_cells(event.data))[:-1]
            changes, asked = _quoted(event.changes_text), _quoted(_asked(event.data))
            yield f"{own},{shared},{changes},{asked}\n"

    def manifest(self, manifest: Mapping[str, Any]) -> str:
        """Return the last row."""
        return _row(["#manifest", as_json(manifest)])


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


def _row(cells: Iterable[Any]) -> str:
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerow(cells)
    return written.getvalue()


def _of_operation(summary: Mapping[str, Any]) -> list[Any]:
    known = {**summary, **summary["counts"], "operation": summary["id"]}
    return [_harmless(known[name]) for name in _OF_OPERATION]


def _cells(event: Mapping[str, Any]) -> list[Any]:
    """Return the cells of an event; only what others have named can be a formula."""
    about = event["object"]
    return [
        *(event[name] for name in ("version", "id", "type", "at")),
        *(about["type"], _harmless(about["id"]), _harmless(about["name"])),
        *(event[name] for name in ("project", "task", "role")),
    ]


def _asked(event: Mapping[str, Any]) -> str:
    """Return what was asked for in an operation that is told itself."""
    if "parameters" not in event:
        return ""
    return as_json({name: event[name] for name in ("parameters", "refusals")})


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if text else ""


def _harmless(cell: Any) -> Any:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell
