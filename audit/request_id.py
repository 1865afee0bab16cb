"""The id that ties one request's answer, log lines and operation together."""

import re
from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponse
from uuid_utils.compat import uuid7


HEADER = "X-Request-Id"
_FORM = re.compile(r"[A-Za-z0-9._-]{1,128}")
_ATTRIBUTE = "bulkhead_request_id"


class RequestIdMiddleware:
    """Takes the caller's id, or makes one, and gives it back with every answer, errors included."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request under its id."""
        given = request.headers.get(HEADER, "")
        request_id = given if _FORM.fullmatch(given) else uuid7().hex
        setattr(request, _ATTRIBUTE, request_id)
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            response = self._get_response(request)
        response[HEADER] = request_id
        return response


def request_id_of(request: object) -> str:
    """Return the id of a request, wrapped or not; nothing if the middleware has not seen it."""
    return str(getattr(request, _ATTRIBUTE, ""))
