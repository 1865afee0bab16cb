"""What was so at a moment, in the admin: what is shown, and to whom."""

import re
from datetime import datetime, timedelta
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.urls import reverse

from tasks.changes import UpdateSettings
from tasks.models import Task
from tests.batches import apply
from tests.conftest import Governed, build_governed
from tests.permissions.governance import change
from tests.visitors import auditor, text_of, visit


def now() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        at: datetime = cursor.fetchone()[0]
    return at


def words(answer: Any) -> str:
    """Return what the page says, without its marks."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", text_of(answer))).split())


class Past:
    """A task of which settings and rights changed between two moments."""

    def __init__(self, governed: Governed) -> None:
        self.governed = governed
        (uid,) = governed.add_tasks(1)
        self.task = Task.objects.get(uid=uid)
        self.before = now()
        patch = {"repository": {"branch": "main", "token": "hunter2hunter2"}}
        apply(governed.developer, UpdateSettings(patch=patch), [uid])
        change(governed.manager, [uid], flags={4: {"is_execute": False}})
        self.after = now()

    def address(self, *moments: datetime) -> str:
        asked = zip(("at", "compared_with"), moments, strict=False)
        query = "&".join(f"{name}={at:%Y-%m-%dT%H:%M:%S.%f}" for name, at in asked)
        return f"{reverse('admin:tasks_task_past', args=[self.task.pk])}?{query}"


@pytest.fixture
def past(committed: Governed) -> Past:
    return Past(committed)


def test_two_moments_are_shown_and_what_differs(past: Past) -> None:
    text = words(visit(past.governed.manager).get(past.address(past.before, past.after)))
    assert "/repository/branch develop main" in text
    assert "/repository/token – secret, set" in text
    assert "payments-developer View, Modify, Delete, Execute" in text
    assert "Developer, as member" in text
    assert "hunter2" not in text


def test_an_auditor_reads_the_past_of_a_task_that_they_may_not_view(past: Past) -> None:
    answer = visit(auditor()).get(past.address(past.before))
    assert "Who could do what, and why" in text_of(answer)


def test_everybody_is_compared_however_few_are_listed(
    past: Past, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("permissions.admin.past.LISTED", 1)
    answer = visit(past.governed.manager).get(past.address(past.before, past.after))
    assert [each.what for each in answer.context["changes_of_rights"]] == ["payments-developer"]
    assert [len(shown.holders) for shown in answer.context["moments"]] == [1, 1]


def test_auditors_read_the_past_of_a_task_that_is_gone_and_find_it_from_its_history(
    past: Past,
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM permissions_taskpermission WHERE task_id = %s", [past.task.pk])
        cursor.execute("DELETE FROM tasks_task WHERE id = %s", [past.task.pk])
    client, address = visit(auditor()), past.address(past.before)
    history = client.get(reverse("admin:tasks_task_history", args=[past.task.pk]))
    assert address.partition("?")[0] in text_of(history)
    text = words(client.get(address))
    assert "Developer, as member" in text
    assert "branch develop" in text
    assert visit(past.governed.manager).get(address).status_code == 404


def test_who_views_a_task_reads_its_settings_and_not_who_could_do_what(past: Past) -> None:
    text = words(visit(past.governed.viewer).get(past.address(past.before)))
    assert "develop" in text
    assert "payments-developer" not in text
    assert visit(past.governed.outsider).get(past.address(past.before)).status_code == 404


def test_before_it_was_there_a_task_did_not_exist(past: Past) -> None:
    address = past.address(past.before - timedelta(days=1))
    assert "The task did not exist." in text_of(visit(past.governed.manager).get(address))
    compared = past.address(past.before - timedelta(days=1), past.after)
    text = words(visit(past.governed.manager).get(compared))
    assert "There was no such task at the first of these moments" in text
    assert "Nothing differs" not in text


def test_what_was_so_is_compared_with_now_at_a_press(past: Past) -> None:
    client = visit(past.governed.manager)
    shown = client.get(past.address(past.before))
    text = words(client.get(shown.context["question"]["compare"]))
    assert "/repository/branch develop main" in text
    assert "Compare with now" in text_of(shown)
    assert "Compare with now" not in text


def test_what_has_not_come_yet_is_not_told(past: Past) -> None:
    address = past.address(past.before + timedelta(days=1))
    assert "has not come yet" in text_of(visit(past.governed.manager).get(address))


def test_what_somebody_could_do_is_told_to_them_and_to_auditors(past: Past) -> None:
    developer = past.governed.developer
    address = reverse("admin:auth_user_past", args=[developer.pk])
    asked = f"{address}?at={past.after:%Y-%m-%dT%H:%M:%S.%f}"
    for visitor in (auditor(), developer):
        answer = visit(visitor).get(asked)
        assert "payments : 1 task Developer, as member ✓ yes" in words(answer)
        told = visit(visitor).get(f"{asked}&project={past.governed.project.pk}")
        assert f"{past.task.name} in payments" in text_of(told)
    assert visit(past.governed.viewer).get(asked).status_code == 404


def test_what_somebody_could_do_is_told_in_pages(
    past: Past, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("permissions.admin.past_projects._PROJECTS", 1)
    monkeypatch.setattr("permissions.admin.past_projects._TASKS", 1)
    for module in ("permissions.past.projects", "permissions.admin.past_projects"):
        monkeypatch.setattr(f"{module}.MOST_TASKS", 2)
    developer = past.governed.developer
    uids = past.governed.add_tasks(1)
    build_governed("treasury").add_tasks(1, creator=developer)
    client = visit(developer)
    address = reverse("admin:auth_user_past", args=[developer.pk])
    asked = f"{address}?at={now():%Y-%m-%dT%H:%M:%S.%f}"
    first = client.get(asked)
    assert "Page 1 of 2, 2 projects" in words(first)
    assert "payments : 1 task Developer, as member" in words(first)
    assert "Of payments, the first 2 tasks are counted." in words(first)
    assert "treasury : 1 task Task creator" in words(client.get(f"{asked}&page=2"))
    assert "There are no more projects." in words(client.get(f"{asked}&page=3"))
    tasks = client.get(f"{asked}&project={past.governed.project.pk}")
    (following,) = re.findall(r'rel="next" href="([^"]+)#', text_of(tasks))
    second = words(client.get(f"{address}{unescape(following)}"))
    assert past.task.name in words(tasks)
    assert Task.objects.get(uid=uids[0]).name in second
    assert "First tasks" in second
