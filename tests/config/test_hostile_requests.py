"""Whatever is sent to a page of the admin: an answer, and never an error of ours."""

import re
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

from django.conf import settings
from django.db import transaction
from django.test import Client
from django.urls import reverse

from tests.admin_world import addresses, pages, populate
from tests.conftest import Governed
from tests.visitors import visit


# No text, no number, a number that is none to Python, and one that is none to the database.
HOSTILE = ("\0", "--1:9", "9" * 5_000, "9" * 20)
# What no text is that the database keeps, and no key; what is too deep, and a number to Python alone.
UNFINDABLE = ("\0", "9" * 20)
UNFINDABLE_SETTINGS = (".".join("a" * 500), "[" * 2_000, "1e999")
# What pages read besides the fields that they show.
READ_BESIDES = [
    "_selected_action",
    "select_across",
    "index",
    "page",
    "p",
    "o",
    "e",
    "q",
    "changed",
    "refused",
    "refused_page",
    "warning",
    "outcome",
    "types",
    "text",
    "seen",
    "at",
    "compared_with",
    "since",
    "format",
    "as",
    "overwrite",
    "apply",
    "fingerprint",
    "mark",
    "grant",
    "revoke",
    "user",
    "flag",
    "project__id__exact",
    "task_type__id__exact",
    "enabled__exact",
    "updated_at_from_0",
]
FIELD = re.compile(r'<(?:input|select|textarea)\b[^>]*\bname="([^"]+)"')


def names_on(shown: Any) -> list[str]:
    """Return the names of the fields that the page shows, and of what it reads besides."""
    is_page = shown.status_code == 200 and "html" in shown.headers["Content-Type"]
    found = set(FIELD.findall(shown.content.decode())) if is_page else set()
    return sorted({*READ_BESIDES, *found} - {"csrfmiddlewaretoken"})


def bodies(names: Sequence[str], value: str) -> list[dict[str, str]]:
    """Return the value in all fields at once; and with an action that is offered, past which is more."""
    hostile = dict.fromkeys(names, value)
    further = [{"action": "disable"}, {"action": "restore"}] if "action" in names else []
    return [{**hostile, **more} for more in ({}, *further)]


def failures(client: Client, address: str, shown: Any) -> Iterator[str]:
    """Send every hostile value to the page; yield what it failed at."""
    session, names = client.cookies[settings.SESSION_COOKIE_NAME].value, names_on(shown)
    # 405 says that the page only takes what is sent.
    for value in HOSTILE if shown.status_code in {200, 405} else HOSTILE[:1]:
        sent = bodies(names, value)
        for method, body in [("GET", sent[0]), *(("POST", each) for each in sent)]:
            before = transaction.savepoint()
            answer = client.get(address, body) if method == "GET" else client.post(address, body)
            if answer.status_code >= 500:
                yield f"{method} {address} {value[:9]!r}"
            transaction.savepoint_rollback(before)
            # Whoever was signed out by it has not been.
            client.cookies[settings.SESSION_COOKIE_NAME] = session


def test_no_page_fails_whatever_is_sent(governed: Governed) -> None:
    populate(governed, tasks=2)
    visitors = [visit(governed.manager), visit(governed.admin)]
    failed: list[str] = []
    for address in addresses(governed).values():
        for client in visitors:
            client.raise_request_exception = False
            shown = client.get(address)
            if shown.status_code in {200, 405}:
                break
        failed += failures(client, address, shown)
    assert failed == []


def lists(client: Client) -> Iterator[tuple[str, set[str]]]:
    """Yield the address of every list, and what its filters and its search are asked by."""
    for shown in pages():
        if shown.name.endswith("_changelist"):
            address = reverse(f"admin:{shown.name}")
            filters = client.get(address).context["cl"].filter_specs
            names = {name for each in filters for name in each.expected_parameters()}
            yield address, {*names, "q"}


def test_no_filter_fails_whatever_is_looked_for(governed: Governed) -> None:
    populate(governed, tasks=2)
    client = visit(governed.admin)
    client.raise_request_exception = False
    failed = set()
    for address, names in lists(client):
        wanted = [{name: value} for name, value in product(names, UNFINDABLE)]
        for value in UNFINDABLE_SETTINGS if "setting" in names else ():
            wanted += [{"setting": value}, {"setting": "a", "setting_value": value}]
        for query in wanted:
            before = transaction.savepoint()
            if client.get(address, query).status_code >= 500:
                failed.add(f"{address} {str(query)[:40]}")
            transaction.savepoint_rollback(before)
    assert failed == set()
