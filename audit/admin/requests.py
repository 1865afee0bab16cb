"""What a request to the admin says of itself: who, and from where."""

from typing import cast

from django.contrib.auth.models import User
from django.http import HttpRequest

from audit.address import client_address
from audit.context import Origin
from audit.models import Channel
from audit.request_id import request_id_of


def actor_of(request: HttpRequest) -> User:
    """Return who is signed in; the admin has no other visitors."""
    return cast("User", request.user)


def origin_of(request: HttpRequest) -> Origin:
    """Return where the request came in, for its operation."""
    return Origin(
        channel=Channel.ADMIN,
        request_id=request_id_of(request),
        address=client_address(request.META),
        user_agent=request.headers.get("User-Agent", ""),
    )
