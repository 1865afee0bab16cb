"""An export is verified by a program that has neither Bulkhead nor a database, and only if it is whole."""

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

from audit.models import Operation, Seal
from audit.proof.seals import await_all, seal_all
from audit.proof.signing import seal_key
from audit.recorder import administrative_operation
from tests.audit.proof.exported import verify_export
from tests.audit.sealed import execute, fact_of
from tests.conftest import ORIGIN
from tests.tracked import HISTORIES


pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("owner")]


@pytest.fixture
def exported(owner: None, tmp_path: Path) -> Path:
    """An export of the sealed trail."""
    folder = tmp_path / "export"
    export_into(folder)
    return folder


def export_into(folder: Path, *arguments: str) -> None:
    call_command("export_audit", str(folder), "--actor=payments-admin", *arguments)


def test_an_export_is_verified_without_a_database(exported: Path) -> None:
    ended = verify_export(exported)
    assert (ended.returncode, ended.stderr) == (0, "")
    rows = sum(history._default_manager.count() for history in HISTORIES)
    operations = Operation.objects.exclude(kind__startswith="export_trail").count()
    assert f"verified {operations} operations, {rows} rows, seals 1 to 3, up to" in ended.stdout


def edit(change: Callable[[list[str]], list[str]], name: str) -> Callable[[Path], None]:
    """Return what changes the lines of a file of the export."""

    def do(folder: Path) -> None:
        lines = (folder / name).read_text().splitlines(keepends=True)
        (folder / name).write_text("".join(change(lines)))

    return do


def cut(folder: Path) -> None:
    """Remove the last seal with everything under it."""
    last = json.loads(json.loads((folder / "seals.jsonl").read_text().splitlines()[-1])["document"])
    under = len(last["operations"]) + last["rows"]
    edit(lambda lines: lines[:-1], "seals.jsonl")(folder)
    edit(lambda lines: lines[:-under], "documents.jsonl")(folder)


HARMS: dict[str, tuple[Callable[[Path], None], str]] = {
    "a value altered": (
        edit(lambda lines: [line.replace("develop", "main") for line in lines], "documents.jsonl"),
        "operation .* differs",
    ),
    "a row removed": (edit(lambda lines: lines[:-1], "documents.jsonl"), "differs"),
    "the first row removed": (edit(lambda lines: lines[1:], "documents.jsonl"), "differs"),
    "a row inserted": (edit(lambda lines: [*lines, lines[-1]], "documents.jsonl"), "differs"),
    "rows swapped": (
        edit(lambda lines: [*lines[:-2], lines[-1], lines[-2]], "documents.jsonl"),
        "differs",
    ),
    "a row of no operation": (
        edit(
            lambda lines: [
                *lines,
                re.sub('"operation_id":"[^"]*"', '"operation_id":""', lines[-1]),
            ],
            "documents.jsonl",
        ),
        "is under no seal",
    ),
    "a seal removed": (
        edit(lambda lines: [lines[0], lines[2]], "seals.jsonl"),
        "seal 2 is missing",
    ),
    "the last seal removed": (edit(lambda lines: lines[:-1], "seals.jsonl"), "is under no seal"),
    "the last seal removed with all under it": (cut, "the manifest tells of more"),
    "a seal altered": (
        edit(lambda lines: [lines[0].replace("waiting", "Waiting"), *lines[1:]], "seals.jsonl"),
        "seal 1 was altered: its signature",
    ),
    "seals swapped": (edit(lambda lines: lines[::-1], "seals.jsonl"), "seal 1 is missing"),
}


@pytest.mark.parametrize("harm", HARMS)
def test_an_export_that_was_tampered_with_is_not_verified(exported: Path, harm: str) -> None:
    do, message = HARMS[harm]
    do(exported)
    ended = verify_export(exported)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert re.search(f"NOT AS SEALED: .*{message}", ended.stderr)


def test_what_was_tampered_with_in_the_database_shows_in_its_export(tmp_path: Path) -> None:
    fact = fact_of(Operation)
    execute(f"UPDATE audit_operation SET reason = 'another' WHERE {fact.where}")  # noqa: S608
    export_into(tmp_path / "export")
    ended = verify_export(tmp_path / "export")
    assert ended.returncode == 1
    assert f"operation {fact.names[0]}, under seal 2, differs" in ended.stderr


def test_seals_of_another_key_are_not_believed(exported: Path) -> None:
    ended = verify_export(exported, key="00" * 32)
    assert ended.returncode == 1
    assert "signed with another key" in ended.stderr


