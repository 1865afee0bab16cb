"""The list of tasks and the page of one: who sees what, and that nobody sees a secret."""

from typing import Any

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client, RequestFactory
from django.utils.html import escape

from audit.recorder import administrative_operation
from permissions.changes import SetPermissions
from permissions.models import RoleMember
from tasks.batch import pipeline
from tasks.batch.pipeline import Batch
from tasks.changes import UpdateSettings
from tasks.models import Task
from tests.conftest import ORIGIN, Governed, build_governed
from tests.visitors import PERSONAS, auditor, page, persona, text_of, visit


SECRET = "correct horse battery"  # what no page may show


def give_secret(governed: Governed, uid: str) -> str:
    """Set the task's secret; return the reference that its settings hold."""
    change = UpdateSettings(patch={"repository": {"token": SECRET}})
    batch = Batch(change=change, uids=[uid], origin=ORIGIN)
    pipeline.apply(actor=governed.developer, batch=batch)
    reference = Task.objects.get(uid=uid).settings["repository"]["token"]
    assert reference.startswith("secret:")
    return str(reference)


@pytest.mark.parametrize(
    ("name", "sees"),
    [("superuser", 3), ("manager", 2), ("viewer", 2), ("outsider", 0), ("auditor", 3)],
)
def test_the_list_shows_the_tasks_that_the_visitor_may_view_and_auditors_all(
    governed: Governed, name: str, sees: int
) -> None:
    governed.add_tasks(2)
    build_governed("ledger").add_tasks(1)
    listed = visit(persona(name, governed=governed)).get(page("tasks_task_changelist"))
    assert listed.context["cl"].result_count == sees
    assert listed.context["title"] == "Tasks"


def test_times_say_their_zone(governed: Governed) -> None:
    (uid,) = governed.add_tasks(1)
    task = Task.objects.get(uid=uid)
    client = visit(governed.viewer)
    for address in (page("tasks_task_changelist"), page("tasks_task_change", task.pk)):
        answer = client.get(address)
        assert f'<time datetime="{task.updated_at.isoformat()}">' in answer.content.decode()
        assert f"{task.updated_at:%H:%M} UTC" in text_of(answer)


def test_an_outsider_reads_why_the_list_is_empty(governed: Governed) -> None:
    governed.add_tasks(1)
    listed = visit(governed.outsider).get(page("tasks_task_changelist"))
    assert "the projects in which you hold a role" in text_of(listed)


def test_a_task_that_the_visitor_may_not_view_has_no_page(governed: Governed) -> None:
    task = Task.objects.get(uid=governed.add_tasks(1)[0])
    client = visit(governed.outsider)
    response = client.get(page("tasks_task_change", task.pk))
    assert response.status_code == 302
    assert task.name not in text_of(response)
    shown = client.get(page("tasks_task_change", task.pk), follow=True)
    assert "There is no such task, or you may not see it." in text_of(shown)


def test_an_auditor_reads_the_page_of_any_task_and_is_offered_nothing(governed: Governed) -> None:
    task = Task.objects.get(uid=governed.add_tasks(1)[0])
    client = visit(persona("auditor", governed=governed))
    listed = client.get(page("tasks_task_changelist"))
    assert listed.context["action_form"] is None
    assert "Choose by id" not in text_of(listed)
    shown = client.get(page("tasks_task_change", task.pk))
    assert task.uid in text_of(shown)
    assert shown.context["bulk_actions"] == []
    assert page("tasks_task_history", task.pk) in text_of(shown)


def test_a_recycled_task_is_not_listed(governed: Governed) -> None:
    uids = governed.add_tasks(2)
    Task.objects.filter(uid=uids[0]).update(recycled_at="2026-01-01T00:00Z")
    listed = visit(governed.viewer).get(page("tasks_task_changelist"))
    assert [task.uid for task in listed.context["cl"].result_list] == uids[1:]


@pytest.mark.parametrize("term", ["TASK 0", "task ", "{uid}", "{uid_in_capitals}"])
def test_a_task_is_found_by_the_beginning_of_its_name_or_id(governed: Governed, term: str) -> None:
    uid = governed.add_tasks(1)[0]
    term = term.format(uid=uid[:9], uid_in_capitals=uid[:9].upper())
    listed = visit(governed.viewer).get(page("tasks_task_changelist"), {"q": term})
    assert listed.context["cl"].result_count == 1


