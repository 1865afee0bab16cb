"""What an operation was asked for, in words; whoever owns a kind of operation says its own."""

from collections.abc import Callable, Mapping
from typing import Any

from django.utils.text import capfirst

from audit.admin.documents import DocumentRow, document_rows
from audit.models import Operation
from audit.trail.events import asked_of


# Given an operation's parameters, returns them by what they are called on a page.
Words = Callable[[Mapping[str, Any]], Mapping[str, Any]]

_words: dict[str, Words] = {}
_CALLED = {"asked": "Filters", "form": "Format", "sha256": "SHA-256"}


def say_in_words(*, kind: str, words: Words) -> None:
    """Say what the parameters of a kind of operation are called; without it their own names say it."""
    _words[kind] = words


def asked_in_words(operation: Operation) -> list[DocumentRow]:
    """Return what the operation was asked for, without any secret; what was left open is left out."""
    words = _words.get(operation.kind, _own_names)(asked_of(operation))
    return document_rows({name: value for name, value in words.items() if _says_something(value)})


def _own_names(asked: Mapping[str, Any]) -> Mapping[str, Any]:
    return {
        _CALLED.get(name) or capfirst(name.replace("_", " ")): value
        for name, value in asked.items()
    }


def _says_something(value: Any) -> bool:
    return value is not None and value not in ("", [], {})
