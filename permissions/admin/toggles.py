"""Toggled flags in an address, so that the preview of a project's permissions can be linked and kept."""

from collections import defaultdict

from django.http import QueryDict

from permissions.flags import BY_VENDOR_NAME
from permissions.states import FlagsOfRoles


GRANT, REVOKE = "grant", "revoke"
# An address has room for so many, as web servers take it.
MOST = 120


class TogglesUnreadable(Exception):
    """The address names no flags of roles."""


def query_of(flags: FlagsOfRoles) -> str:
    """Return the toggled flags as the query of an address."""
    query = QueryDict(mutable=True)
    for key, sign in ((GRANT, True), (REVOKE, False)):
        for code, values in sorted(flags.items()):
            for name, value in values.items():
                if value is sign:
                    query.appendlist(key, f"{code}.{name}")
    return query.urlencode()


def toggles_in(query: QueryDict) -> FlagsOfRoles:
    """Return the toggled flags that an address names.

    Raises:
        TogglesUnreadable: it names something else, nothing, or too much.
    """
    if sum(len(query.getlist(key)) for key in (GRANT, REVOKE)) > MOST:
        raise TogglesUnreadable
    flags: dict[int, dict[str, bool]] = defaultdict(dict)
    for key, value in ((GRANT, True), (REVOKE, False)):
        for text in query.getlist(key):
            code, _, name = text.partition(".")
            if name not in BY_VENDOR_NAME or name in flags[_code(code)]:
                raise TogglesUnreadable
            flags[_code(code)][name] = value
    if not flags:
        raise TogglesUnreadable
    return dict(flags)


def _code(text: str) -> int:
    try:
        code = int(text)
    except ValueError as error:
        raise TogglesUnreadable from error
    if not -(2**31) <= code < 2**31:
        raise TogglesUnreadable
    return code
