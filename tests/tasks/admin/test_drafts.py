"""Drafts: used once, kept for an hour, their actor's alone, and bound to what was shown."""

from datetime import timedelta
from functools import partial

import pytest
from django.utils import timezone

from audit.models import Operation
from tasks.admin.drafts import (
    DraftUnusable,
    DraftUsed,
    change_of,
    preview_draft,
)
from tasks.changes import SetEnabled
from tasks.jobs import prune_kept
from tasks.models import Draft, Task
from tests.conftest import ORIGIN, Governed
from tests.visitors import choose, confirm, page, refused, text_of, visit, write_down


def test_a_draft_is_applied_once_and_leads_to_its_operation_ever_after(governed: Governed) -> None:
    client = visit(governed.developer)
    draft = choose(client, "disable", governed.add_tasks(1))
    fingerprint = write_down(client, draft, {"reason": "x"}).context["shown"].fingerprint
    address = page("tasks_task_draft_preview", draft.pk)
    answers = [client.post(address, {"apply": fingerprint}) for _ in range(2)]
    assert answers[0].headers["Location"] == answers[1].headers["Location"]
    assert client.get(address).headers["Location"] == answers[0].headers["Location"]
    assert Operation.objects.filter(kind="set_enabled").count() == 1


def test_what_another_window_applied_or_forgot_meanwhile_is_not_previewed_over(
    governed: Governed,
) -> None:
    client = visit(governed.developer)
    draft = choose(client, "disable", governed.add_tasks(1))
    write_down(client, draft, {"reason": "x"})
    seen_before = Draft.objects.get(pk=draft.pk)
    again = partial(preview_draft, actor=governed.developer, draft=seen_before, origin=ORIGIN)
    confirm(client, draft)
    with pytest.raises(DraftUsed):
        again(change=SetEnabled(enabled=True))
    draft.refresh_from_db()
    assert change_of(draft) == SetEnabled(enabled=False, reason="x")
    draft.delete()
    with pytest.raises(DraftUnusable):
        again(change=SetEnabled(enabled=True))


@pytest.mark.parametrize("name", ["manager", "outsider", "admin"])
def test_a_draft_is_its_actors_alone(governed: Governed, name: str) -> None:
    owner = visit(governed.developer)
    draft = choose(owner, "disable", governed.add_tasks(1))
    fingerprint = write_down(owner, draft, {"reason": "x"}).context["shown"].fingerprint
    thief = visit(getattr(governed, name))
    for address in ("", "_preview", "_csv", "_export"):
        where = page(f"tasks_task_draft{address}", draft.pk)
        assert thief.get(where).status_code == 404
        assert thief.post(where, {"apply": fingerprint, "reason": "y"}).status_code == 404
    assert Task.objects.filter(enabled=True).count() == 1
    assert refused(kind="use_draft") == ["the draft is somebody else's"]


@pytest.mark.parametrize("fingerprint", ["", "nonsense", "0" * 64, "\0"])
def test_a_fingerprint_that_was_not_shown_applies_nothing(
    governed: Governed, fingerprint: str
) -> None:
    client = visit(governed.developer)
    draft = choose(client, "disable", governed.add_tasks(1))
    write_down(client, draft, {"reason": "x"})
    answer = client.post(
        page("tasks_task_draft_preview", draft.pk), {"apply": fingerprint}, follow=True
    )
    assert "Nothing was applied" in text_of(answer)
    assert Task.objects.filter(enabled=True).count() == 1
    assert Operation.objects.get(kind="set_enabled").refusals[0]["code"] == "drifted"


def test_a_draft_is_forgotten_after_an_hour(governed: Governed) -> None:
    client = visit(governed.developer)
    draft = choose(client, "disable", governed.add_tasks(1))
    Draft.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert "There is no such draft" in text_of(client.get(page("tasks_task_draft", draft.pk)))
    prune_kept()
    assert not Draft.objects.exists()


def test_an_actors_latest_drafts_are_kept_and_what_the_worker_has_not_done(
    governed: Governed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.admin.drafts.MOST_DRAFTS", 2)
    monkeypatch.setattr("tasks.admin.drafts.APPLIED_AT_ONCE", 0)
    uids = governed.add_tasks(1)
    others = choose(visit(governed.manager), "disable", uids)
    client = visit(governed.developer)
    with_worker = choose(client, "disable", uids)
    write_down(client, with_worker, {"reason": "x"})
    confirm(client, with_worker)
    _, *latest = (choose(client, "disable", uids) for _ in range(3))
    assert set(Draft.objects.all()) == {others, with_worker, *latest}
