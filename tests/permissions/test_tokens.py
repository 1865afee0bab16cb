"""API tokens as rows: made, revoked, judged, and the command that makes one."""

import hashlib
import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.management import CommandError, call_command
from django.utils import timezone

from audit.models import Operation
from permissions.authority import MatrixAuthority
from permissions.models import ApiToken, Scope
from permissions.tokens import (
    NewToken,
    TokenFault,
    create_token,
    fault_of,
    find_token,
    note_use,
    revoke_token,
)
from tests.conftest import ORIGIN
from tests.tokens import issue


pytestmark = pytest.mark.django_db

NOT_HERE = ["the token is not for use"]


def code_of(fault: TokenFault | None) -> str:
    return fault.code if fault else ""


@pytest.fixture
def owner() -> User:
    return User.objects.create_user("owner")


def test_a_token_is_random_and_only_its_digest_and_end_are_stored(owner: User) -> None:
    issued = issue(owner)
    assert re.fullmatch(r"bh_[A-Za-z0-9_-]{43}", issued.secret)
    token = ApiToken.objects.get(pk=issued.token.pk)
    assert token.digest == hashlib.sha256(issued.secret.encode()).hexdigest()
    assert token.hint == issued.secret[-4:]
    everything = repr(
        (issued, vars(token), *Operation.objects.values(), *ApiToken.history.values())
    )
    assert issued.secret not in everything
    assert find_token(issued.secret) == token


def test_making_and_revoking_are_operations_with_a_history_row_each(owner: User) -> None:
    token = issue(owner).token
    revoke_token(actor=owner, token_id=token.pk, origin=ORIGIN)
    rows = ApiToken.history.filter(id=token.pk).order_by("history_id")
    assert [(row.operation.kind, row.operation.actor) for row in rows] == [
        ("create_token", owner),
        ("revoke_token", owner),
    ]
    assert [row.revoked_at is None for row in rows] == [True, False]


def test_revoking_again_keeps_the_first_time_and_writes_no_history(owner: User) -> None:
    token = issue(owner).token
    first = revoke_token(actor=owner, token_id=token.pk, origin=ORIGIN).revoked_at
    assert revoke_token(actor=owner, token_id=token.pk, origin=ORIGIN).revoked_at == first
    assert ApiToken.history.filter(id=token.pk).count() == 2


