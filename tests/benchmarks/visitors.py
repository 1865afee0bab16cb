"""Who reads the trail: an auditor, and a member of ten projects; each with a token and a session."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.test import Client
from django.utils import timezone

from audit.recorder import administrative_operation
from audit.visibility import AUDITORS
from permissions.models import Scope
from permissions.tokens import NewToken, create_token, revoke_token
from tests.benchmarks.estate import ORIGIN, Estate


@dataclass(frozen=True, kw_only=True)
class Visitor:
    """Somebody who reads, as they are known to a server."""

    name: str
    user: User
    headers: Mapping[str, str]

    def client(self) -> Client:
        """Return a client that asks the same in this process."""
        return Client(headers={**self.headers, "Host": "127.0.0.1"})


@contextmanager
def visitors(estate: Estate) -> Iterator[list[Visitor]]:
    """Give both a token until the block ends."""
    people = {"auditor": _auditor(), "member": estate.light}
    User.objects.filter(pk=estate.light.pk).update(is_staff=True)
    # One that was stopped has left its tokens behind.
    name_of_run = f"benchmark of {timezone.now().isoformat()}"
    issued = {
        name: create_token(
            actor=user,
            wanted=NewToken(owner=user, name=name_of_run, scopes=[Scope.AUDIT_READ]),
            origin=ORIGIN,
        )
        for name, user in people.items()
    }
    try:
        yield [
            Visitor(name=name, user=user, headers=_headers(user, issued[name].secret))
            for name, user in people.items()
        ]
    finally:
        for name, user in people.items():
            revoke_token(actor=user, token_id=issued[name].token.pk, origin=ORIGIN)


def _auditor() -> User:
    owner = User.objects.get(username="owner")
    with administrative_operation(actor=owner, kind="add_user", origin=ORIGIN):
        auditor, _made = User.objects.get_or_create(
            username="auditor", defaults={"password": "!", "is_staff": True}
        )
        auditor.groups.add(Group.objects.get(name=AUDITORS))
    return auditor


def _headers(user: User, secret: str) -> dict[str, str]:
    client = Client()
    client.force_login(user)
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    return {
        "Authorization": f"Bearer {secret}",
        "Cookie": f"{settings.SESSION_COOKIE_NAME}={session}",
    }
