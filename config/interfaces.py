"""The interfaces by their addresses, and what they answer where no view of theirs does.

Nothing under an interface's prefix is ever redirected or answered with a page: clients take a redirect
for success, and cannot read HTML.
"""

import re
import sys
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.views import defaults

from permissions.api.views import CodeArtsView
from tasks.api.faults import Fault, FaultCode, fault_of
from tasks.api.opsera import OpseraView
from tasks.api.views import fault_response


_FAULT_BODIES: dict[str, Callable[[Fault], dict[str, Any]]] = {
    "api": OpseraView.fault_body,
    **dict.fromkeys(("v1", "v2", "v3", "v4"), CodeArtsView.fault_body),
}
_PREFIX = re.compile(r"/+(?P<prefix>[a-z0-9]+)(/|$)", re.IGNORECASE)


class PlainHttpRefused:
    """Refuses what must come through TLS, where a browser would be redirected.

    A token that was sent in the clear should be noticed, not taken.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer the request, or refuse it."""
        if not settings.SECURE_SSL_REDIRECT or request.is_secure():
            return self._get_response(request)
        fault = Fault(
            status=403,
            code=FaultCode.FORBIDDEN,
            message="Use HTTPS; revoke the token if this request had one.",
        )
        return _in_shape(request, fault) or self._get_response(request)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Answer a request that Django refused, such as one to a host that is not ours."""
    fault = Fault(
        status=400, code=FaultCode.MALFORMED, message="The request is not one that is served here."
    )
    return _in_shape(request, fault) or defaults.bad_request(request, exception)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Answer a request that Django denied."""
    return _in_shape(request, fault_of(exception)) or defaults.permission_denied(request, exception)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Answer a request for an address that nobody answers."""
    return _in_shape(request, fault_of(exception)) or defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponseBase:
    """Answer a request that failed outside the views of an interface."""
    error = sys.exception()
    fault = fault_of(error if isinstance(error, Exception) else RuntimeError())
    return _in_shape(request, fault) or defaults.server_error(request)


def _in_shape(request: HttpRequest, fault: Fault) -> HttpResponse | None:
    prefix = _PREFIX.match(request.path_info)
    fault_body = _FAULT_BODIES.get(prefix["prefix"].lower()) if prefix else None
    return fault_response(fault, fault_body(fault)) if fault_body else None
