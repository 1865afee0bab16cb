"""The use of a token from a new address is an event of the trail, once for each address."""

import pytest
from django.test import Client

from audit.models import Channel, Operation
from permissions.models import ApiToken
from tests.conftest import Governed
from tests.tokens import issue


def use(secret: str, address: str) -> None:
    headers = {"Authorization": f"Bearer {secret}"}
    answer = Client(REMOTE_ADDR=address).get("/api/v2/operations", headers=headers)
    assert answer.status_code == 200


def events() -> list[str | None]:
    found = Operation.objects.filter(kind="use_token_from_new_address").order_by("created_at")
    return list(found.values_list("address", flat=True))


@pytest.mark.parametrize(
    ("addresses", "new"),
    [
        (["192.0.2.1"] * 3, []),
        (["192.0.2.1", "192.0.2.2", "192.0.2.1", "192.0.2.2"], ["192.0.2.2"]),
        (["2001:db8::1", "2001:db8::2", "2001:db8:0:1::1"], ["2001:db8:0:1::1"]),
    ],
)
def test_each_new_address_is_an_event_once(
    governed: Governed, addresses: list[str], new: list[str]
) -> None:
    secret = issue(governed.developer).secret
    for address in addresses:
        use(secret, address)
    assert events() == new


def test_the_event_says_whose_token_it_was(governed: Governed) -> None:
    issued = issue(governed.developer, name="robot")
    for address in ("192.0.2.1", "192.0.2.2"):
        use(issued.secret, address)
    event = Operation.objects.get(kind="use_token_from_new_address")
    assert (event.actor, event.token_name, event.channel) == (
        governed.developer,
        "robot",
        Channel.API,
    )
    assert ApiToken.objects.get(pk=issued.token.pk).known_addresses == ["192.0.2.1", "192.0.2.2"]


def test_only_the_newest_addresses_are_remembered(
    governed: Governed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("permissions.tokens._MOST_ADDRESSES", 2)
    secret = issue(governed.developer).secret
    for last in (1, 2, 3, 1):
        use(secret, f"192.0.2.{last}")
    assert events() == ["192.0.2.2", "192.0.2.3", "192.0.2.1"]
