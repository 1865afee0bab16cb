"""What was refused at the door is in the trail: whose token it was, if anyone's, and how often."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django.fixtures import Settings

from audit import refused_attempts
from audit.models import Channel, Operation, RefusedAttempt, State
from permissions.models import ApiToken, Scope
from permissions.tokens import revoke_token
from tests.conftest import ORIGIN
from tests.tasks.test_secrets import tables_with
from tests.tokens import issue


UNKNOWN = "bh_planted-5d0e11c7"


@pytest.fixture
def owner(db: None) -> User:
    return User.objects.create_user("owner")


def ask(secret: str, *, times: int = 1, path: str = "operations", **how: str) -> int:
    headers = {"Authorization": f"Bearer {secret}"}
    client = Client(headers=headers, **how)  # type: ignore[arg-type]  # the stubs know no environment
    return [client.get(f"/api/v2/{path}").status_code for _ in range(times)][-1]


def told() -> list[tuple[str, str, int]]:
    """Return of each refused attempt its kind, its reason and how often it was made, oldest first."""
    found = Operation.objects.filter(state=State.REFUSED).order_by("created_at", "pk")
    return [
        (each.kind, each.refusals[0]["code"], each.attempt.times)
        for each in found.select_related("attempt")
    ]


def revoke(token: ApiToken) -> None:
    revoke_token(actor=token.owner, token_id=token.pk, origin=ORIGIN)


def expire(token: ApiToken) -> None:
    ApiToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))


def deactivate(token: ApiToken) -> None:
    User.objects.filter(pk=token.owner_id).update(is_active=False)


def confine(token: ApiToken) -> None:
    ApiToken.objects.update(networks=["10.0.0.0/8"])


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (revoke, "token_revoked"),
        (expire, "token_expired"),
        (deactivate, "owner_inactive"),
        (confine, "wrong_network"),
    ],
)
def test_a_token_that_may_not_be_used_is_an_attempt_of_its_owners(
    owner: User, spoil: Callable[[ApiToken], None], code: str
) -> None:
    issued = issue(owner, name="nightly")
    spoil(issued.token)
    assert ask(issued.secret, times=3, HTTP_USER_AGENT="curl", REMOTE_ADDR="192.0.2.9") == 401
    assert told() == [("refused_token", code, 3)]
    attempt = Operation.objects.get(kind="refused_token")
    assert (attempt.actor, attempt.token_name, attempt.channel) == (owner, "nightly", Channel.API)
    assert (attempt.address, attempt.user_agent) == ("192.0.2.9", "curl")
    assert attempt.parameters == {"method": "GET", "address": "/api/v2/operations"}
    assert tables_with(issued.secret) == set()


def test_an_unknown_token_is_nobodys_attempt_and_is_kept_in_no_form(owner: User) -> None:
    assert ask(UNKNOWN, times=2) == ask(UNKNOWN + "x") == 401
    assert told() == [("refused_token", "token_unknown", 3)]
    assert Operation.objects.get(kind="refused_token").actor_name == ""
    assert tables_with(UNKNOWN) == set()


def test_a_missing_scope_and_too_many_requests_are_attempts(
    owner: User, settings: Settings
) -> None:
    secret = issue(owner, scopes=[Scope.TASKS_READ]).secret
    for path in ("operations", "audit/events", "audit/access"):
        assert ask(secret, path=path) == 403
    settings.BULKHEAD_RATE = (1, timedelta(hours=1))
    wide = issue(owner, name="wide").secret
    assert (ask(wide), ask(wide, times=2)) == (200, 429)
    assert told() == [("refused_scope", "lacks_scope", 3), ("refused_rate", "rate_exceeded", 2)]


def test_addresses_are_told_apart_and_those_of_one_machine_are_not(owner: User) -> None:
    for address in ("192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2"):
        ask(UNKNOWN, REMOTE_ADDR=address)
    assert [times for *_, times in told()] == [1, 1, 2]


def test_a_noisy_kind_neither_fills_the_trail_nor_hides_another(
    owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refused_attempts, "MOST_OF_NOBODY", 2)
    monkeypatch.setattr(refused_attempts, "MOST_DIFFERENT", 1)
    for last in range(6):
        ask(UNKNOWN, REMOTE_ADDR=f"192.0.2.{last}")
    secret = issue(owner, scopes=[Scope.TASKS_READ]).secret
    for last in range(4):
        ask(secret, REMOTE_ADDR=f"192.0.2.{last}")
    revoke(ApiToken.objects.get())
    ask(secret)
    counts = [(kind, times) for kind, _, times in told()]
    assert counts[:3] == [("refused_token", 1), ("refused_token", 1), ("refused_token", 4)]
    assert counts[3:] == [("refused_scope", 1), ("refused_scope", 3), ("refused_token", 1)]


def test_a_flood_is_counted_with_few_writes(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    ask(UNKNOWN)
    RefusedAttempt.objects.update(times=5_000)
    for drawn, counted in ((49, 5_000), (0, 5_050)):
        monkeypatch.setattr("secrets.randbelow", lambda _, drawn=drawn: drawn)
        with CaptureQueriesContext(connection) as queries:
            ask(UNKNOWN)
        assert RefusedAttempt.objects.get().times == counted
        written = [query["sql"] for query in queries if "INSERT" in query["sql"]]
        assert bool(written) is (counted != 5_000)


def test_a_hammering_caller_is_still_answered_when_nothing_can_be_recorded(
    owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("audit.attempt_queries.COUNT_ATTEMPT", "SELECT 1 / 0")
    assert ask(UNKNOWN) == 401
    assert told() == []
