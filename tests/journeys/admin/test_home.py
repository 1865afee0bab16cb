"""Home and Why? in a browser: charts, the tables that say the same, and names that are suggested."""

from playwright.sync_api import expect

from tasks.models import Task
from tests.conftest import Governed
from tests.journeys.admin.chromium import NARROW, Windows


def test_a_bar_leads_to_its_tasks_and_the_table_says_the_same(
    windows: Windows, governed: Governed
) -> None:
    governed.add_tasks(3)
    page = windows.open(governed.viewer)
    page.goto("/admin/")
    by_project = page.get_by_role("region", name="Tasks by project")
    expect(by_project.get_by_role("table")).to_be_hidden()
    by_project.get_by_text("As a table").click()
    expect(by_project.get_by_role("row", name=f"{governed.project.name} 3")).to_be_visible()
    # A single bar is in the middle of its chart.
    by_project.get_by_role("img").click()
    expect(page.locator("#result_list").get_by_role("rowheader")).to_have_count(3)


def test_without_scripts_the_charts_are_tables(windows: Windows, governed: Governed) -> None:
    governed.add_tasks(2)
    page = windows.open(governed.viewer, size=NARROW, java_script_enabled=False)
    page.goto("/admin/")
    by_type = page.get_by_role("region", name="Tasks by type")
    expect(by_type.get_by_role("row", name=f"{governed.task_type.name} 2")).to_be_visible()
    expect(by_type.get_by_role("img")).to_be_hidden()


def test_why_suggests_names_and_answers_in_words(windows: Windows, governed: Governed) -> None:
    task = Task.objects.get(uid=governed.add_tasks(1)[0])
    page = windows.open(governed.manager)
    page.goto(f"/admin/tasks/task/{task.pk}/change/")
    page.get_by_label("User", exact=True).fill(governed.viewer.username[:-3])
    suggested = page.locator(f"#why-people option[value='{governed.viewer.username}']")
    expect(suggested).to_be_attached()
    page.get_by_label("User", exact=True).fill(governed.viewer.username)
    page.get_by_label("Flag", exact=True).select_option("Delete")
    page.get_by_role("button", name="Why?").press("Enter")
    heading = f"No. {governed.viewer.username} may not delete this task."
    expect(page.get_by_role("heading", name=heading)).to_be_visible()
    expect(page.get_by_text("Missing is delete for Viewer")).to_be_visible()
