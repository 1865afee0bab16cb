"""Archives of old months: what is in them, and what they excuse."""

import gzip
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from django.utils import timezone

from audit.archived import ARCHIVE, archived_until, rows_below
from audit.models import Seal
from audit.proof.documents import sha256
from audit.proof.export import export
from audit.proof.seals import seal_all
from audit.recorder import administrative_operation
from tests.audit.aged import SECRET, TABLE
from tests.audit.proof.exported import verify_export
from tests.audit.sealed import assert_named, execute, verified
from tests.audit.test_audit_commands import refused, said
from tests.conftest import ORIGIN, Governed


def test_rows_that_are_missing_are_excused_by_the_archive_that_has_them(
    archive: Path, tmp_path: Path
) -> None:
    assert (verified().waiting, verified().in_archives) == (1, 0)
    seal_all()
    missing = verified().unproven
    assert missing > 0
    code, message = refused("verify_audit")
    assert (code, f"{missing} rows are missing." in message, archive.name in message) == (
        2,
        True,
        True,
    )
    shown = f"{missing} rows are in the archives that you showed"
    assert shown in said("verify_audit", "--archive", str(archive))
    code, message = refused("verify_audit", "--archive", str(tmp_path))
    assert (code, "cannot be read as an archive" in message) == (2, True)


def edit(path: Path, change: Callable[[bytes], bytes]) -> None:
    path.write_bytes(gzip.compress(change(gzip.decompress(path.read_bytes()))))


def another_manifest(folder: Path) -> None:
    (folder / "manifest.json").write_text("{}")


HARMS: dict[str, tuple[Callable[[Path], None], int, str]] = {
    "another manifest": (
        another_manifest,
        2,
        "is no archive that an operation of this trail has made",
    ),
    "a value altered": (
        lambda folder: edit(
            folder / "documents.jsonl.gz", lambda text: text.replace(b"old", b"new")
        ),
        1,
        "differs in its archive",
    ),
    "a row removed": (
        lambda folder: edit(
            folder / "documents.jsonl.gz", lambda text: text[: text.rindex(b'{"row"')]
        ),
        1,
        "differs in its archive",
    ),
    "a seal altered": (
        lambda folder: edit(folder / "seals.jsonl.gz", lambda text: text.replace(b"rows", b"Rows")),
        1,
        "seal 1 is another one in its archive",
    ),
}


@pytest.mark.parametrize("harm", HARMS)
def test_an_archive_that_has_something_else_excuses_nothing(archive: Path, harm: str) -> None:
    do, code, message = HARMS[harm]
    do(archive)
    ended = refused("verify_audit", "--archive", str(archive))
    assert (ended[0], message in ended[1]) == (code, True), ended[1]


def test_an_archive_that_somebody_only_says_there_is_excuses_nothing(
    aged: Governed, tmp_path: Path
) -> None:
    (tmp_path / "manifest.json").write_text('{"first_seal": 1, "last_seal": 1}')
    for name in ("seals", "documents"):
        (tmp_path / f"{name}.jsonl.gz").write_bytes(gzip.compress(b""))
    execute(f"ALTER TABLE {TABLE} DISABLE TRIGGER USER")
    execute(f"DELETE FROM {TABLE} WHERE history_id = (SELECT min(history_id) FROM {TABLE})")  # noqa: S608
    parameters = {
        "tables": {TABLE: rows_below(table=TABLE, below=1000)._asdict()},
        "manifest": sha256((tmp_path / "manifest.json").read_bytes()),
        "archive": "none",
    }
    with administrative_operation(
        actor=aged.admin, kind=ARCHIVE, origin=ORIGIN, parameters=parameters
    ):
        pass
    code, message = refused("verify_audit")
    assert (code, "1 rows are missing" in message) == (2, True)
    assert refused("verify_audit", "--archive", str(tmp_path))[0] == 2


@pytest.mark.parametrize(
    ("harm", "named"),
    [
        ("DELETE FROM {} WHERE history_id = (SELECT min(history_id) FROM {})", "3 rows were kept"),
        ("DELETE FROM {} WHERE history_id > 1000", "was removed"),
        ("UPDATE {} SET name = 'x' WHERE history_id < 1000", "was altered"),
    ],
)
def test_archives_excuse_nothing_else(archive: Path, harm: str, named: str) -> None:
    execute(f"ALTER TABLE {TABLE} DISABLE TRIGGER USER")
    execute(harm.format(TABLE, TABLE))
    assert_named(TABLE, named)


def test_an_archive_is_verified_without_a_database(archive: Path) -> None:
    assert sorted(path.name for path in archive.iterdir()) == [
        "documents.jsonl.gz",
        "manifest.json",
        "seals.jsonl.gz",
    ]
    ended = verify_export(archive)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert f"seals 1 to {archived_until()}, up to" in ended.stdout


def test_an_archive_names_secrets_and_holds_none(archive: Path) -> None:
    files = {file.name: gzip.decompress(file.read_bytes()) for file in archive.glob("*.gz")}
    assert b"secret:" in files["documents.jsonl.gz"]
    for content in (*files.values(), *(file.read_bytes() for file in archive.glob("*.json"))):
        assert SECRET.encode() not in content


def test_an_archive_is_on_the_disk_before_anything_is_dropped(
    aged: Governed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: set[int] = set()
    monkeypatch.setattr("os.fsync", lambda file: kept.add(os.fstat(file).st_ino))
    folder = tmp_path / "archive"
    seals = Seal.objects.all()
    export(seals=seals, folder=folder, at=timezone.now(), compressed=True)
    assert {path.stat().st_ino for path in (tmp_path, folder, *folder.iterdir())} == kept


def test_nothing_is_archived_twice_and_exports_begin_after_it(
    aged: Governed, archive: Path, tmp_path: Path
) -> None:
    again = (
        "audit_retention",
        "--keep=24months",
        f"--archive={tmp_path}",
        "--actor=payments-admin",
    )
    assert said(*again).startswith("Nothing to archive: no whole month of history ended before")
    rest = ("export_audit", str(tmp_path / "rest"), "--actor=payments-admin")
    assert said(*rest).startswith("exported 1 operations, 2 rows")
    assert verify_export(tmp_path / "rest").returncode == 0
