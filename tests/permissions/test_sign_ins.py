"""Sign-ins are events of the trail, and failed ones do not flood it."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse
from simple_history.models import registered_models

from audit.models import Channel, Operation, RefusedAttempt, State
from tests.tokens import issue
from tests.visitors import auditor, page, save, text_of, visit


@pytest.fixture
def account(db: None) -> User:
    return User.objects.create_superuser("dana", password="correct horse")


def sign_in(username: str, password: str, **how: Any) -> int:
    form = {"username": username, "password": password}
    return Client(**how).post(reverse("admin:login"), form).status_code


def events(kind: str) -> list[Operation]:
    return list(Operation.objects.filter(kind=kind).order_by("created_at"))


def test_a_sign_in_is_an_event_of_whoever_signed_in(account: User) -> None:
    assert sign_in("dana", "correct horse", HTTP_USER_AGENT="browser") == 302
    (event,) = events("sign_in")
    assert (event.actor, event.channel, event.user_agent) == (account, Channel.ADMIN, "browser")
    assert (event.state, event.address) == (State.APPLIED, "127.0.0.1")


def test_a_sign_in_from_a_new_address_says_so(account: User) -> None:
    for address in ("192.0.2.1", "192.0.2.1", "192.0.2.2", "192.0.2.1"):
        sign_in("dana", "correct horse", REMOTE_ADDR=address)
    assert [event.parameters for event in events("sign_in")] == [{}, {}, {"new_address": True}, {}]


def test_failed_sign_ins_are_counted_and_not_repeated(account: User) -> None:
    for _ in range(3):
        assert sign_in("dana", "wrong") == 200
    (event,) = events("failed_sign_in")
    assert (event.actor, event.state) == (account, State.REFUSED)
    assert RefusedAttempt.objects.get(operation=event).times == 3
    (refusal,) = event.refusals
    assert refusal["detail"] == "the password was wrong"
    shown = text_of(visit(auditor()).get(page("audit_operation_change", event.pk)))
    # Nobody has shown to be whom they named.
    assert 'As <span class="bh-strong">dana</span>' in shown
    assert "was tried 3 times within the hour, last at <time" in shown
    assert not events("sign_in")


@pytest.mark.parametrize("username", ["hunter2hunter2", "", "a\0b", "x" * 300])
def test_a_name_that_nobody_has_is_not_kept(account: User, username: str) -> None:
    assert sign_in(username, "wrong") == 200
    (event,) = events("failed_sign_in")
    assert (event.actor, event.actor_name) == (None, "")
    assert "hunter2" not in str(Operation.objects.filter(pk=event.pk).values().get())


def make_token(client: Client) -> None:
    form = {"name": "nightly", "scopes": ["tasks:read"], "days": 3}
    client.post(reverse("admin:permissions_apitoken_add"), form)


def use_token_elsewhere(client: Client) -> None:
    issued = issue(User.objects.get(username="dana"))
    for address in ("192.0.2.1", client.defaults["REMOTE_ADDR"]):
        headers = {"Authorization": f"Bearer {issued.secret}"}
        client.get("/api/v2/operations", headers=headers, REMOTE_ADDR=address)


def fail_to_sign_in(client: Client) -> None:
    client.logout()
    client.post(reverse("admin:login"), {"username": "dana", "password": "wrong"})


def set_own_password(client: Client) -> None:
    form = {"old_password": "correct horse"}
    form |= {"new_password1": "battery staple", "new_password2": "battery staple"}
    client.post(reverse("admin:password_change"), form)


def give_group(client: Client) -> None:
    User.objects.create_superuser("another", is_staff=True)  # the last one stays what it is
    dana = User.objects.get(username="dana")
    groups = [Group.objects.create(name=name).pk for name in ("release", "guild")]
    form = {"username": "dana", "is_active": "on", "is_superuser": "on", "groups": groups}
    save(client, reverse("admin:auth_user_change", args=[dana.pk]), form)


@pytest.mark.parametrize(
    ("act", "kind", "rows"),
    [
        (make_token, "create_token", 1),
        (use_token_elsewhere, "use_token_from_new_address", 0),
        (fail_to_sign_in, "failed_sign_in", 0),
        (set_own_password, "set_password", 0),
        # Both memberships, and that the account is no staff any more.
        (give_group, "change_user", 3),
    ],
)
def test_what_happens_to_an_account_says_who_from_where_and_with_what(
    account: User, act: Callable[[Client], None], kind: str, rows: int
) -> None:
    User.objects.update(is_staff=True)
    client = Client(REMOTE_ADDR="2001:db8::7", HTTP_USER_AGENT="browser 7")
    client.force_login(account)
    act(client)
    (event,) = events(kind)
    assert (event.actor_name, event.address, event.user_agent) == (
        "dana",
        "2001:db8::7",
        "browser 7",
    )
    histories = [model.history.filter(operation=event) for model in registered_models.values()]
    assert sum(found.count() for found in histories) == rows


def test_a_password_or_digest_set_past_the_application_is_recorded_by_whose_it_is(
    account: User,
) -> None:
    former, token = account.password, issue(account, name="nightly").token
    account.set_password("battery staple")
    account.save()
    account.save()
    type(token).objects.filter(pk=token.pk).update(digest="0" * 64)
    _made, outside = events("outside_the_application")
    assert (outside.channel, outside.actor) == ("database", None)
    assert outside.parameters == {"passwords_of": ["dana"], "tokens": ["nightly"]}
    for secret in (former, account.password, "0" * 64):
        assert secret not in str(vars(outside))


def test_a_sign_in_that_keeps_the_password_in_a_better_way_sets_none(
    account: User, settings: Any
) -> None:
    better = "django.contrib.auth.hashers.PBKDF2PasswordHasher"
    settings.PASSWORD_HASHERS = [better, *settings.PASSWORD_HASHERS]
    User.objects.update(is_staff=True)
    former = account.password
    assert sign_in("dana", "correct horse") == 302
    account.refresh_from_db()
    assert account.password != former
    # By which the account was made.
    (outside,) = events("outside_the_application")
    assert outside.parameters == {}


def test_who_is_no_staff_does_not_sign_in(account: User) -> None:
    User.objects.create_user("robin", password="correct horse")
    assert sign_in("robin", "correct horse") == 200
    assert [event.actor_name for event in events("failed_sign_in")] == ["robin"]
