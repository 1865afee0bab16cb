"""The one place where scopes are enforced."""

from typing import TYPE_CHECKING

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from permissions.api.refused import REFUSED_SCOPE, note_refused_request
from permissions.models import ApiToken
from permissions.tokens import TokenFault


if TYPE_CHECKING:
    # Loading it loads this module, as a default of its views.
    from rest_framework.views import APIView


class HasScope(BasePermission):
    """Lets a request pass whose token has the scope that the view declares for the method.

    A view declares `scopes`, a mapping of methods to scopes. What is not declared is refused, so a
    new route is closed until somebody decides who may use it.
    """

    message = "this address declares no scope for the method, so nobody may use it"

    def has_permission(self, request: Request, view: "APIView") -> bool:
        """Return whether the token may be used for this."""
        token = request.auth
        if not isinstance(token, ApiToken):
            return False
        method = "GET" if request.method == "HEAD" else request.method
        if method not in view.allowed_methods:
            return True  # and the view answers that it does not do that
        scope = getattr(view, "scopes", {}).get(method)
        if scope is not None and scope in token.scopes:
            return True
        if scope is not None:
            self.message = f"the token lacks the scope {scope}"
        fault = TokenFault("lacks_scope", self.message)
        note_refused_request(
            request=request, kind=REFUSED_SCOPE, fault=fault, token=token, about=scope or ""
        )
        return False
