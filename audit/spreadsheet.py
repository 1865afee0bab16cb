"""Rows of CSV that a spreadsheet opens as text, whatever somebody has written into a name."""

import re
from collections.abc import Iterable
from typing import Any


# A spreadsheet would take what begins so for a formula, and run it; some also the wide forms of the signs.
_WIDE = ("\uff1d", "\uff0b", "\uff0d", "\uff20")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", *_WIDE)
_needs_quotes = re.compile(r'[",\r\n]').search


def csv_text(rows: Iterable[Iterable[Any]]) -> str:
    """Return the rows as CSV; what looks like a formula gets an apostrophe in front."""
    return "".join(f"{csv_cells(row)}\n" for row in rows)


def csv_cells(cells: Iterable[Any]) -> str:
    """Return a row, or a part of one, that does not end yet."""
    return ",".join(map(_cell, cells))


def _cell(cell: Any) -> str:
    if cell is None:
        return ""
    if not isinstance(cell, str):
        return str(cell)
    text = f"'{cell}" if cell.startswith(_FORMULA) else cell
    return '"' + text.replace('"', '""') + '"' if _needs_quotes(text) else text
