"""How often a token may be used, counted for all processes together."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import F
from pytest_django.fixtures import Settings
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from permissions.api.throttling import TokenRateThrottle
from permissions.models import ApiToken, TokenAllowance
from tests.tokens import issue


pytestmark = pytest.mark.django_db


@pytest.fixture
def owner() -> User:
    return User.objects.create_user("owner")


def use(token: ApiToken) -> TokenRateThrottle | None:
    """Use the token once; return the throttle that refused, or None if the use was allowed."""
    request = Request(APIRequestFactory().get("/"))
    request.auth = token
    throttle = TokenRateThrottle()
    return None if throttle.allow_request(request, APIView()) else throttle


def passed(token: ApiToken, times: int) -> list[bool]:
    return [use(token) is None for _ in range(times)]


def pass_time(by: timedelta) -> None:
    """Let the time pass for the buckets alone."""
    TokenAllowance.objects.update(full_at=F("full_at") - by)


def test_a_bucket_is_emptied_at_once_and_fills_evenly(owner: User, settings: Settings) -> None:
    settings.BULKHEAD_RATE = (3, timedelta(minutes=1))
    token = issue(owner).token
    assert passed(token, 4) == [True, True, True, False]
    pass_time(timedelta(seconds=20))
    assert passed(token, 2) == [True, False]
    pass_time(timedelta(hours=1))
    assert passed(token, 4) == [True, True, True, False]


def test_a_refusal_says_how_long_to_wait_and_costs_nothing(owner: User, settings: Settings) -> None:
    settings.BULKHEAD_RATE = (3, timedelta(minutes=1))
    token = issue(owner).token
    passed(token, 3)
    full_at = TokenAllowance.objects.get().full_at
    for _ in range(5):
        refused = use(token)
        assert refused is not None
        wait = refused.wait()
        assert wait is not None
        assert 15 <= wait <= 20
    assert TokenAllowance.objects.get().full_at == full_at


def test_the_wait_is_never_less_than_a_second(owner: User, settings: Settings) -> None:
    settings.BULKHEAD_RATE = (600, timedelta(minutes=1))
    token = issue(owner).token
    passed(token, 600)
    while (refused := use(token)) is None:
        continue  # the bucket fills while it is being emptied
    assert refused.wait() == 1.0


def test_tokens_do_not_share_their_rate(owner: User, settings: Settings) -> None:
    settings.BULKHEAD_RATE = (1, timedelta(minutes=1))
    for name in ("one", "two"):
        assert passed(issue(owner, name=name).token, 2) == [True, False]


@pytest.mark.django_db(transaction=True)
def test_many_at_once_get_no_more_than_the_rate(owner: User, settings: Settings) -> None:
    settings.BULKHEAD_RATE = (20, timedelta(hours=1))
    token = issue(owner).token

    def use_ten_times(_: int) -> int:
        try:
            return passed(token, 10).count(True)
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=8) as pool:
        assert sum(pool.map(use_ten_times, range(8))) == 20


def test_the_table_of_rates_does_not_wait_for_the_disk() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relpersistence FROM pg_class WHERE relname = 'permissions_tokenallowance'"
        )
        assert cursor.fetchone() == ("u",)
