"""Who calls: tokens in headers, scopes, and the rate, on a view that stands for all."""

from collections.abc import Mapping
from datetime import timedelta
from typing import ClassVar

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django.fixtures import Settings
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from audit.address import client_address
from permissions.models import ApiToken, Scope
from permissions.tokens import revoke_token
from tests.conftest import ORIGIN
from tests.tokens import issue


pytestmark = pytest.mark.django_db

SIGNATURE = "SDK-HMAC-SHA256 Access=AK, SignedHeaders=host;x-sdk-date, Signature=00"


class Probe(APIView):
    """Says who calls; declares a scope for reading and none for deleting."""

    scopes: ClassVar[Mapping[str, Scope]] = {"GET": Scope.TASKS_READ, "POST": Scope.TASKS_WRITE}

    def get(self, request: Request) -> Response:
        return Response(request.user.get_username())

    post = delete = get


@pytest.fixture
def owner() -> User:
    return User.objects.create_user("owner")


def call(method: str = "GET", **headers: str) -> Response:
    request = APIRequestFactory().generic(
        method, "/", headers={name.replace("_", "-"): value for name, value in headers.items()}
    )
    response = Probe.as_view()(request)
    assert isinstance(response, Response)
    return response


def test_either_header_says_who_calls(owner: User) -> None:
    secret = issue(owner).secret
    for headers in (
        {"Authorization": f"Bearer {secret}"},
        {"Authorization": f"bearer  {secret}"},
        {"X_Auth_Token": secret},
        {"X_Auth_Token": secret, "Authorization": SIGNATURE},
        {"X_Auth_Token": secret, "Authorization": "Bearer bh_wrong"},
    ):
        assert (call(**headers).status_code, call(**headers).data) == (200, "owner")


def test_without_a_good_token_there_is_no_way_in(owner: User) -> None:
    good = issue(owner).secret
    answers = [
        call(**headers)
        for headers in (
            {},
            {"Authorization": SIGNATURE},
            {"Authorization": f"Basic {good}"},
            {"Authorization": good},
            {"Authorization": "Bearer"},
            {"Authorization": "Bearer \xe9\udc80"},
            {"X_Auth_Token": "bh_wrong", "Authorization": f"Bearer {good}"},
            {"X_Auth_Token": "", "Authorization": f"Bearer {good}"},
            {"X_Auth_Token": f"Bearer {good}"},
        )
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert {answer["WWW-Authenticate"] for answer in answers} == {'Bearer realm="bulkhead"'}


def test_an_unknown_and_a_malformed_token_are_answered_alike() -> None:
    seen = set()
    call(Authorization="Bearer first")  # which is recorded; those that follow are counted with it
    for secret in ("bh_" + "A" * 43, "x", "bh_" + "A" * 4000, "\x00"):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            answer = call(Authorization=f"Bearer {secret}")
        seen.add((answer.status_code, str(answer.data["detail"]), len(queries)))
    assert {(status, detail) for status, detail, _ in seen} == {(401, "the token is unknown")}
    assert len(seen) == 1, "another number of queries"


def test_a_used_token_costs_one_query_besides_its_rate(owner: User) -> None:
    secret = issue(owner).secret
    call(Authorization=f"Bearer {secret}")
    with CaptureQueriesContext(connection) as queries:
        assert call(Authorization=f"Bearer {secret}").status_code == 200
    statements = [query["sql"] for query in queries]
    assert len(statements) == 2
    assert "auth_user" in statements[0]
    assert "permissions_tokenallowance" in statements[1]


def test_an_expired_a_revoked_and_an_inactive_owners_token_are_401_and_say_why(
    owner: User,
) -> None:
    secret = issue(owner).secret
    token = ApiToken.objects.get()

    def answer() -> tuple[int, str]:
        response = call(Authorization=f"Bearer {secret}")
        return response.status_code, str(response.data["detail"])

    ApiToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert answer() == (401, "the token has expired")
    ApiToken.objects.update(expires_at=None)
    User.objects.update(is_active=False)
    assert answer() == (401, "the account of the token's owner is not active")
    User.objects.update(is_active=True)
    revoke_token(actor=owner, token_id=token.pk, origin=ORIGIN)
    assert answer() == (401, "the token was revoked")


def test_a_token_from_a_wrong_network_is_401(owner: User) -> None:
    secret = issue(owner, networks=["10.0.0.0/8"]).secret
    answer = call(Authorization=f"Bearer {secret}")
    assert answer.status_code == 401
    assert str(answer.data["detail"]) == "the token is not for use from 127.0.0.1"


def test_a_scope_opens_what_declares_it_and_nothing_else(owner: User) -> None:
    read = issue(owner, name="read", scopes=[Scope.TASKS_READ]).secret
    reader = {"Authorization": f"Bearer {read}"}
    all_scopes = {"Authorization": f"Bearer {issue(owner).secret}"}
    assert call(**reader).status_code == 200
    refused = call("POST", **reader)
    assert (refused.status_code, str(refused.data["detail"])) == (
        403,
        "the token lacks the scope tasks:write",
    )
    assert call("POST", **all_scopes).status_code == 200
    undeclared = call("DELETE", **all_scopes)
    assert undeclared.status_code == 403
    assert "declares no scope" in undeclared.data["detail"]
    assert call("OPTIONS", **all_scopes).status_code == 403
    assert call("PATCH", **all_scopes).status_code == 405
    assert call("HEAD", **reader).status_code == 200


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, "", "192.0.2.1"),
        (0, "198.51.100.9", "192.0.2.1"),
        (1, "", "192.0.2.1"),
        (1, "203.0.113.5, 198.51.100.9", "198.51.100.9"),
        (2, "203.0.113.5, 198.51.100.9", "203.0.113.5"),
        (3, "203.0.113.5, 198.51.100.9", "203.0.113.5"),
        (1, "::ffff:198.51.100.9", "198.51.100.9"),
        (1, "2001:DB8::1", "2001:db8::1"),
        (1, "fe80::1%eth0", "fe80::1"),
        (1, "fe80::1%", None),
        (1, "unknown", None),
    ],
)
def test_forwarded_addresses_count_as_far_as_our_proxies_wrote_them(
    settings: Settings, proxies: int, forwarded: str, address: str | None
) -> None:
    settings.BULKHEAD_PROXIES = proxies
    meta = {"REMOTE_ADDR": "192.0.2.1", "HTTP_X_FORWARDED_FOR": forwarded}
    assert client_address(meta) == address
    assert client_address({"REMOTE_ADDR": ""}) is None
