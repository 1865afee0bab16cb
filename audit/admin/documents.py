"""JSON documents as rows that a page can show: one per value, indented as it is nested."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from audit.admin.described import as_text
from audit.masking import Masked


class DocumentRow(NamedTuple):
    """One line of a document: a name and either its value or, without one, what it holds."""

    depth: int
    name: str
    value: str
    is_secret: bool = False
    holds_others: bool = False


def document_rows(document: Any, *, depth: int = 0) -> list[DocumentRow]:
    """Return the rows of a document that is masked already."""
    return list(_rows(document, depth))


def _rows(document: Any, depth: int) -> Iterator[DocumentRow]:
    if not isinstance(document, dict):
        yield DocumentRow(depth, "", as_text(document))
        return
    for name, value in document.items():
        if isinstance(value, dict) and value:
            yield DocumentRow(depth, name, "", holds_others=True)
            yield from _rows(value, depth + 1)
        else:
            yield DocumentRow(depth, name, as_text(value), is_secret=isinstance(value, Masked))
