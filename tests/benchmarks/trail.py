"""Reading a long history over HTTP: lists with every filter, pages of large operations, and the past.

Each is compared with reading the fifty newest operations, which no list can do without.
"""

from collections.abc import Iterator
from itertools import chain

from audit.models import Operation
from audit.visibility import may_audit
from tests.benchmarks.estate import Estate
from tests.benchmarks.history import LongHistory
from tests.benchmarks.questions import (
    Ground,
    Question,
    of_auditors,
    of_lists,
    of_operations,
    of_the_past,
)
from tests.benchmarks.server import Server, serving
from tests.benchmarks.timing import Result, alternate, counting
from tests.benchmarks.visitors import Visitor, visitors


_NEWEST = 50


def measure_trail(*, estate: Estate, history: LongHistory, rounds: int) -> Iterator[Result]:
    """Measure every question, as an auditor and as a member of ten projects."""
    with visitors(estate) as people, serving(token="") as server:
        for visitor in people:
            for question in _questions(visitor, estate, history):
                yield _measure(question, visitor, server, history=history, rounds=rounds)


def _questions(visitor: Visitor, estate: Estate, history: LongHistory) -> Iterator[Question]:
    ground = Ground.of(person=visitor.user, estate=estate, history=history)
    yield from chain(of_lists(ground), of_operations(ground), of_the_past(ground))
    if may_audit(actor=visitor.user):
        yield from of_auditors(ground, estate)


def _measure(
    question: Question, visitor: Visitor, server: Server, *, history: LongHistory, rounds: int
) -> Result:
    with counting() as counted:
        answer = visitor.client().get(question.path)
        statements = counted()
    assert answer.status_code == 200, (question, answer.status_code)
    times = alternate(
        rounds=rounds,
        ours=lambda: server.get(question.path, visitor.headers),
        theirs=lambda: list(Operation.objects.order_by("-created_at")[:_NEWEST]),
    )
    return Result(
        name=f"trail/{visitor.name}/{question.name}",
        n=history.rows,
        seconds=times.ours,
        floor_seconds=times.theirs,
        ratio=times.ours / times.theirs,
        statements=statements,
        peak_mib=server.peak_mib(),
    )
