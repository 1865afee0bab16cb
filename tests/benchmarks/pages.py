"""The admin's pages among many tasks: home, the list, the preview of a large batch, and its next page.

Each is compared with what it cannot do without: reading the rows, estimating, or planning.
"""

import re
from collections.abc import Callable
from itertools import count

from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from tasks.batch import pipeline
from tasks.batch.pipeline import Batch
from tasks.changes import UpdateSettings
from tasks.extent import read_extent
from tasks.visibility import visible_tasks
from tests.benchmarks.estate import ORIGIN, Estate
from tests.benchmarks.timing import Result, alternate, counting, forget_peak, peak_mib


_PER_PAGE = 50
_turns = count(1)


def measure_list(*, estate: Estate, name: str, rounds: int) -> Result:
    """Measure the list of tasks as the member of ten projects, or of all, opens it."""
    user: User = getattr(estate, name)
    client, address = _visit(user), reverse("admin:tasks_task_changelist")

    def read() -> object:
        shown = visible_tasks(actor=user).filter(recycled_at=None).order_by("-pk")
        return list(shown.select_related("project", "task_type", "created_by")[:_PER_PAGE])

    def show() -> object:
        answer = client.get(address)
        assert answer.status_code == 200
        return answer

    return _measure(f"admin/list/{name}", estate.size.tasks, rounds, show, read)


def measure_home(*, estate: Estate, name: str, rounds: int) -> Result:
    """Measure the home page as the member of ten projects, or of all, opens it."""
    user: User = getattr(estate, name)
    client, address = _visit(user), reverse("admin:index")

    def estimate() -> object:
        return read_extent(actor=user)

    def show() -> object:
        answer = client.get(address)
        assert answer.status_code == 200
        return answer

    return _measure(f"admin/home/{name}", estate.size.tasks, rounds, show, estimate)


def measure_preview(*, estate: Estate, n: int, rounds: int) -> list[Result]:
    """Measure writing a change of settings down until its preview is shown, then the next page."""
    uids = [uid for _, uid in estate.batch_tasks(n)]
    client = _visit(estate.manager)
    chosen = client.post(
        reverse("admin:tasks_task_choose"), {"action": "change_settings", "uids": "\n".join(uids)}
    )
    form = chosen.headers["Location"]
    assert re.search(r"/drafts/[0-9a-f-]{36}/$", form)

    def preview() -> object:
        text = f'{{"repository": {{"branch": "preview-{next(_turns)}"}}}}'
        answer = client.post(form, {"text": text}, follow=True)
        assert b"would change" in answer.content
        return answer

    def next_page() -> object:
        answer = client.get(f"{form}preview/?outcome=change&page=2")
        assert answer.status_code == 200
        return answer

    change = UpdateSettings(patch={"repository": {"branch": "preview"}})
    batch = Batch(change=change, uids=uids, origin=ORIGIN)

    def plan() -> object:
        return pipeline.preview(actor=estate.manager, batch=batch)

    def look() -> object:
        return pipeline.look(actor=estate.manager, batch=batch, uids=uids[:_PER_PAGE])

    return [
        _measure("admin/preview", n, rounds, preview, plan),
        _measure("admin/preview/next", n, rounds, next_page, look),
    ]


def _measure(
    name: str, n: int, rounds: int, ours: Callable[[], object], floor: Callable[[], object]
) -> Result:
    ours()
    forget_peak()
    with counting() as counted:
        ours()
        statements = counted()
    times = alternate(rounds=rounds, ours=ours, theirs=floor)
    return Result(
        name=name,
        n=n,
        seconds=times.ours,
        floor_seconds=times.theirs,
        ratio=times.ours / times.theirs,
        statements=statements,
        peak_mib=peak_mib(),
    )


def _visit(user: User) -> Client:
    User.objects.filter(pk=user.pk).update(is_staff=True)
    client = Client(headers={"Host": "127.0.0.1"})
    client.force_login(user)
    return client
