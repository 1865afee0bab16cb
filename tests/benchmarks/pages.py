"""The admin's pages among many tasks: home, the list, previews of large batches, and their next pages.

Each is compared with what it cannot do without: reading the rows, estimating, or planning.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import count
from typing import Any, NamedTuple

from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from permissions.changes import CopyTasks, SetPermissions
from permissions.flags import Flag
from tasks.batch import pipeline
from tasks.batch.change import Change
from tasks.batch.pipeline import Batch
from tasks.changes import RecycleTasks, RestoreTasks, UpdateSettings
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


class Previewed(NamedTuple):
    """A change whose preview is measured: what it takes to write it down, anew at each turn."""

    name: str
    action: str
    change: Change[Any]
    written: Callable[[int], dict[str, str]]


def _flags(turn: int) -> dict[str, str]:
    """Return other flags for viewers at each turn."""
    granted = [flag for flag in Flag if (turn % 127 + 1) & flag.bit]
    return {f"{flag.vendor_name} 8 Viewer": "grant" for flag in granted}


SETTINGS = Previewed(
    "admin/preview",
    "change_settings",
    UpdateSettings(patch={"repository": {"branch": "preview"}}),
    lambda turn: {"text": f'{{"repository": {{"branch": "preview-{turn}"}}}}'},
)
PERMISSIONS = Previewed(
    "admin/preview/permissions",
    "change_permissions",
    SetPermissions(flags={8: {"is_execute": True}}),
    _flags,
)
COPIES = Previewed(
    "admin/preview/copies", "copy", CopyTasks(), lambda turn: {"word": f"copy {turn}"}
)
# Asks nothing: it is previewed again.
RESTORED = Previewed("admin/preview/restored", "restore", RestoreTasks(), lambda _: {"again": "1"})


def measure_previews(*, estate: Estate, n: int, rounds: int) -> Iterator[Result]:
    """Measure the previews of several changes of so many tasks, and their next pages."""
    uids = [uid for _, uid in estate.batch_tasks(n)]
    for previewed in (SETTINGS, PERMISSIONS, COPIES):
        yield from _measure_preview(previewed, estate=estate, uids=uids, rounds=rounds)
    recycled = Batch(change=RecycleTasks(), uids=uids, origin=ORIGIN)
    pipeline.apply(actor=estate.manager, batch=recycled)
    try:
        yield from _measure_preview(RESTORED, estate=estate, uids=uids, rounds=rounds)
    finally:
        pipeline.apply(actor=estate.manager, batch=replace(recycled, change=RestoreTasks()))


def _measure_preview(
    previewed: Previewed, *, estate: Estate, uids: Sequence[str], rounds: int
) -> Iterator[Result]:
    """Measure writing a change down until its preview is shown, then the next page."""
    client = _visit(estate.manager)
    sent = {"action": previewed.action, "uids": "\n".join(uids)}
    chosen = client.post(reverse("admin:tasks_task_choose"), sent)
    draft = re.search(r"^.*/drafts/[0-9a-f-]{36}/", chosen.headers["Location"])
    assert draft
    form = chosen.headers["Location"]

    def preview() -> object:
        answer = client.post(form, previewed.written(next(_turns)), follow=True)
        assert b"would change" in answer.content
        return answer

    def next_page() -> object:
        answer = client.get(f"{draft[0]}preview/?outcome=change&page=2")
        assert answer.status_code == 200
        return answer

    batch = Batch(change=previewed.change, uids=uids, origin=ORIGIN)

    def plan() -> object:
        return pipeline.preview(actor=estate.manager, batch=batch)

    def look() -> object:
        return pipeline.look(actor=estate.manager, batch=batch, uids=uids[:_PER_PAGE])

    yield _measure(previewed.name, len(uids), rounds, preview, plan)
    yield _measure(f"{previewed.name}/next", len(uids), rounds, next_page, look)


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
