"""What operations are called, wherever people read of them; the owner of each kind says it here."""

from collections.abc import Callable, Mapping
from typing import Any


# Given an operation's parameters, returns what it is called.
Tell = Callable[[Mapping[str, Any]], str]

_titles: dict[str, str] = {}
_told: dict[str, Tell] = {}


def name_kind(*, kind: str, title: str, told: Tell | None = None) -> None:
    """Say what operations of this kind are called and, if their parameters say more, each of them."""
    _titles[kind] = title
    if told:
        _told[kind] = told


def title_of(kind: str) -> str:
    """Return what operations of this kind are called: the kind in words, if nobody has said it."""
    return _titles.get(kind) or kind.replace("_", " ").capitalize()


def told_title(*, kind: str, parameters: Mapping[str, Any]) -> str:
    """Return what an operation of this kind with these parameters is called."""
    tell = _told.get(kind)
    return tell(parameters) if tell else title_of(kind)
