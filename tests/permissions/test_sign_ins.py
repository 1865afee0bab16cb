"""Sign-ins are events of the trail, and failed ones do not flood it."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from audit.models import Channel, Operation, RefusedAttempt, State


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
    assert not events("sign_in")


@pytest.mark.parametrize("username", ["hunter2hunter2", "", "a\0b", "x" * 300])
def test_a_name_that_nobody_has_is_not_kept(account: User, username: str) -> None:
    assert sign_in(username, "wrong") == 200
    (event,) = events("failed_sign_in")
    assert (event.actor, event.actor_name) == (None, "")
    assert "hunter2" not in str(Operation.objects.filter(pk=event.pk).values().get())


def test_who_is_no_staff_does_not_sign_in(account: User) -> None:
    User.objects.create_user("robin", password="correct horse")
    assert sign_in("robin", "correct horse") == 200
    assert [event.actor_name for event in events("failed_sign_in")] == ["robin"]