def test_only_its_owner_and_superusers_manage_a_token(owner: User) -> None:
    outsider = User.objects.create_user("outsider")
    admin = User.objects.create_superuser("admin")
    wanted = NewToken(owner=owner, name="theirs", scopes=[Scope.TASKS_READ])
    with pytest.raises(PermissionDenied):
        create_token(actor=outsider, wanted=wanted, origin=ORIGIN)
    token = create_token(actor=admin, wanted=wanted, origin=ORIGIN).token
    with pytest.raises(PermissionDenied):
        revoke_token(actor=outsider, token_id=token.pk, origin=ORIGIN)
    assert revoke_token(actor=admin, token_id=token.pk, origin=ORIGIN).revoked_at


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"scopes": []}, "scopes"),
        ({"scopes": ["everything"]}, "scopes"),
        ({"networks": ["10.0.0.0/40"]}, "networks"),
        ({"networks": ["10.0.0.1/8"]}, "networks"),
        ({"networks": ["home"]}, "networks"),
        ({"networks": ["fe80::%eth0/64"]}, "networks"),
        ({"expires_at": timezone.now() - timedelta(days=1)}, "expires_at"),
    ],
)
def test_a_token_that_cannot_be_is_refused_by_field(
    owner: User, wanted: dict[str, Any], field: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        issue(owner, **wanted)
    assert list(refused.value.message_dict) == [field]
    assert not ApiToken.objects.exists()
    assert not Operation.objects.filter(kind="create_token").exists()


def test_a_name_is_free_again_once_its_token_is_revoked(owner: User) -> None:
    token = issue(owner).token
    with pytest.raises(ValidationError):
        issue(owner)
    revoke_token(actor=owner, token_id=token.pk, origin=ORIGIN)
    assert issue(owner).token.pk != token.pk


@pytest.mark.parametrize(
    ("networks", "address", "faults"),
    [
        ([], None, []),
        (["10.0.0.0/8"], "10.1.2.3", []),
        (["10.0.0.0/8"], "11.1.2.3", NOT_HERE),
        (["10.0.0.0/8", "2001:db8::/32"], "2001:db8::1", []),
        (["2001:db8::/32"], "2001:db9::1", NOT_HERE),
        (["0.0.0.0/0"], "2001:db8::1", NOT_HERE),
        (["192.0.2.7"], "192.0.2.7", []),
        (["10.0.0.0/8"], None, NOT_HERE),
    ],
)
def test_a_token_is_good_inside_its_networks_alone(
    owner: User, networks: list[str], address: str | None, faults: list[str]
) -> None:
    token = issue(owner, networks=networks).token
    fault = fault_of(token=token, at=timezone.now(), address=address)
    assert (fault.detail.split(" from ")[:1] if fault else []) == faults
    valid = MatrixAuthority().token_is_valid(token_id=token.pk, at_address=address)
    assert valid is not bool(faults)


def test_a_token_ends_when_it_expires_or_its_owner_becomes_inactive(owner: User) -> None:
    token = issue(owner, expires_at=timezone.now() + timedelta(days=1)).token
    soon, later = timezone.now(), timezone.now() + timedelta(days=2)
    assert fault_of(token=token, at=soon, address=None) is None
    assert code_of(fault_of(token=token, at=later, address=None)) == "token_expired"
    owner.is_active = False
    owner.save()
    token.refresh_from_db()
    assert code_of(fault_of(token=token, at=soon, address=None)) == "owner_inactive"
    assert not MatrixAuthority().token_is_valid(token_id=token.pk, at_address=None)


def test_a_revoked_or_unknown_token_is_not_valid_for_the_worker(owner: User) -> None:
    token = issue(owner).token
    assert MatrixAuthority().token_is_valid(token_id=token.pk, at_address=None)
    revoke_token(actor=owner, token_id=token.pk, origin=ORIGIN)
    assert not MatrixAuthority().token_is_valid(token_id=token.pk, at_address=None)
    assert not MatrixAuthority().token_is_valid(token_id=token.pk + 1, at_address=None)


def test_last_use_is_noted_every_five_minutes_at_most(owner: User) -> None:
    token, start = issue(owner).token, timezone.now()
    for minutes, address in ((0, "192.0.2.1"), (4, "192.0.2.2"), (6, "192.0.2.3")):
        token.refresh_from_db()
        note_use(token=token, at=start + timedelta(minutes=minutes), address=address)
        if minutes == 4:
            token.refresh_from_db()
            assert (token.last_used_at, token.last_used_address) == (start, "192.0.2.1")
    token.refresh_from_db()
    assert token.last_used_address == "192.0.2.3"
    assert ApiToken.history.filter(id=token.pk).count() == 1


@pytest.mark.usefixtures("owner")
def test_the_command_prints_the_token_alone(capsys: pytest.CaptureFixture[str]) -> None:
    call_command(
        *("create_api_token", "owner", "--name", "robot", "--days", "30"),
        *("--scope", "tasks:read", "--scope", "audit:read", "--network", "10.0.0.0/8"),
    )
    printed = capsys.readouterr().out
    token = find_token(printed.removesuffix("\n"))
    assert token is not None
    assert token.scopes == ["audit:read", "tasks:read"]
    assert token.networks == ["10.0.0.0/8"]
    assert token.expires_at
    assert 29 <= (token.expires_at - timezone.now()).days <= 30


@pytest.mark.usefixtures("owner")
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nobody", "--name", "n", "--scope", "tasks:read"], "no active user 'nobody'"),
        (["owner", "--name", "n", "--scope", "all"], "all. There are: settings:write, permissions"),
        (["owner", "--name", "n", "--scope", "tasks:read", "--days", "0"], "--days must be"),
        (["owner", "--name", " ", "--scope", "tasks:read"], "cannot be blank"),
        (["owner", "--name", "n", "--scope", "tasks:read", "--network", "x"], "x"),
    ],
)
def test_the_command_says_what_is_wrong(arguments: list[str], says: str) -> None:
    with pytest.raises(CommandError, match=re.escape(says)) as refused:
        call_command("create_api_token", *arguments)
    assert refused.value.returncode == 1
    assert not ApiToken.objects.exists()
