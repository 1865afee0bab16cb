"""Workbooks as they come: damaged anywhere, they are refused by name."""

import random
import zipfile
from io import BytesIO
from typing import Any

import openpyxl
import pytest

from tasks.importing.records import FileUnreadable
from tasks.importing.xlsx_file import read_xlsx
from tests.tasks.importing.sources import source


def workbook() -> bytes:
    book = openpyxl.Workbook()
    sheet: Any = book.active
    for row in [["name", "enabled"], ["build", True], ["deploy", 1.5]]:
        sheet.append(row)
    content = BytesIO()
    book.save(content)
    return content.getvalue()


def damaged(content: bytes, chance: random.Random) -> bytes:
    """Return the content with a few bytes turned, or with its end cut off."""
    turned = bytearray(
        content[: chance.randrange(1, len(content)) if chance.random() < 0.2 else None]
    )
    for _ in range(chance.randrange(1, 4)):
        turned[chance.randrange(len(turned))] = chance.randrange(256)
    return bytes(turned)


def with_a_damaged_part(content: bytes, chance: random.Random) -> bytes:
    """Return the workbook with one of its parts damaged before it was packed."""
    written = BytesIO()
    with zipfile.ZipFile(BytesIO(content)) as given, zipfile.ZipFile(written, "w") as archive:
        chosen = chance.choice(given.namelist())
        for name in given.namelist():
            part = given.read(name)
            archive.writestr(name, damaged(part, chance) if name == chosen else part)
    return written.getvalue()


@pytest.mark.parametrize("damage", [damaged, with_a_damaged_part])
def test_a_damaged_workbook_is_read_or_refused_and_nothing_else(damage: Any) -> None:
    whole, refused = workbook(), 0
    for seed in range(150):
        try:
            list(read_xlsx(source(damage(whole, random.Random(seed)))))  # noqa: S311 - no secret
        except FileUnreadable:
            refused += 1
    assert refused > 50
