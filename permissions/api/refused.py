"""Requests that no token opened, as refused attempts of the trail.

Counted by the hour, so that nobody fills the trail who has no token. A token that nobody has is kept in
no form, not even as a digest: what is sent may be a password.
"""

from django.utils import timezone
from rest_framework.request import Request

from audit.address import network_of
from audit.context import Origin
from audit.models import Channel
from audit.recorder import new_operation
from audit.refused_attempts import attempt_key, record_refused
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
    origin = Origin.of(request, channel=Channel.API, token=token)
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


def _route_of(request: Request) -> str:
    """Return the pattern of the address: there are few of them, and nothing typed stands in one."""
    return f"/{request.resolver_match.route}" if request.resolver_match else ""