@pytest.mark.parametrize("term", ["ask", "%", "_ask", "\x00"])
def test_a_search_finds_nothing_by_the_middle_or_by_wildcards(
    governed: Governed, term: str
) -> None:
    governed.add_tasks(1)
    listed = visit(governed.viewer).get(page("tasks_task_changelist"), {"q": term})
    assert listed.status_code == 200
    assert term == "\x00" or listed.context["cl"].result_count == 0


def test_a_search_for_a_project_finds_its_tasks_by_way_of_the_filter_and_no_hidden_project(
    governed: Governed,
) -> None:
    governed.add_tasks(2)
    build_governed("payments of others")
    client, address = visit(governed.viewer), page("tasks_task_changelist")
    listed = client.get(address, {"q": " PAY", "enabled__exact": "1"})
    ((name, link),) = listed.context["cl"].projects_named
    assert f'href="{escape(link)}">show the tasks of payments<' in text_of(listed)
    shown = client.get(f"{address}{link}").context["cl"]
    assert (name, shown.result_count, shown.query) == ("payments", 2, "")
    assert shown.params["enabled__exact"] == "1"
    assert not client.get(address, {"q": "task"}).context["cl"].projects_named


def test_search_by_name_and_by_id_uses_their_indexes(governed: Governed) -> None:
    governed.add_tasks(1)
    request = RequestFactory().get("/")
    request.user = governed.admin
    task_admin = admin.site.get_model_admin(Task)
    found, _ = task_admin.get_search_results(request, Task.objects.only("pk"), "task 0")
    with connection.cursor() as cursor:
        # The table is small: without this, reading all of it costs less.
        cursor.execute("SET LOCAL enable_seqscan = off")
    plan = found.explain()
    assert "task_name_prefix" in plan
    assert plan.count("Bitmap Index Scan") == 2


@pytest.mark.parametrize(
    "lookup",
    ["settings__repository__token__startswith", "created_by__password__startswith", "uid__gt"],
)
def test_the_list_cannot_be_asked_about_what_it_does_not_show(
    governed: Governed, lookup: str
) -> None:
    governed.add_tasks(1)
    address = page("tasks_task_changelist")
    response = visit(governed.viewer).get(address, {lookup: "s"})
    assert response.headers["Location"] == address


@pytest.mark.parametrize("asked", ["colour=red", "e=1&colour=red", "project__id__exact=x"])
def test_what_a_list_does_not_know_leads_to_the_list_which_says_so_once(
    governed: Governed, asked: str
) -> None:
    address, client = page("tasks_task_changelist"), visit(governed.manager)
    governed.add_tasks(1)
    choose, export = page("tasks_task_choose"), page("tasks_task_export_list")
    for asking in (f"{address}?{asked}", f"{export}?{asked}", f"{choose}?matching=1&{asked}"):
        assert client.get(asking).headers["Location"] == address
        (said,) = client.get(address).context["messages"]
        assert "for a filter, a value or a page that it does not know" in str(said)
    exported = visit(auditor()).get(f"{page('audit_operation_export_csv')}?{asked}")
    assert exported.headers["Location"] == page("audit_operation_changelist")


def test_the_project_filter_does_not_name_a_project_that_the_visitor_does_not_see(
    governed: Governed,
) -> None:
    hidden = build_governed("top-secret-merger").project
    query = {"project__id__exact": hidden.pk}
    response = visit(governed.viewer).get(page("tasks_task_changelist"), query)
    assert ">top-secret-merger<" not in text_of(response)


def test_the_project_filter_finds_only_visible_projects(governed: Governed) -> None:
    build_governed("ledger")
    query = {"app_label": "tasks", "model_name": "task", "field_name": "project", "term": ""}
    response = visit(governed.viewer).get(page("autocomplete"), query)
    assert [each["text"] for each in response.json()["results"]] == ["payments"]


@pytest.mark.parametrize("name", [name for name in PERSONAS if name != "outsider"])
def test_no_page_shows_a_secret_or_its_reference(governed: Governed, name: str) -> None:
    uid = governed.add_tasks(1)[0]
    reference = give_secret(governed, uid)
    task = Task.objects.get(uid=uid)
    client = visit(persona(name, governed=governed))
    for address in ("change", "history"):
        shown = text_of(client.get(page(f"tasks_task_{address}", task.pk)))
        assert SECRET not in shown
        assert reference not in shown
    assert "secret, set" in text_of(client.get(page("tasks_task_history", task.pk)))


def test_what_stood_openly_where_a_type_now_has_a_secret_is_not_shown(governed: Governed) -> None:
    uid = governed.add_tasks(1)[0]
    Task.objects.filter(uid=uid).update(settings={"repository": {"token": SECRET}})
    address = page("tasks_task_change", Task.objects.get(uid=uid).pk)
    shown = text_of(visit(governed.viewer).get(address))
    assert SECRET not in shown
    assert "secret, set" in shown


