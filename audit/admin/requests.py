"""What a request to the admin says of itself: who, and from where."""

from typing import cast

from django.contrib.auth.models import User
from django.http import HttpRequest

from audit.context import Origin
from audit.models import Channel


def actor_of(request: HttpRequest) -> User:
    """Return who is signed in; the admin has no other visitors."""
    return cast("User", request.user)


def origin_of(request: HttpRequest) -> Origin:
    """Return where the request came in, for its operation."""
    return Origin.of(request, channel=Channel.ADMIN)
