"""What the figures must reach, and what must be the same for few tasks and for many."""

import tomllib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from tests.benchmarks.timing import Result


_RATIOS = {
    ("settings", 10_000): 2.0,
    ("permissions", 10_000): 2.5,
    ("sealing/meanwhile", 10_000): 1.05,
}
_SCALES = ("settings", "permissions")
_FASTER_THAN_GUARDIAN = 100
_SECONDS = {
    "get_objects_for_user/light/count": 0.150,
    "get_objects_for_user/light/page": 0.100,
    "visible_tasks/light/count": 0.150,
    "visible_tasks/light/page": 0.100,
    "has_perm/light": 0.003,
    "has_perm/heavy": 0.003,
    "admin/home/heavy": 0.300,
    "admin/home/light": 0.300,
    "admin/list/light": 0.300,
    **{
        f"admin/preview{what}": seconds
        for change in ("", "/permissions", "/copies", "/restored")
        for what, seconds in ((change, 3.0), (f"{change}/next", 0.300))
    },
}
# What auditors and members ask of a long history: one filter at a time, and pages of large operations.
_SECONDS_OF = {"timeline": 0.300, "operations": 0.300, "events": 0.300, "operation": 0.500}
# A page that asks as much as another, of which the visitor sees many times as many tasks. The home page
# does not: it counts what a sample shows to be few.
_ALIKE = {"admin/list/light": "admin/list/heavy"}
# What a page asks where there are a hundred tasks: the budget of the manager, who is a member as well.
BUDGETS = Path(__file__).parents[1] / "admin_budgets.toml"
_MANAGER = 1
_BUDGET_OF = {"admin/list/light": "tasks_task_changelist"}
_ROWS_PER_SECOND = {"verification": 50_000, "export/jsonl": 20_000, "export/csv": 20_000}
_MEBIBYTES_OF_EXPORT = 150
_MEBIBYTES = 250
# Two best times differ by so much although nothing has changed.
_NOISE = 1.1


def missed(results: Sequence[Result]) -> Iterator[str]:
    """Yield each target that the results do not reach."""
    for result in results:
        yield from _missed_by(result)
    for name in _SCALES:
        yield from _missed_by_scale([result for result in results if result.name == name])
    yield from _growing_statements(results)


def _missed_by(result: Result) -> Iterator[str]:
    case = f"{result.name}, n={result.n}"
    if result.ratio > (limit := _RATIOS.get((result.name, result.n), result.ratio)):
        yield f"{case}: {result.ratio:.2f} times the floor, not {limit}"
    if result.name.startswith("guardian/") and result.ratio < _FASTER_THAN_GUARDIAN:
        yield f"{case}: {result.ratio:.0f} times our time, not {_FASTER_THAN_GUARDIAN}"
    if result.seconds > (limit := _limit(result)):
        yield f"{case}: {result.seconds * 1000:.1f} ms, not {limit * 1000:.0f}"
    if result.name.startswith("export/") and result.peak_mib > _MEBIBYTES_OF_EXPORT:
        yield f"{case}: a worker took {result.peak_mib:.0f} MiB, not {_MEBIBYTES_OF_EXPORT}"
    rate = result.n / result.seconds
    if rate < (limit := _ROWS_PER_SECOND.get(result.name, rate)):
        yield f"{case}: {rate:,.0f} rows a second, not {limit:,}"


def _limit(result: Result) -> float:
    case, _, asked = result.name.partition("/")
    if case == "trail" and " and " not in asked:
        page = asked.split("/")[1]
        return _SECONDS_OF.get(page, result.seconds)
    return _SECONDS.get(result.name, result.seconds)


def _missed_by_scale(results: Sequence[Result]) -> Iterator[str]:
    for small, large in pairwise(results):
        case = f"{large.name}, from n={small.n} to {large.n}"
        if large.seconds / small.seconds > large.n / small.n * _NOISE:
            yield f"{case}: time grew {large.seconds / small.seconds:.1f}-fold"
        if large.peak_mib > _MEBIBYTES:
            yield f"{case}: a worker took {large.peak_mib:.0f} MiB"


def _growing_statements(results: Sequence[Result]) -> Iterator[str]:
    """Yield where the number of statements is another for more tasks."""
    numbers: dict[str, dict[str, int]] = defaultdict(dict)
    budgets = tomllib.loads(BUDGETS.read_text())
    for result in results:
        name = _ALIKE.get(result.name, result.name)
        numbers[name][f"{result.name}, n={result.n}"] = result.statements
        if page := _BUDGET_OF.get(result.name):
            _, _, statements = budgets[page][_MANAGER].partition(": ")
            numbers[name]["a hundred tasks"] = int(statements)
    for name, found in numbers.items():
        if len(set(found.values())) > 1:
            told = "; ".join(f"{statements} for {case}" for case, statements in found.items())
            yield f"{name}: the number of statements differs: {told}"