def test_seals_of_keys_that_were_rotated_are_verified_with_all_of_them(
    owner: None, settings: Settings, tmp_path: Path
) -> None:
    former = seal_key().public
    settings.BULKHEAD_SEAL_KEY = "YW5vdGhlciBrZXksIGZvciB0ZXN0cywgb2YgMzIgYi4="
    settings.BULKHEAD_FORMER_SEAL_KEYS = [former]
    with administrative_operation(actor=User.objects.latest("pk"), kind="later", origin=ORIGIN):
        pass
    await_all()
    assert seal_all() == [4]
    export_into(tmp_path / "export")
    assert verify_export(tmp_path / "export", "--public-key", former).returncode == 0
    ended = verify_export(tmp_path / "export", key=former)
    assert ended.returncode == 1
    assert "seal 4 is signed with another key" in ended.stderr


def test_an_export_that_ends_early_shows_against_a_checkpoint(
    exported: Path, tmp_path: Path
) -> None:
    checkpoint = tmp_path / "checkpoint.json"
    call_command("export_checkpoint", str(checkpoint))
    assert verify_export(exported, "--checkpoint", str(checkpoint)).returncode == 0
    second = Seal.objects.get(number=2).sealed_at
    export_into(tmp_path / "shorter", "--to", str(second))
    assert verify_export(tmp_path / "shorter").returncode == 0
    ended = verify_export(tmp_path / "shorter", "--checkpoint", str(checkpoint))
    assert ended.returncode == 1
    assert "seal 3 is not the one of the checkpoint, or is missing" in ended.stderr


def test_a_part_of_the_trail_is_verified_by_itself(exported: Path, tmp_path: Path) -> None:
    second = Seal.objects.get(number=2).sealed_at
    export_into(tmp_path / "part", "--from", str(second))
    ended = verify_export(tmp_path / "part")
    assert ended.returncode == 0
    assert "seals 2 to 3" in ended.stdout


@pytest.mark.parametrize("spoil", ["manifest.json", "seals.jsonl", "documents.jsonl"])
def test_what_cannot_be_read_is_not_called_tampered_with(exported: Path, spoil: str) -> None:
    (exported / spoil).write_text("nonsense\n")
    ended = verify_export(exported)
    assert ended.returncode == 2
    assert "cannot be read" in ended.stderr


def test_an_export_overwrites_nothing(exported: Path) -> None:
    before = {path.name: path.read_bytes() for path in exported.iterdir()}
    with pytest.raises(CommandError, match="is there already"):
        export_into(exported)
    with pytest.raises(CommandError, match="no seals of that time"):
        export_into(exported.parent / "none", "--to", "2000-01-01")
    assert {path.name: path.read_bytes() for path in exported.iterdir()} == before


def test_an_export_is_itself_recorded_with_its_manifest(exported: Path) -> None:
    began, ended = Operation.objects.filter(kind__startswith="export_trail").order_by("created_at")
    manifest = (exported / "manifest.json").read_bytes()
    assert (began.kind, began.channel, began.parameters["form"]) == (
        "export_trail",
        "command",
        "seals",
    )
    assert (ended.kind, ended.state) == ("export_trail_finished", "applied")
    assert ended.parameters["export"] == str(began.pk)
    assert ended.parameters["seal"] == began.parameters["seal"]
    assert ended.parameters["seal"]["number"] == 3
    assert ended.parameters["rows"] == json.loads(manifest)["rows"]
    assert ended.parameters["sha256"] == hashlib.sha256(manifest).hexdigest()
    with pytest.raises(CommandError, match="is there already"):
        export_into(exported)
    assert Operation.objects.latest("created_at").state == "failed"
    with pytest.raises(CommandError, match="no account 'nobody'"):
        call_command("export_audit", str(exported), "--actor=nobody")
    # Who may not read the trail gets none of it.
    elsewhere = exported.with_name("elsewhere")
    with pytest.raises(CommandError, match="payments-manager may not read the whole trail"):
        call_command("export_audit", str(elsewhere), "--actor=payments-manager")
    assert not elsewhere.exists()


def test_the_manifest_tells_how_much_there_is(exported: Path) -> None:
    manifest = json.loads((exported / "manifest.json").read_text())
    lines = {name: said["lines"] for name, said in manifest["files"].items()}
    assert lines == {
        "seals.jsonl": 3,
        "documents.jsonl": manifest["operations"] + manifest["rows"],
    }
