"""What the figures are held to, whatever they are."""

import tomllib
from dataclasses import replace

from tests.benchmarks.targets import BUDGETS, missed
from tests.benchmarks.timing import Result


QUICK = Result(
    name="", n=100, seconds=0.01, floor_seconds=0.01, ratio=1, statements=9, peak_mib=100
)


def budget_of_list() -> int:
    """Return how many statements the list of tasks takes a manager of a hundred."""
    answer = tomllib.loads(BUDGETS.read_text())["tasks_task_changelist"][1]
    return int(answer.removeprefix("200: "))


def test_a_case_that_asks_more_of_more_tasks_misses() -> None:
    few = replace(QUICK, name="admin/preview/next")
    many = replace(few, n=10_000)
    assert list(missed([few, many])) == []
    (told,) = missed([few, replace(many, statements=10)])
    assert told == (
        "admin/preview/next: the number of statements differs:"
        " 9 for admin/preview/next, n=100; 10 for admin/preview/next, n=10000"
    )


def test_the_list_asks_as_much_of_a_million_as_of_a_hundred_tasks_whoever_looks() -> None:
    light, heavy = (
        replace(QUICK, name=f"admin/list/{who}", n=1_000_000, statements=budget_of_list())
        for who in ("light", "heavy")
    )
    assert list(missed([light, heavy])) == []
    assert len(list(missed([light, replace(heavy, statements=heavy.statements + 1)]))) == 1
    more = [replace(each, statements=each.statements + 1) for each in (light, heavy)]
    (told,) = missed(more)
    assert "a hundred tasks" in told
