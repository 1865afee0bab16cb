"""Query parameters, read one by one; whatever is wrong with any of them is said together.

A misspelt parameter must not be passed over: who asks for one actor shall not get all of them.
"""

import base64
import binascii
import json
import re
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone
from rest_framework.request import Request

from audit.archived import history_begins
from tasks.batch.errors import Malformed


_UID = re.compile(r"[0-9a-z]{24}|[0-9a-z]{32}")
_INTEGER = re.compile(r"-?[0-9]{1,9}")
_POINTER = re.compile(r"(/([^~/]|~[01])*)+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# Rounds of a clock: who asks about now must not be told that it has not come yet.
_AHEAD = timedelta(seconds=5)
_LARGEST = 2**63 - 1


class Parameters:
    """The query parameters of a request; each is read once, by what it must be."""

    def __init__(self, request: Request) -> None:
        self._given = request.query_params
        self._read: set[str] = set()
        self.problems: list[tuple[str, str]] = []

    def text(self, name: str, *, longest: int = 200) -> str:
        """Return a text, or none."""
        self._read.add(name)
        given = self._given.getlist(name)
        if not given:
            return ""
        if len(given) > 1:
            return self._bad(name, "must be given once")
        (value,) = given
        if not value or len(value) > longest or _CONTROL.search(value):
            return self._bad(name, f"must be 1 to {longest} characters, none of them a control")
        return str(value)

    def choice(self, name: str, choices: Collection[str]) -> str:
        """Return one of the choices, or none."""
        value = self.text(name)
        if value and value not in choices:
            return self._bad(name, f"must be one of {', '.join(choices)}")
        return value

    def uid(self, name: str) -> str:
        """Return the id of a task or a project, or none."""
        value = self.text(name).lower()
        if value and not _UID.fullmatch(value):
            return self._bad(name, "must be an id of 24 or 32 letters and digits")
        return value

    def integer(self, name: str, *, least: int, most: int) -> int | None:
        """Return a whole number, or none."""
        value = self.text(name)
        if not value:
            return None
        if not _INTEGER.fullmatch(value) or not least <= int(value) <= most:
            self._bad(name, f"must be a whole number from {least} to {most}")
            return None
        return int(value)

    def identifier(self, name: str) -> UUID | None:
        """Return the id of an operation, or none."""
        value = self.text(name)
        try:
            return UUID(value) if value else None
        except ValueError:
            self._bad(name, "must be the id of an operation")
            return None

    def moment(self, name: str) -> datetime | None:
        """Return a moment, or none."""
        value = self.text(name)
        if not value:
            return None
        moment = _moment(value)
        if moment is None:
            self._bad(
                name,
                "must be a time with its zone, such as 2026-05-03T14:00:00Z (a + is sent as %2B)",
            )
        return moment

    def past(self, name: str) -> datetime | None:
        """Return a moment that has come, and of which the database still has the history, or none."""
        moment = self.moment(name)
        if moment and moment > timezone.now() + _AHEAD:
            self._bad(name, "must not be in the future")
        elif moment and (begins := history_begins()) and moment < begins:
            self._bad(
                name, f"must not be before {begins.isoformat()}: older history is in archives"
            )
        return moment

    def place(self, name: str, form: Sequence[type]) -> Any:
        """Return the place in a list that a former answer named: values of these types, or none."""
        value = self.text(name, longest=500)
        if not value:
            return None
        found = _decoded(value, form)
        if found is None:
            self._bad(name, "must be what the former answer's `next` says")
        return found

    def pointer(self, name: str) -> str:
        """Return a JSON pointer to something inside, or none."""
        value = self.text(name, longest=1000)
        if value and not _POINTER.fullmatch(value):
            return self._bad(name, "must be a JSON pointer such as /repository/branch")
        return value

    def refuse(self, name: str, problem: str) -> None:
        """Say that what was given for the parameter cannot be."""
        self._bad(name, problem)

    def require(self, *names: str) -> None:
        """Say that at least one of these must be given."""
        if not any(name in self._given for name in names):
            self.problems.append((names[0], f"must be given{_or(names[1:])}"))

    def check(self) -> None:
        """Refuse what nobody has read, and what was wrong.

        Raises:
            Malformed: naming every parameter that does not say what it must.
        """
        unknown = sorted(self._given.keys() - self._read)
        self.problems += [(_shown(name), "is no query parameter here") for name in unknown]
        if self.problems:
            raise Malformed(self.problems)

    def _bad(self, name: str, problem: str) -> str:
        self.problems.append((name, problem))
        return ""


def encode_place(place: Sequence[Any]) -> str:
    """Return a place in a list as callers send it back."""
    values = [each.isoformat() if isinstance(each, datetime) else each for each in place]
    text = json.dumps(values, default=str, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _decoded(text: str, form: Sequence[type]) -> tuple[Any, ...] | None:
    try:
        values = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        if not isinstance(values, list) or len(values) != len(form):
            return None
        return tuple(_value(value, kind) for value, kind in zip(values, form, strict=True))
    except (ValueError, TypeError, binascii.Error, RecursionError):
        return None


def _value(value: Any, kind: type) -> Any:
    if kind is datetime:
        moment = _moment(value)
        if moment is None:
            raise ValueError
        return moment
    if kind is UUID:
        return UUID(str(value))
    if not isinstance(value, kind) or isinstance(value, bool):
        raise TypeError
    if isinstance(value, int) and not 0 <= value <= _LARGEST:
        raise ValueError
    return value


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
        return None if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _or(names: Sequence[str]) -> str:
    return f", or {' or '.join(names)}" if names else ""


def _shown(name: str) -> str:
    return _CONTROL.sub("", name)[:80]
