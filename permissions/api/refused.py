"""Requests that no token opened, as refused attempts of the trail.

Counted by the hour, so that nobody fills the trail who has no token. A token that nobody has is kept in
no form, not even as a digest: what is sent may be a password.
"""

from django.utils import timezone
from rest_framework.request import Request

from audit.address import client_address, network_of
from audit.context import Origin
from audit.models import Channel
from audit.recorder import new_operation
from audit.refused_attempts import attempt_key, record_refused
from audit.request_id import request_id_of
from permissions.models import ApiToken
from permissions.tokens import TokenFault


REFUSED_TOKEN = "refused_token"  # noqa: S105 - a kind of operation
REFUSED_SCOPE = "refused_scope"
REFUSED_RATE = "refused_rate"


def note_refused_request(
    *, request: Request, kind: str, fault: TokenFault, token: ApiToken | None, about: str = ""
) -> None:
    """Record that a request was refused at the door: under the token's owner, if one is known.

    What it was refused about tells attempts apart, and is a word of ours.
    """
    origin = origin_of(request, token)
    operation = new_operation(
        actor=token.owner if token else None,
        kind=kind,
        origin=origin,
        at=timezone.now(),
        parameters={"method": request.method, "address": _route_of(request)},
    )
    operation.refusals = [{"target": "", "code": fault.code, "detail": fault.detail}]
    network = network_of(origin.address) if origin.address else ""
    record_refused(
        operation=operation,
        same=attempt_key(kind, fault.code, str(origin.token_id), network, about),
        alike=attempt_key(kind, fault.code),
    )


def origin_of(request: Request, token: ApiToken | None) -> Origin:
    """Return where a request came in, before or after its token was looked at."""
    return Origin(
        channel=Channel.API,
        request_id=request_id_of(request),
        address=client_address(request.META),
        user_agent=request.headers.get("User-Agent", ""),
        token_id=token.pk if token else None,
        token_name=token.name if token else "",
    )


def _route_of(request: Request) -> str:
    """Return the pattern of the address: there are few of them, and nothing typed stands in one."""
    return f"/{request.resolver_match.route}" if request.resolver_match else ""
