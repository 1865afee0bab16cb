"""What somebody sends to pages that are not theirs is in the trail."""

from uuid import uuid4

from audit.models import Operation, State
from tests.conftest import Governed
from tests.visitors import page, visit


def refused() -> list[tuple[str, str, int]]:
    """Return which pages refused something, what they said, and how often."""
    found = Operation.objects.filter(kind="refused_page").order_by("created_at", "pk")
    return [
        (each.parameters["page"], each.refusals[0]["code"], each.attempt.times) for each in found
    ]


def test_who_wants_to_make_themselves_superuser_is_in_the_trail(governed: Governed) -> None:
    client = visit(governed.viewer)
    address = page("auth_user_change", governed.viewer.pk)
    wanted = {"username": "payments-viewer", "is_superuser": "on", "password": "hunter2hunter2"}
    for _ in range(3):
        assert client.post(address, wanted).status_code == 403
    assert refused() == [("admin:auth_user_change", "denied", 3)]
    operation = Operation.objects.get(kind="refused_page")
    assert (operation.actor, operation.state, operation.address) == (
        governed.viewer,
        State.REFUSED,
        "127.0.0.1",
    )
    assert operation.parameters["object_id"] == str(governed.viewer.pk)
    assert "hunter2" not in str(vars(operation))


def test_what_is_sent_about_what_is_hidden_or_is_not_there_is_in_the_trail(
    governed: Governed,
) -> None:
    client = visit(governed.outsider)
    of_others = Operation.objects.earliest("created_at").pk
    for key in (of_others, uuid4()):
        assert client.post(page("audit_operation_undo", key)).status_code == 404
    for project in (governed.project.pk, 999_999):
        hidden = page("tasks_project_change_permissions", project)
        assert client.post(hidden).status_code == 403
    typed = page("auth_user_change", "hunter2hunter2")
    assert client.post(typed).status_code == 403
    undone = ("admin:audit_operation_undo", "unknown", 1)
    assert refused() == [
        undone,
        undone,
        *[("admin:tasks_project_change_permissions", "denied", 1)] * 2,
        ("admin:auth_user_change", "denied", 1),
    ]
    assert "hunter2" not in str(list(Operation.objects.values()))


def test_a_page_that_is_only_opened_in_vain_leaves_nothing(governed: Governed) -> None:
    client = visit(governed.viewer)
    assert client.get(page("auth_user_changelist")).status_code == 403
    assert client.get(page("audit_operation_undo", uuid4())).status_code in {404, 405}
    assert refused() == []
