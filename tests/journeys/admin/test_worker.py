"""A change that takes long: left, come back to, cancelled."""

from django.db import transaction
from playwright.sync_api import expect

from audit.models import Operation, State
from tasks.models import Task
from tests.conftest import Governed
from tests.journeys.admin import steps
from tests.journeys.admin.chromium import Windows
from tests.journeys.live import running


WORKER = ["manage.py", "procrastinate", "worker"]


def test_five_thousand_are_left_come_back_to_and_cancelled(
    windows: Windows, governed: Governed
) -> None:
    governed.add_tasks(5_000)
    page = windows.open(governed.manager)
    steps.choose_all(page, "Disable", count=5_000)
    page.get_by_label("Why they are disabled").fill("the year ends")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_text("5,000 tasks in 1 project would change.")).to_be_visible()
    steps.apply(page)
    expect(page.get_by_role("status")).to_have_text("Waiting for the worker.")
    operation = Operation.objects.get(state=State.QUEUED)
    with running(WORKER):
        # Somebody holds the last task, so that the worker stands still in the middle.
        with transaction.atomic():
            Task.objects.select_for_update().filter(project=governed.project).last()
            expect(page.get_by_role("status")).to_have_text("Running in the worker.")
            expect(page.get_by_role("progressbar", name="Progress")).to_be_visible()
            page.goto("/admin/")
            page.get_by_role("link", name="Disable").first.click()
            page.get_by_role("button", name="Cancel").click()
            expect(page.get_by_text("It is being cancelled")).to_be_visible()
        expect(page.get_by_role("status")).to_have_text("Cancelled: nothing was changed.")
    operation.refresh_from_db()
    assert operation.state == State.CANCELLED
    assert Task.objects.filter(project=governed.project, enabled=True).count() == 5_000
