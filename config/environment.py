"""Typed reading of environment variables: a wrong value stops the start and names its variable."""

import os
import re
from collections.abc import Sequence
from datetime import timedelta
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured


_SWITCHES = {"1": True, "true": True, "yes": True, "on": True} | {
    "": False,
    "0": False,
    "false": False,
    "no": False,
    "off": False,
}

_RATE = re.compile(r"(?P<count>[1-9][0-9]{0,8})/(?P<period>sec|min|hour)")
_PERIODS = {"sec": timedelta(seconds=1), "min": timedelta(minutes=1), "hour": timedelta(hours=1)}


def text(name: str, /, *, default: str | None = None) -> str:
    """Read a text; without a default it must be set.

    Raises:
        ImproperlyConfigured: The variable is missing or empty and has no default.
    """
    value = os.environ.get(name) or default
    if value is None:
        raise ImproperlyConfigured(f"Set the environment variable {name}.")
    return value


def number(name: str, /, *, default: int) -> int:
    """Read a whole number that is not negative.

    Raises:
        ImproperlyConfigured: The variable holds anything else.
    """
    value = text(name, default=str(default))
    if not (value.isascii() and value.isdecimal()):
        raise ImproperlyConfigured(f"{name} must be a whole number, not {value!r}.")
    return int(value)


def rate(name: str, /, *, default: str) -> tuple[int, timedelta]:
    """Read how many per period, such as `600/min`, as count and period.

    Raises:
        ImproperlyConfigured: The variable holds anything else.
    """
    value = text(name, default=default)
    if not (match := _RATE.fullmatch(value)):
        raise ImproperlyConfigured(f"{name} must be like 600/min (sec, min, hour), not {value!r}.")
    return int(match["count"]), _PERIODS[match["period"]]


def secure_address(name: str, /) -> str:
    """Read an address of the web, empty if it is not set: https, or http on this machine.

    Raises:
        ImproperlyConfigured: The variable holds anything else.
    """
    value = text(name, default="")
    if not value:
        return ""
    try:
        parts = urlsplit(value)
        is_here = parts.hostname in {"localhost", "127.0.0.1", "::1"}
        is_secure = parts.scheme == "https" or (parts.scheme == "http" and is_here)
        is_plain = parts.port != 0 and not parts.username and not parts.fragment
    except ValueError:
        is_secure = is_plain = False
    if not (is_secure and is_plain and parts.hostname):
        raise ImproperlyConfigured(
            f"{name} must be an https address, or http on 127.0.0.1, without user and password."
        )
    return value


def switch(name: str, /, *, default: bool) -> bool:
    """Read a yes or no.

    Raises:
        ImproperlyConfigured: The variable holds anything else.
    """
    value = os.environ.get(name)
    if value is None:
        return default
    try:
        return _SWITCHES[value.strip().lower()]
    except KeyError:
        raise ImproperlyConfigured(f"{name} must be yes or no, not {value!r}.") from None


def words(name: str, /, *, default: Sequence[str] | None = None) -> list[str]:
    """Read a comma-separated list; without a default it must not be empty.

    Raises:
        ImproperlyConfigured: The list is empty and has no default.
    """
    found = [word.strip() for word in os.environ.get(name, "").split(",") if word.strip()]
    if not found and default is None:
        raise ImproperlyConfigured(f"Set the environment variable {name}, a comma-separated list.")
    return found or list(default or ())
