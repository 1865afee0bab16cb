"""Rows of CSV that a spreadsheet opens as text, whatever somebody has written into a name."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any


# A spreadsheet would take what begins so for a formula, and run it.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_text(rows: Iterable[Sequence[Any]]) -> str:
    """Return the rows as CSV; what looks like a formula gets an apostrophe in front."""
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerows(map(_harmless, row) for row in rows)
    return written.getvalue()


def _harmless(cell: Any) -> Any:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell
