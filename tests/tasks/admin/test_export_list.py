"""The list of tasks as a file: what its filters leave, in columns that an import reads."""

import csv
import json
from io import BytesIO
from typing import Any

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tasks.admin.tasks import TaskPaginator
from tasks.models import Task
from tests.conftest import Governed, build_governed
from tests.visitors import page, text_of, visit


def exported(client: Client, kind: str, **asked: Any) -> bytes:
    response: Any = client.get(page("tasks_task_export_list"), {"as": kind, **asked})
    assert "attachment" in response.headers["Content-Disposition"]
    return bytes(response.getvalue())


def names_in(kind: str, content: bytes) -> list[str]:
    if kind == "csv":
        return [row["name"] for row in csv.DictReader(content.decode().splitlines())]
    if kind == "json":
        return [task["name"] for task in json.loads(content)]
    sheet: Any = openpyxl.load_workbook(BytesIO(content)).active
    header, *rows = sheet.iter_rows(values_only=True)
    return [row[header.index("name")] for row in rows]


def named(governed: Governed, *names: str) -> None:
    for uid, name in zip(governed.add_tasks(len(names)), names, strict=True):
        Task.objects.filter(uid=uid).update(name=name)


@pytest.mark.parametrize("kind", ["csv", "xlsx", "json"])
def test_a_file_has_what_the_filters_leave_of_what_the_visitor_sees(
    governed: Governed, kind: str
) -> None:
    named(governed, "build a", "build b", "scan")
    named(build_governed("ledger"), "build hidden")
    client = visit(governed.viewer)
    assert names_in(kind, exported(client, kind, q="build")) == ["build a", "build b"]
    asked = {"project__id__exact": governed.project.pk}
    assert len(names_in(kind, exported(client, kind, **asked))) == 3


def test_the_button_of_the_list_keeps_its_filters(governed: Governed) -> None:
    named(governed, "build a", "scan")
    client = visit(governed.viewer)
    shown = text_of(client.get(page("tasks_task_changelist"), {"q": "scan"}))
    assert f'{page("tasks_task_export_list")}?q=scan"' in shown
    offered = client.get(page("tasks_task_export_list"), {"q": "scan"})
    assert offered.context["found"] == 1
    assert ("CSV", "?q=scan&as=csv") in offered.context["files"]


def test_a_workbook_runs_no_formula(governed: Governed) -> None:
    named(governed, '=HYPERLINK("https://evil.example")')
    content = exported(visit(governed.viewer), "xlsx")
    sheet: Any = openpyxl.load_workbook(BytesIO(content)).active
    assert [cell.data_type for cell in sheet["B"]] == ["s", "s"]
    assert names_in("xlsx", content) == ['=HYPERLINK("https://evil.example")']


@pytest.mark.parametrize("kind", ["csv", "xlsx", "json"])
def test_an_import_reads_what_an_export_wrote(governed: Governed, kind: str) -> None:
    client, told = visit(governed.admin), ("uid", "name", "settings", "enabled", "created_by")
    with transaction.atomic():
        named(governed, "build", "scan")
        content = exported(client, kind)
        before = list(Task.objects.order_by("pk").values(*told))
        transaction.set_rollback(True)
    sent = {"import_file": SimpleUploadedFile(f"tasks.{kind}", content)}
    address = client.post(page("tasks_task_import_file"), sent).headers["Location"]
    mark = client.get(address).context["told"].mark
    client.post(address, {"mark": mark})
    assert list(Task.objects.order_by("pk").values(*told)) == before


def test_more_than_one_file_takes_are_not_exported(
    governed: Governed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TaskPaginator, "bound", 2)
    named(governed, "a", "b", "c")
    client = visit(governed.viewer)
    asked = {"as": "csv"}
    answer = client.get(page("tasks_task_export_list"), asked)
    assert "Filter the list first" in text_of(answer)


def test_an_export_asks_the_database_as_often_for_many_tasks_as_for_one(
    governed: Governed,
) -> None:
    client = visit(governed.viewer)
    counts = []
    for more in (1, 40):
        governed.add_tasks(more)
        exported(client, "json")
        with CaptureQueriesContext(connection) as queries:
            exported(client, "json")
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_an_unknown_filter_leads_back_to_the_list(governed: Governed) -> None:
    answer = visit(governed.viewer).get(page("tasks_task_export_list"), {"project__id__exact": "x"})
    assert answer.status_code == 302
