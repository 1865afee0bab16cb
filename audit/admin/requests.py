"""What a request to the admin says of itself: who, from where, and the numbers in its address."""

from typing import cast

from django.contrib.auth.models import User
from django.http import HttpRequest

from audit.context import Origin
from audit.models import Channel


# The largest key has as many digits.
_MOST_DIGITS = 18


def actor_of(request: HttpRequest) -> User:
    """Return who is signed in; the admin has no other visitors."""
    return cast("User", request.user)


def origin_of(request: HttpRequest) -> Origin:
    """Return where the request came in, for its operation."""
    return Origin.of(request, channel=Channel.ADMIN)


def is_key(text: str) -> bool:
    """Return whether the text is a whole number that a key could be."""
    return text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS


def page_number(asked: str, *, last: int) -> int:
    """Return which page is meant: the first where that is none, the last where there are no more."""
    return max(min(int(asked), last), 1) if is_key(asked) else 1


def typed(text: str | None) -> str:
    """Return what somebody typed: PostgreSQL stores no U+0000, and no person types one."""
    return (text or "").replace("\0", "").strip()
