"""Sign-ins, failed ones, and passwords that people set for themselves, as events of the trail.

Called by the site's own page of signing in, the only door that there is: Django's signals would tell the
same, but also of every session that a test or a command makes for itself. A name that nobody has is not
kept: people type passwords there.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

from django.contrib.auth.models import User
from django.db import connection
from django.http import HttpRequest
from django.utils import timezone

from audit.address import network_of
from audit.context import Origin
from audit.models import Channel, Operation
from audit.noted import note_event
from audit.recorder import new_operation
from audit.refused_attempts import attempt_key, record_refused


SIGN_IN = "sign_in"
FAILED_SIGN_IN = "failed_sign_in"
SET_PASSWORD = "set_password"  # noqa: S105 - a kind of operation


_RECORDED_HERE = "SELECT set_config('bulkhead.recorder', %s, true)"


@contextmanager
def setting_password() -> Iterator[None]:
    """Tell the database, in the open transaction, that a password set inside is recorded here.

    Those set elsewhere, a trigger records as set outside the application. Signing in sets one, too,
    where it was kept in a way that is out of date.
    """
    with connection.cursor() as cursor:
        cursor.execute(_RECORDED_HERE, ["on"])
    yield
    # After an error there is nothing to take back: the transaction takes it with it.
    with connection.cursor() as cursor:
        cursor.execute(_RECORDED_HERE, [""])


def note_attempt(*, request: HttpRequest, succeeded: bool) -> None:
    """Record that somebody signed in on the page, or failed to."""
    origin = Origin.of(request, channel=Channel.ADMIN)
    if succeeded and isinstance(request.user, User):
        note_sign_in(actor=request.user, origin=origin)
    else:
        username = request.POST.get("username", "").replace("\0", "")
        note_failed_sign_in(username=username, origin=origin)


def note_own_password(*, request: HttpRequest) -> Operation:
    """Record that somebody who is signed in set their password."""
    actor = cast("User", request.user)
    parameters = {"user": actor.get_username()}
    return note_event(
        actor=actor,
        kind=SET_PASSWORD,
        origin=Origin.of(request, channel=Channel.ADMIN),
        parameters=parameters,
    )


def note_sign_in(*, actor: User, origin: Origin) -> Operation:
    """Record that somebody signed in; whether from an address that they never came from is said."""
    former = Operation.objects.filter(actor=actor, kind=SIGN_IN)
    is_new = origin.address is not None and (
        former.exists() and not former.filter(address=origin.address).exists()
    )
    parameters = {"new_address": True} if is_new else {}
    return note_event(actor=actor, kind=SIGN_IN, origin=origin, parameters=parameters)


def note_failed_sign_in(*, username: str, origin: Origin) -> None:
    """Record that somebody failed to sign in; what is repeated within an hour is counted."""
    account = User.objects.filter(username=username).first()
    attempt = new_operation(actor=account, kind=FAILED_SIGN_IN, origin=origin, at=timezone.now())
    attempt.refusals = [{"target": "", "code": FAILED_SIGN_IN, "detail": _why_failed(account)}]
    network = network_of(origin.address) if origin.address else ""
    record_refused(
        operation=attempt,
        same=attempt_key(FAILED_SIGN_IN, network, str(account and account.pk)),
        alike=attempt_key(FAILED_SIGN_IN),
    )


def _why_failed(account: User | None) -> str:
    if account is None:
        return "nobody has the name that was typed, which is not kept"
    if not account.is_active:
        return "the account is not active"
    return "the password was wrong" if account.is_staff else "the account may not open the admin"
