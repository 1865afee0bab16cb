"""A project's permissions in the admin: toggled in a grid, previewed, applied as one operation."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from audit.models import Channel, Operation
from audit.recorder import administrative_operation
from permissions.flags import Flag
from permissions.models import RolePermission
from permissions.roles import add_role
from tasks.models import Project, Task
from tests.conftest import ORIGIN, Governed, build_governed
from tests.permissions.governance import DEVELOPER, MANAGER, VIEWER, add_steward, set_in_project
from tests.visitors import page, persona, text_of, visit


def grid(project: Project) -> str:
    return page("tasks_project_change_permissions", project.pk)


def preview(project: Project, **query: str | list[str]) -> str:
    """Return the address of a preview."""
    name = "admin:tasks_project_preview_permissions"
    return reverse(name, args=[project.pk], query=query)


def sent_by(client: Client, project: Project, **query: str) -> dict[str, Any]:
    """Return what the grid sends when nothing is toggled."""
    form = client.get(grid(project), query).context["form"]
    sent = {}
    for row in form.grid():
        sent[row.shown.name] = row.shown.value()
        for cell in row.cells:
            if cell.field.value() and "disabled" not in cell.field.field.widget.attrs:
                sent[cell.field.name] = "on"
    return sent


def confirmed(client: Client, address: str, **more: str) -> Any:
    """Open a preview and send back what its page carries."""
    shown = client.get(address).context
    form = {"fingerprint": shown["plan"].fingerprint, "seen": shown["seen"], **more}
    return client.post(address, form)


def flags(governed: Governed, role: int) -> int:
    rows = RolePermission.objects.filter(matrix__project=governed.project, matrix__digest=None)
    return int(rows.get(role_code=role).flags)


def test_what_was_toggled_is_previewed_then_applied_as_one_operation_that_holds_at_once(
    governed: Governed,
) -> None:
    task = Task.objects.get(uid=governed.add_tasks(1)[0])
    client = visit(governed.manager)
    form = sent_by(client, governed.project)
    del form["role4_is_copy"]
    answer = client.post(grid(governed.project), {**form, "role8_is_execute": "on"})
    assert answer.status_code == 302
    address = answer.headers["Location"]
    assert address == preview(governed.project, grant="8.is_execute", revoke="4.is_copy")
    shown = text_of(client.get(address))
    assert "Nothing has been changed yet" in shown
    assert (flags(governed, VIEWER), flags(governed, DEVELOPER)) == (1, 63)
    done = confirmed(client, address, reason="Viewers run smoke tests")
    operation = Operation.objects.get(kind="set_project_matrix")
    assert done.headers["Location"] == page("audit_operation_change", operation.pk)
    assert (operation.channel, operation.reason) == (Channel.ADMIN, "Viewers run smoke tests")
    assert (flags(governed, VIEWER), flags(governed, DEVELOPER)) == (9, 47)
    assert governed.viewer.has_perm("tasks.execute_task", task)


def test_the_preview_says_who_gains_and_loses_what_how_far_it_reaches_and_what_to_beware_of(
    governed: Governed,
) -> None:
    governed.add_tasks(3, creator=governed.outsider)
    lost = [f"{MANAGER}.is_manager", "-3.is_manager"]
    lost.append(f"{DEVELOPER}.is_view")
    address = preview(governed.project, grant=f"{VIEWER}.is_delete", revoke=lost)
    context = visit(governed.admin).get(address).context
    changes = {change.code: (change.gains, change.losses) for change in context["changes"]}
    assert changes.pop(DEVELOPER) == ([], ["View"])
    assert changes == {-3: ([], ["Manage"]), 3: ([], ["Manage"]), 8: (["Delete"], [])}
    assert context["reach"] == "3"
    held = "Modify", "Delete", "Execute", "Copy", "Disable"
    assert context["warnings"] == [
        "Nobody but the project's administrators may manage 3 task(s) any more.",
        "Viewer gains Delete: it may then move these tasks to the recycle bin.",
        f"Developer holds {', '.join(held)} without View, which hides these tasks from it.",
    ]


def test_a_grid_sent_as_it_was_leads_to_no_preview(governed: Governed) -> None:
    client = visit(governed.manager)
    answer = client.post(grid(governed.project), sent_by(client, governed.project))
    assert answer.headers["Location"] == grid(governed.project)


def test_what_others_changed_after_the_grid_was_opened_is_not_taken_back(
    governed: Governed,
) -> None:
    client = visit(governed.manager)
    form = sent_by(client, governed.project)
    set_in_project(governed, DEVELOPER, is_copy=False)
    answer = client.post(grid(governed.project), {**form, "role8_is_execute": "on"})
    assert answer.headers["Location"] == preview(governed.project, grant="8.is_execute")


def test_drift_since_the_preview_is_refused_and_shown(governed: Governed) -> None:
    client = visit(governed.manager)
    address = preview(governed.project, grant="8.is_execute")
    shown = client.get(address).context
    set_in_project(governed, DEVELOPER, is_copy=False)
    form = {"fingerprint": shown["plan"].fingerprint, "seen": shown["seen"]}
    answer = client.post(address, form, follow=True)
    assert "Nothing was applied" in text_of(answer)
    assert "meanwhile: Developer lost Copy" in text_of(answer)
    assert answer.context["plan"].fingerprint != shown["plan"].fingerprint
    assert flags(governed, VIEWER) == 1


@pytest.mark.parametrize("fingerprint", ["", "0" * 64])
def test_nothing_is_applied_that_was_not_previewed(governed: Governed, fingerprint: str) -> None:
    address = preview(governed.project, grant="8.is_execute")
    visit(governed.manager).post(address, {"fingerprint": fingerprint})
    assert flags(governed, VIEWER) == 1
    assert not Operation.objects.filter(kind="set_project_matrix", state="applied").exists()


@pytest.mark.parametrize(
    "query",
    [
        "",
        "grant=",
        "grant=x.is_view",
        "grant=8.is_root",
        "grant=8.is_view&revoke=8.is_view",
        "grant=99999999999.is_view",
    ],
)
def test_an_address_that_names_no_change_leads_to_the_grid(governed: Governed, query: str) -> None:
    answer = visit(governed.manager).get(f"{preview(governed.project)}?{query}")
    assert answer.headers["Location"] == grid(governed.project)


def test_locked_cells_say_why_they_are_locked(governed: Governed) -> None:
    set_in_project(governed, MANAGER, is_delete=False)
    shown = text_of(visit(governed.manager).get(grid(governed.project)))
    assert "Always holds everything" in shown
    assert "you do not hold that flag in this project yourself" in shown
    steward = text_of(visit(add_steward(governed)).get(grid(governed.project)))
    assert "Changed only by who created, administers or manages the project" in steward


@pytest.mark.parametrize(
    "query",
    [{"revoke": "-1.is_view"}, {"grant": "8.is_delete"}, {"grant": "999.is_view"}],
    ids=["locked role", "flag not held", "no such role"],
)
def test_what_the_grid_does_not_offer_is_refused_when_it_is_sent_all_the_same(
    governed: Governed, query: dict[str, str]
) -> None:
    set_in_project(governed, MANAGER, is_delete=False)
    client = visit(governed.manager)
    address = preview(governed.project, **query)
    assert "This cannot be done" in text_of(client.get(address))
    rows = list(RolePermission.objects.order_by("pk").values())
    plan = client.get(address).context["plan"]
    answer = client.post(address, {"fingerprint": plan.fingerprint})
    assert "This cannot be done" in text_of(answer)
    assert list(RolePermission.objects.order_by("pk").values()) == rows


def test_a_superuser_who_is_no_member_may(governed: Governed) -> None:
    other = build_governed("ledger")
    client = visit(governed.admin)
    confirmed(client, preview(other.project, grant="8.is_execute"))
    assert flags(other, VIEWER) == 9


@pytest.mark.parametrize("name", ["developer", "viewer", "outsider", "auditor"])
def test_who_manages_nothing_there_is_let_in_nowhere(governed: Governed, name: str) -> None:
    client = visit(persona(name, governed=governed))
    assert client.get(grid(governed.project)).status_code == 403
    address = preview(governed.project, grant="8.is_execute")
    answer = client.get(address)
    sees_project = name in {"developer", "viewer"}
    assert answer.status_code == (200 if sees_project else 404)
    if sees_project:
        assert "you hold no role that manages" in text_of(answer).lower()
        plan = answer.context["plan"]
        client.post(address, {"fingerprint": plan.fingerprint})
    assert flags(governed, VIEWER) == 1


def test_more_than_a_preview_takes_is_told_in_place_and_keeps_what_was_ticked(
    governed: Governed,
) -> None:
    with administrative_operation(actor=governed.admin, kind="add_roles", origin=ORIGIN):
        for code in range(500, 520):
            add_role(project=governed.project, name=f"Role {code}", code=code)
    client = visit(governed.manager)
    form = sent_by(client, governed.project)
    every = {f"role{code}_{flag.vendor_name}": "on" for code in range(500, 520) for flag in Flag}
    answer = client.post(grid(governed.project), {**form, **every})
    shown = text_of(answer)
    assert "You changed 140 boxes; 120 at most can be previewed at a time." in shown
    assert all(answer.context["form"][name].value() for name in every)
    # What is locked is not sent, and shown as it holds all the same.
    assert all(answer.context["form"][f"role-1_{flag.vendor_name}"].value() for flag in Flag)
    few = dict(list(every.items())[:120])
    address = client.post(grid(governed.project), {**form, **few}).headers["Location"]
    assert len(address) < 4_000
    assert "Nothing has been changed yet" in text_of(client.get(address))
    more = f"{address}&grant=519.is_manager"
    assert client.get(more).headers["Location"] == grid(governed.project)


def test_the_roles_of_a_large_project_are_on_several_pages(governed: Governed) -> None:
    with administrative_operation(actor=governed.admin, kind="add_roles", origin=ORIGIN):
        for code in range(500, 600):
            add_role(project=governed.project, name=f"Role {code}", code=code)
    client = visit(governed.manager)
    first, second = (sent_by(client, governed.project, p=page) for page in ("1", "2"))
    assert (len(first) < 1_000, "shown1002" in first, "shown1002" in second) == (True, False, True)
    form = {**second, "role1002_is_copy": "on"}
    answer = client.post(f"{grid(governed.project)}?p=2", form)
    assert answer.headers["Location"] == preview(governed.project, grant="1002.is_copy")
