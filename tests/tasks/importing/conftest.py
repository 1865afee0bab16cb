"""Runs of `manage.py import_tasks`."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from django.core.management import CommandError, call_command

from tests.conftest import Governed


class Ran(NamedTuple):
    """What a run printed, the lines it complained with, and the error it ended with."""

    out: str
    lines: list[str]
    error: str


Run = Callable[..., Ran]


@pytest.fixture
def run(governed: Governed, tmp_path: Path) -> Run:
    """Import a file with this content; by default into the governed project, as its manager."""

    def import_file(content: str | bytes, *, ending: str = "csv", **options: Any) -> Ran:
        file = tmp_path / f"tasks.{ending}"
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        defaults = {
            "actor": governed.manager.username,
            "project": governed.project.name,
            "type": governed.task_type.key,
        }
        out, errors, error = io.StringIO(), io.StringIO(), ""
        try:
            call_command(
                "import_tasks", str(file), stdout=out, stderr=errors, **{**defaults, **options}
            )
        except CommandError as caught:
            error = str(caught)
        return Ran(out.getvalue(), errors.getvalue().splitlines(), error)

    return import_file
