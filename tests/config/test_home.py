"""The home page: what each visitor finds there, and at what price."""

import json
from datetime import date, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audit.admin.charts import Chart
from audit.models import Channel, Operation, Progress, Seal, State
from config.home import questions_on
from permissions.models import ApiToken, RoleMember
from tasks import extent
from tasks.batch import pipeline
from tasks.batch.pipeline import Batch
from tasks.changes import UpdateSettings
from tests.conftest import ORIGIN, Governed, build_governed
from tests.tokens import issue
from tests.visitors import PERSONAS, page, persona, text_of, visit


def home(user: User) -> Any:
    return visit(user).get("/admin/")


def chart(response: Any, name: str) -> Chart:
    """Return a chart of the page."""
    (found,) = (each for each in response.context["charts"] if each.name == name)
    assert isinstance(found, Chart)
    return found


def notices(response: Any) -> dict[str, list[str]]:
    """Return what needs attention: the titles of the items by that of their kind."""
    return {
        notice.title: [item.title for item in notice.items]
        for notice in response.context["notices"]
    }


def add_operation(actor: User, *, state: State, kind: str = "update_settings") -> None:
    now = timezone.now()
    added = Operation.objects.create(
        kind=kind,
        actor=actor,
        actor_name=actor.username,
        channel=Channel.API,
        state=state,
        targets=7,
        created_at=now,
        finished_at=None if state is State.RUNNING else now,
    )
    if state is State.RUNNING:
        Progress.objects.create(operation=added, done=4, total=7, updated_at=now)


def populate(governed: Governed) -> None:
    """Let there be something in every part of the page."""
    uids = governed.add_tasks(3)
    change = UpdateSettings(patch={"repository": {"branch": governed.viewer.username}})
    pipeline.apply(actor=governed.manager, batch=Batch(change=change, uids=uids, origin=ORIGIN))
    for actor in (governed.manager, governed.viewer):
        for state in (State.RUNNING, State.FAILED, State.REFUSED):
            add_operation(actor, state=state)
        issue(actor, name=f"robot {len(uids)} {Operation.objects.count()}")
    ApiToken.objects.update(expires_at=timezone.now() + timedelta(days=3))


def test_the_charts_show_what_was_changed_and_what_there_is(governed: Governed) -> None:
    populate(governed)
    response = home(governed.manager)
    today = chart(response, "days").bars[-1]
    assert (today.value, today.words) == (3, ("3", "2"))
    listed = visit(governed.manager).get(today.url).context["cl"]
    assert listed.result_count == Operation.objects.filter(actor=governed.manager).count()
    (project,) = chart(response, "projects").bars
    assert (project.label, project.value) == ("payments", 3)
    assert visit(governed.manager).get(project.url).context["cl"].result_count == 3
    assert json.loads(chart(response, "types").data)["labels"] == ["Git of payments"]
    assert "You may view 3 tasks." in text_of(response)


def test_what_needs_attention_is_named_and_leads_there(governed: Governed) -> None:
    populate(governed)
    response = home(governed.manager)
    assert notices(response) == {
        "Failed in the last day": ["Change settings"],
        "Refused in the last day": ["Change settings"],
        "Running or waiting": ["Change settings"],
        "About to expire": [ApiToken.objects.get(owner=governed.manager).name],
    }
    for notice in response.context["notices"]:
        assert visit(governed.manager).get(notice.items[0].url).status_code == 200
    assert "4 of 7 tasks, payments-manager" in text_of(response)


@pytest.mark.parametrize("name", ["outsider", "developer"])
def test_nobody_sees_what_others_did_or_are_about_to_lose(governed: Governed, name: str) -> None:
    populate(governed)
    response = home(getattr(governed, name))
    assert notices(response) == {}
    assert not response.context["recent"]
    others = "What others did to your tasks" in text_of(response)
    assert others is (name == "developer")


