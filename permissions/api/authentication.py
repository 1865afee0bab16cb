"""Authentication by API token."""

from django.contrib.auth.models import User
from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from audit.context import Origin
from audit.models import Channel
from permissions.api.refused import REFUSED_TOKEN, note_refused_request
from permissions.models import ApiToken
from permissions.tokens import TokenFault, fault_of, find_token, note_address, note_use


_UNKNOWN = TokenFault("token_unknown", "the token is unknown")
_NO_TOKEN = TokenFault("no_token", "send a token: 'Authorization: Bearer …' or 'X-Auth-Token: …'")


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer bh_…`, or `X-Auth-Token: bh_…`, which alone counts when it is there.

    CodeArts' SDK sends a signature of its own as `Authorization` next to `X-Auth-Token`.
    """

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        """Return the token's owner and the token; None when no credentials came.

        Raises:
            AuthenticationFailed: what came is no token that may be used now and from there.
        """
        secret = _secret_of(request)
        if secret is None:
            return None
        token = find_token(secret)
        if token is None:
            raise _refused(request, _UNKNOWN)
        now, origin = timezone.now(), Origin.of(request, channel=Channel.API, token=token)
        if fault := fault_of(token=token, at=now, address=origin.address):
            raise _refused(request, fault, token)
        note_use(token=token, at=now, address=origin.address)
        note_address(token=token, origin=origin)
        return token.owner, token

    def authenticate_header(self, request: Request) -> str:
        """Return the `WWW-Authenticate` of a 401."""
        del request
        return 'Bearer realm="bulkhead"'


def _refused(
    request: Request, fault: TokenFault, token: ApiToken | None = None
) -> AuthenticationFailed:
    note_refused_request(request=request, kind=REFUSED_TOKEN, fault=fault, token=token)
    return AuthenticationFailed(fault.detail)


def _secret_of(request: Request) -> str | None:
    if (secret := request.META.get("HTTP_X_AUTH_TOKEN")) is not None:
        return str(secret)
    authorization = request.META.get("HTTP_AUTHORIZATION")
    if authorization is None:
        return None
    scheme, _, secret = authorization.partition(" ")
    if scheme.lower() != "bearer":
        raise _refused(request, _NO_TOKEN)
    return str(secret.strip())


class TokenAuthenticationScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the OpenAPI document describes it: either header will do."""

    target_class = TokenAuthentication
    name = ["bearer", "authToken"]

    def get_security_requirement(self, auto_schema: object) -> list[dict[str, list[str]]]:
        """Return the two ways as alternatives; the library would ask for both at once."""
        del auto_schema
        return [{name: []} for name in self.name]

    def get_security_definition(self, auto_schema: object) -> list[dict[str, str]]:
        """Return the two ways to send a token."""
        del auto_schema
        return [
            {"type": "http", "scheme": "bearer", "description": "An API token: bh_…"},
            {"type": "apiKey", "in": "header", "name": "X-Auth-Token"},
        ]
