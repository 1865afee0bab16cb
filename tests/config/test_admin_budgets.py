"""Every page of the admin loads for every persona, at a price that is written down and does not grow."""

import json
import os
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
import pytest_django
from django.db import connection
from django.test import Client, TestCase
from django.test.utils import CaptureQueriesContext

from audit.admin.paginator import BoundedPaginator
from tasks import extent
from tasks.admin.tasks import TaskPaginator
from tests.admin_world import EXEMPT, addresses, grow, pages, populate
from tests.conftest import build_governed
from tests.visitors import PERSONAS, persona, visit


# For the database to be there; each test only looks at what was measured.
pytestmark = pytest.mark.django_db
BUDGETS = Path(__file__).parents[1] / "admin_budgets.toml"
_WRITE = "BULKHEAD_WRITE_BUDGETS"
_HEAD = f"""\
# How each page of the admin answers, and in how many queries, for: {", ".join(PERSONAS)}.
# Two queries are for the session and the user. To write down what has changed, and read the difference:
# {_WRITE}=1 pytest tests/config/test_admin_budgets.py

"""
# These two see most; everybody's queries are counted once there is more.
_COUNTED_BEFORE = ("superuser", "manager")

# What counts what it shows, and estimates where that is too much: the lists, and what is made of them.
_COUNTING = ("_changelist", "index", "_export_list")
# Too much, for the third look.
_BOUND = 10
_OFTEN_CLOSED = ("_add", "_delete", "_history", "_undo_permissions", "_checkpoint")

Answers = Mapping[str, Mapping[str, str]]


class Measured(NamedTuple):
    """How every page answers where there is little, where there is much, and where that is estimated.

    `counted` is the home page of who sees so few tasks among many that they are counted.
    """

    before: Answers
    after: Answers
    estimated: Answers
    counted: Mapping[str, str]
    tasks_are_bounded: bool


class World(TestCase):
    """One transaction, which is rolled back in the end."""


@pytest.fixture(scope="module")
def measured(django_db_setup: None, django_db_blocker: pytest_django.DjangoDbBlocker) -> Measured:
    """How every page answers, in a small world and then in a larger one."""
    with django_db_blocker.unblock():
        World.setUpClass()
        try:
            return _measure()
        finally:
            World.tearDownClass()
            World.doClassCleanups()


def _measure() -> Measured:
    governed = build_governed()
    populate(governed, tasks=2)
    asked = addresses(governed)
    visitors = {name: visit(persona(name, governed=governed)) for name in PERSONAS}
    few = {name: visitors[name] for name in _COUNTED_BEFORE}
    for address in asked.values():  # what is found out once per process is not counted
        visitors["superuser"].get(address)
    before = {page: _answers(few, address) for page, address in asked.items()}
    grow(governed)
    after = {page: _answers(visitors, address) for page, address in asked.items()}
    if os.environ.get(_WRITE):
        _write_down(after)
    lists = {page: address for page, address in asked.items() if page.endswith(_COUNTING)}
    with _low_bounds():
        estimated = {page: _answers(few, address) for page, address in lists.items()}
        shown = visitors["manager"].get(asked["tasks_task_changelist"]).context["cl"]
        bounded = shown.paginator.is_bounded
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(extent, "DRAWN", 10)
        counted = _answers(few, asked["index"])
    return Measured(before, after, estimated, counted, bounded)


@contextmanager
def _low_bounds() -> Iterator[None]:
    """Let a hundred be so many that the lists and the home page estimate, as they do of a million."""
    with pytest.MonkeyPatch.context() as patch:
        for paginator in (BoundedPaginator, TaskPaginator):
            patch.setattr(paginator, "bound", _BOUND)
        patch.setattr(extent, "DRAWN", 60)
        patch.setattr(extent, "MOST_COUNTED", 0)
        yield


def _answers(visitors: Mapping[str, Client], address: str) -> dict[str, str]:
    found = {}
    for name, client in visitors.items():
        with CaptureQueriesContext(connection) as queries:
            response = client.get(address)
            response.getvalue()  # what is streamed asks while it is read
        found[name] = f"{response.status_code}: {len(queries)}"
    return found


def _write_down(answers: Answers) -> None:
    lines = (
        f"{page} = {json.dumps(list(of_page.values()))}\n"
        for page, of_page in sorted(answers.items())
    )
    BUDGETS.write_text(_HEAD + "".join(lines))


@pytest.mark.parametrize("page", [each.name for each in pages()])
def test_a_page_answers_each_persona_at_the_price_that_is_written_down(
    measured: Measured, page: str
) -> None:
    after = measured.after
    budget = tomllib.loads(BUDGETS.read_text()).get(page)
    assert list(after[page].values()) == budget, f"see the head of {BUDGETS.name}"


@pytest.mark.parametrize("page", [each.name for each in pages()])
def test_a_pages_price_does_not_grow_with_what_there_is(measured: Measured, page: str) -> None:
    before, after = measured.before, measured.after
    assert {name: after[page][name] for name in _COUNTED_BEFORE} == before[page]


def test_a_list_costs_the_same_whether_its_rows_are_counted_or_estimated(
    measured: Measured,
) -> None:
    assert measured.tasks_are_bounded
    assert measured.estimated == {page: measured.before[page] for page in measured.estimated}


def test_home_takes_at_most_two_more_queries_where_it_counts_few_tasks_among_many(
    measured: Measured,
) -> None:
    price, counting = (
        {name: int(answer.removeprefix("200: ")) for name, answer in answers.items()}
        for answers in (measured.before["index"], measured.counted)
    )
    more = {name: counting[name] - price[name] for name in price}
    assert more == {"superuser": 1, "manager": 2}


def test_no_page_fails_and_each_is_opened_by_somebody(measured: Measured) -> None:
    after = measured.after
    statuses = {answer[:3] for answers in after.values() for answer in answers.values()}
    assert statuses <= {"200", "302", "403", "404", "405"}
    closed = {
        page
        for page, answers in after.items()
        if not any(answer.startswith(("200", "405")) for answer in answers.values())
    }
    # Nobody deletes; what is not added by hand and has no history of its own is not opened so. The
    # operation that is asked about is of tasks, and not of a project's permissions. Nothing is sealed.
    assert {page for page in closed if not page.endswith(_OFTEN_CLOSED)} == set()


def test_the_budgets_and_the_exemptions_name_pages_that_there_are() -> None:
    names = {each.name for each in pages()}
    assert tomllib.loads(BUDGETS.read_text()).keys() == names
    assert not EXEMPT.keys() & names
