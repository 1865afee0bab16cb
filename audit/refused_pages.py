"""What somebody sends to a page that is not theirs, as refused attempts of the trail.

What a form would have changed is not kept: among it may be a password. Opening a page changes nothing.
"""

import re
from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponseBase
from django.utils import timezone

from audit.context import Origin
from audit.models import Channel
from audit.recorder import new_operation
from audit.refused_attempts import attempt_key, record_refused
from audit.titles import name_kind


if TYPE_CHECKING:
    from django.contrib.auth.models import User

REFUSED_PAGE = "refused_page"

_DENIED, _UNKNOWN = "denied", "unknown"
_DETAILS = {
    _DENIED: "the page is not for this account",
    _UNKNOWN: "there is no such thing, or not for this account",
}
_CODES = {HTTPStatus.FORBIDDEN: _DENIED, HTTPStatus.NOT_FOUND: _UNKNOWN}
_KEY = re.compile(r"[0-9]{1,18}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

View = Callable[..., HttpResponseBase]

name_kind(kind=REFUSED_PAGE, title="Refused on a page")


def noting_refusals(view: View) -> View:
    """Return the view, which records what it refuses of what is sent to it."""

    @wraps(view)
    def noted(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            answer = view(request, *args, **kwargs)
        except (PermissionDenied, Http404) as error:
            _note(request, _DENIED if isinstance(error, PermissionDenied) else _UNKNOWN)
            raise
        if answer.status_code in _CODES:
            _note(request, _CODES[HTTPStatus(answer.status_code)])
        return answer

    return noted


def _note(request: HttpRequest, code: str) -> None:
    """Record that something was sent to a page, and refused; not that a page was opened in vain."""
    match = request.resolver_match
    if request.method != "POST" or match is None:
        return
    about = {name: str(value) for name, value in match.kwargs.items() if _is_key(value)}
    operation = new_operation(
        actor=cast("User", request.user),
        kind=REFUSED_PAGE,
        origin=Origin.of(request, channel=Channel.ADMIN),
        at=timezone.now(),
        parameters={"page": match.view_name, **about},
    )
    operation.refusals = [{"target": "", "code": code, "detail": _DETAILS[code]}]
    record_refused(
        operation=operation,
        same=attempt_key(REFUSED_PAGE, code, match.view_name, *about.values()),
        alike=attempt_key(REFUSED_PAGE, code),
    )


def _is_key(value: Any) -> bool:
    """Return whether a part of an address is a key: whatever else was typed there is not kept."""
    return _KEY.fullmatch(str(value)) is not None
