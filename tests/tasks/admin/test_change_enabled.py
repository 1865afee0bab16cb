"""Disabling and enabling in the admin, from one task's page and from the list."""

from audit.models import Operation
from permissions.changes import SetPermissions
from tasks.changes import SetEnabled
from tasks.models import Draft, Task
from tests.batches import apply
from tests.conftest import Governed
from tests.visitors import choose, confirm, look, page, text_of, visit, write_down


def test_a_developer_disables_a_task_with_a_reason_and_enables_it_again(
    governed: Governed,
) -> None:
    task = Task.objects.get(uid=governed.add_tasks(1)[0])
    client = visit(governed.developer)
    draft = choose(client, "disable", [task.uid])
    preview = write_down(client, draft, {"reason": "Frozen for the release"})
    assert [tuple(each) for each in preview.context["shown"].rows[0].differences] == [
        ("enabled", "yes", "no"),
        ("disabled reason", "–", "Frozen for the release"),
    ]
    confirm(client, draft)
    task.refresh_from_db()
    assert (task.enabled, task.disabled_reason) == (False, "Frozen for the release")
    confirm(client, choose(client, "enable", [task.uid]))
    task.refresh_from_db()
    assert (task.enabled, task.disabled_reason) == (True, "")
    assert Operation.objects.filter(kind="set_enabled", changed=1).count() == 2


def test_disabling_without_a_reason_is_refused(governed: Governed) -> None:
    client = visit(governed.developer)
    draft = choose(client, "disable", governed.add_tasks(1))
    answer = write_down(client, draft, {"reason": "  "})
    assert "This field is required" in text_of(answer)


def test_an_action_that_asks_nothing_is_previewed_at_once(governed: Governed) -> None:
    client = visit(governed.developer)
    sent = {"action": "enable", "uids": governed.add_tasks(1)[0]}
    answer = client.post(page("tasks_task_choose"), sent)
    assert answer.headers["Location"].endswith("/preview/")
    (draft,) = Draft.objects.all()
    assert "nothing would change" in text_of(look(client, draft))


def test_the_page_of_a_task_offers_nothing_that_is_so_already(governed: Governed) -> None:
    uid = governed.add_tasks(1)[0]
    client = visit(governed.manager)
    address = page("tasks_task_change", Task.objects.get(uid=uid).pk)

    def offered() -> set[str]:
        actions = client.get(address).context["bulk_actions"]
        return {each.name for each in actions} & {"enable", "disable", "use_own", "follow"}

    assert offered() == {"disable", "use_own"}
    apply(governed.manager, SetEnabled(enabled=False, reason="x"), [uid])
    apply(governed.manager, SetPermissions(follow=False), [uid])
    assert offered() == {"enable", "follow"}


def test_the_ticked_tasks_are_disabled_and_no_others(governed: Governed) -> None:
    uids = governed.add_tasks(3)
    keys = list(Task.objects.filter(uid__in=uids[:2]).values_list("pk", flat=True))
    client = visit(governed.developer)
    chosen = {"action": "disable", "index": 0, "_selected_action": keys}
    client.post(page("tasks_task_changelist"), chosen)
    (draft,) = Draft.objects.all()
    write_down(client, draft, {"reason": "Not needed"})
    confirm(client, draft, reason="Spring clean")
    assert set(Task.objects.filter(enabled=False).values_list("uid", flat=True)) == set(uids[:2])
    operation = Operation.objects.get(kind="set_enabled")
    assert (operation.changed, operation.reason) == (2, "Spring clean")


def test_a_viewer_is_offered_neither_and_cannot_choose_them(governed: Governed) -> None:
    task = Task.objects.get(uid=governed.add_tasks(1)[0])
    client = visit(governed.viewer)
    assert 'value="disable"' not in text_of(client.get(page("tasks_task_change", task.pk)))
    for address, sent in (
        ("tasks_task_choose", {"action": "disable", "uids": task.uid}),
        ("tasks_task_changelist", {"action": "disable", "index": 0, "_selected_action": [task.pk]}),
    ):
        client.post(page(address), sent)
    assert not Draft.objects.exists()