def panel(client: Client, task: Task, title: str) -> Any:
    """Return what the task's page shows in the panel of this title."""
    panels = client.get(page("tasks_task_change", task.pk)).context["panels"]
    (data,) = (each["data"] for each in panels if each["title"] == title)
    return data


def test_the_page_says_which_permissions_hold_and_by_which_role(governed: Governed) -> None:
    task = Task.objects.get(uid=governed.add_tasks(1, creator=governed.viewer)[0])
    client = visit(governed.viewer)
    grid = panel(client, task, "Permissions in force")
    assert grid.follows
    held = {row.code: [cell.held for cell in row.cells] for row in grid.rows}
    assert held[8] == [True] + [False] * 6
    shown = {holder.username: holder for holder in panel(client, task, "Who may").rows}
    both, creator = "Task creator (created the task), Viewer", "Task creator (created the task)"
    assert [right.by for right in shown["payments-viewer"].rights] == [both] + [creator] * 6
    assert shown["payments-viewer"].roles == both
    assert "payments-outsider" not in shown


def test_where_a_task_s_own_permissions_differ_from_the_project_s_is_marked(
    governed: Governed,
) -> None:
    task = Task.objects.get(uid=governed.add_tasks(1)[0])
    change = SetPermissions(flags={4: {"is_execute": False}})
    batch = Batch(change=change, uids=[task.uid], origin=ORIGIN)
    pipeline.apply(actor=governed.manager, batch=batch)
    grid = panel(visit(governed.viewer), task, "Permissions in force")
    differing = [
        (row.code, flag)
        for row in grid.rows
        for flag, cell in zip(grid.flags, row.cells, strict=True)
        if cell.differs
    ]
    assert not grid.follows
    assert differing == [(4, "Execute")]


@pytest.mark.parametrize(
    ("name", "explained"),
    [
        (
            "manager",
            {"payments-admin", "payments-developer", "payments-manager", "payments-viewer"},
        ),
        ("viewer", {"payments-viewer"}),
    ],
)
def test_a_mark_leads_to_why_for_who_may_ask(
    governed: Governed, name: str, explained: set[str]
) -> None:
    task = Task.objects.get(uid=governed.add_tasks(1)[0])
    client = visit(getattr(governed, name))
    holders = panel(client, task, "Who may").rows
    linked = {row.username for row in holders if all(right.address for right in row.rights)}
    assert linked == explained
    (one,) = (row for row in holders if row.username == f"payments-{name}")
    answer = client.get(one.rights[0].address).context["answer"]
    assert answer["words"].headline == f"Yes. payments-{name} may view this task."


def test_the_latest_history_is_on_the_page_and_the_rest_one_click_away(governed: Governed) -> None:
    uid = governed.add_tasks(1)[0]
    for branch in map(str, range(9)):
        change = UpdateSettings(patch={"repository": {"branch": branch}})
        pipeline.apply(
            actor=governed.developer, batch=Batch(change=change, uids=[uid], origin=ORIGIN)
        )
    client, task = visit(governed.manager), Task.objects.get(uid=uid)
    latest = panel(client, task, "History")
    (difference,) = latest.rows[0].differences
    assert (difference.old, difference.new) == ("7", "8")
    assert (len(latest.rows), latest.has_more) == (8, True)
    assert len(client.get(latest.address).context["timeline"].rows) == 11
    # Who did it is told; the operation itself is for who did it, and for auditors.
    link = page("audit_operation_change", latest.rows[0].operation.pk)
    shown = page("tasks_task_change", task.pk)
    assert link not in text_of(client.get(shown))
    assert link in text_of(visit(governed.developer).get(shown))


def test_buttons_are_those_of_the_flags_held(governed: Governed) -> None:
    address = page("tasks_task_change", Task.objects.get(uid=governed.add_tasks(1)[0]).pk)
    assert "Change settings" not in text_of(visit(governed.viewer).get(address))
    assert "Change settings" in text_of(visit(governed.developer).get(address))


def test_who_loses_the_role_loses_the_page_at_once(governed: Governed) -> None:
    task = Task.objects.get(uid=governed.add_tasks(1)[0])
    client = visit(governed.viewer)
    assert client.get(page("tasks_task_change", task.pk)).status_code == 200
    with administrative_operation(actor=governed.admin, kind="x", origin=ORIGIN):
        RoleMember.objects.get(user=governed.viewer).delete()
    assert client.get(page("tasks_task_change", task.pk)).status_code == 302