def test_an_auditor_sees_what_all_have_done_and_no_tasks(governed: Governed) -> None:
    populate(governed)
    response = home(persona("auditor", governed=governed))
    assert len(notices(response)["Failed in the last day"]) == 2
    assert "About to expire" not in notices(response)
    assert [each.name for each in response.context["charts"]] == ["days"]
    assert "payments" not in text_of(response).replace("payments-", "")


def test_an_auditor_is_led_to_what_is_often_asked_and_takes_the_newest_seal_away(
    governed: Governed,
) -> None:
    add_operation(governed.manager, state=State.REFUSED)
    client = visit(persona("auditor", governed=governed))
    shown = client.get("/admin/")
    listed = {each.title: client.get(each.url) for each in shown.context["questions"]}
    assert listed["What was refused"].context["cl"].result_count == 1
    assert {response.status_code for response in listed.values()} == {200}
    assert "Nothing is sealed yet" in text_of(shown)
    assert client.get(page("audit_operation_checkpoint")).status_code == 404
    Seal.objects.create(number=7, sealed_at=timezone.now(), document="{}", signature="0f")
    assert "download seal 7" in text_of(client.get("/admin/"))
    file = client.get(page("audit_operation_checkpoint"))
    assert json.loads(text_of(file)) == {"document": "{}", "signature": "0f"}
    assert "seal-7.json" in file.headers["Content-Disposition"]
    for name in ("manager", "outsider"):
        assert "questions" not in home(persona(name, governed=governed)).context
        visitor = visit(persona(name, governed=governed))
        assert visitor.get(page("audit_operation_checkpoint")).status_code == 404


@pytest.mark.parametrize(
    ("today", "month", "quarter"),
    [
        ("2026-11-22", ("2026-10-01", "2026-10-31"), ("2026-07-01", "2026-09-30")),
        ("2026-01-01", ("2025-12-01", "2025-12-31"), ("2025-10-01", "2025-12-31")),
        ("2024-04-30", ("2024-03-01", "2024-03-31"), ("2024-01-01", "2024-03-31")),
    ],
)
def test_last_month_and_last_quarter_are_whole_and_this_one_is_from_its_first_day(
    today: str, month: tuple[str, str], quarter: tuple[str, str]
) -> None:
    present, *questions = questions_on(date.fromisoformat(today))
    assert present.url.endswith(f"?created_at_from_0={today[:7]}-01")
    for question, (first, last) in zip(questions, (month, quarter), strict=False):
        assert question.url.endswith(f"?created_at_from_0={first}&created_at_to_0={last}")


def test_only_some_are_named_and_all_are_linked(governed: Governed) -> None:
    for _ in range(7):
        add_operation(governed.manager, state=State.FAILED)
    (notice,) = home(governed.manager).context["notices"]
    assert len(notice.items) == 5
    listed = visit(governed.manager).get(notice.more)
    assert listed.context["cl"].result_count == 7


def test_without_projects_a_superuser_is_told_to_add_one(db: None) -> None:
    response = home(User.objects.create_superuser("first"))
    assert "Add a project" in text_of(response)


def test_an_estimate_is_shown_as_one(governed: Governed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extent, "DRAWN", 100)
    monkeypatch.setattr(extent, "MOST_COUNTED", 10)
    governed.add_tasks(123)
    shown = text_of(home(governed.manager))
    assert "You may view about 120 tasks; estimated from a sample." in shown
    assert "<td>about 120</td>" in shown


def test_it_opens_for_each_persona_at_a_price_that_does_not_grow(governed: Governed) -> None:
    populate(governed)
    visitors = {name: visit(persona(name, governed=governed)) for name in PERSONAS}
    before = {name: price_of(client) for name, client in visitors.items()}
    other = build_governed("ledger")
    populate(other)
    RoleMember.objects.bulk_create(
        RoleMember(role=other.role(8), user=user) for user in (governed.manager, governed.viewer)
    )
    populate(governed)
    assert {name: price_of(client) for name, client in visitors.items()} == before


def price_of(client: Client) -> int:
    """Return how many queries the page takes, warm."""
    client.get("/admin/")
    with CaptureQueriesContext(connection) as queries:
        text_of(client.get("/admin/"))
    return len(queries)
