"""How often a token may be used, counted where all processes see it."""

from typing import TYPE_CHECKING

from django.conf import settings
from django.db import connection
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from permissions import queries
from permissions.api.refused import REFUSED_RATE, note_refused_request
from permissions.models import ApiToken
from permissions.tokens import TokenFault


if TYPE_CHECKING:
    # Loading it loads this module, as a default of its views.
    from rest_framework.views import APIView


_FAULT = TokenFault("rate_exceeded", "the token was used more often than it may be")


class TokenRateThrottle(BaseThrottle):
    """A bucket per token: holds the count of `BULKHEAD_RATE`, refilled evenly over its period.

    Unlike a counter per minute, it never lets twice the count pass around the turn of a minute.
    """

    _wait: float | None = None

    def allow_request(self, request: Request, view: "APIView") -> bool:
        """Take one from the token's bucket; return whether there was one."""
        del view
        if not isinstance(request.auth, ApiToken):
            return True  # nobody without a token gets this far, except where everybody may
        count, period = settings.BULKHEAD_RATE
        with connection.cursor() as cursor:
            cursor.execute(
                queries.SPEND_ALLOWANCE,
                {"token": request.auth.pk, "each": str(period / count), "period": str(period)},
            )
            spent, wait = cursor.fetchone()
        if spent:
            return True
        self._wait = wait.total_seconds()
        note_refused_request(request=request, kind=REFUSED_RATE, fault=_FAULT, token=request.auth)
        return False

    def wait(self) -> float | None:
        """Return the seconds until the bucket holds one again."""
        return self._wait
