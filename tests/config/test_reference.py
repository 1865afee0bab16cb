"""The reference lists what there is, and nothing else."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import get_commands, load_command_class
from django.core.management.base import BaseCommand


REFERENCE = Path(settings.BASE_DIR, "docs", "reference")
OURS = {"audit", "config", "permissions", "tasks"}
COMMANDS = {name: app for name, app in get_commands().items() if app in OURS}


def options_in(text: str) -> set[str]:
    return set(re.findall(r"--[a-z][a-z-]+", text))


def help_of(command: BaseCommand) -> str:
    return command.create_parser("manage.py", "").format_help()


def test_every_environment_variable_is_in_the_reference() -> None:
    reading = re.compile(r"\benvironment\.\w+\(\s*[\"']([A-Z_]+)[\"']")
    sources = Path(settings.BASE_DIR, "config").rglob("*.py")
    read = {name for source in sources for name in reading.findall(source.read_text())}
    rows = [line for line in reference("configuration").splitlines() if line.startswith("| `")]
    told = {name for row in rows for name in re.findall(r"`([A-Z_]+)`", row.split("|")[1])}

    assert {"DATABASE_URL", "SECRET_KEY"} <= read
    assert told == read


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_is_in_the_reference_with_its_options(command: str) -> None:
    own = options_in(help_of(load_command_class(COMMANDS[command], command)))
    told = told_of(command)

    assert told != ""
    assert options_in(told) == own - options_in(help_of(BaseCommand()))


def test_the_reference_names_no_command_that_is_not() -> None:
    told = re.findall(r"^\| `(\w+)", reference("commands"), re.MULTILINE)

    assert set(told) - set(get_commands()) == set()


def told_of(command: str) -> str:
    """Return the row of the command and the table of its options."""
    whole = rf"^\| `{command}\b.*$|^\| option of `{command}` (?s:.*?)(?=\n\n|\Z)"
    return "\n".join(re.findall(whole, reference("commands"), re.MULTILINE))


def reference(page: str) -> str:
    return (REFERENCE / f"{page}.md").read_text()
