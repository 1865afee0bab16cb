"""What the commands of the trail say, and how they end."""

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.utils import timezone
from pytest_django.fixtures import Settings

from audit.checks import check_seal_keys
from audit.models import Operation, Seal
from audit.proof.seals import await_all
from audit.proof.signing import seal_key
from tests.audit.sealed import become_owner, execute
from tests.conftest import Governed


@pytest.fixture(autouse=True)
def checkpoint(settings: Settings, tmp_path: Path) -> Path:
    """Where the sealer keeps its newest seal."""
    path = tmp_path / "seal_checkpoint"
    settings.BULKHEAD_SEAL_CHECKPOINT = path
    return path


def said(*command: str) -> str:
    """Run a command; return what it prints."""
    printed = StringIO()
    call_command(*command, stdout=printed, stderr=printed)
    return printed.getvalue().strip()


def refused(*command: str) -> tuple[int, str]:
    """Run a command that fails; return its exit code and message."""
    with pytest.raises(CommandError) as raised:
        said(*command)
    return raised.value.returncode, str(raised.value)


def test_sealing_and_verifying_say_what_was_done(governed: Governed) -> None:
    assert said("seal_audit") == "Seal 1 was made."
    assert said("seal_audit") == "Nothing waits for a seal."
    rows = sum(len(document) > 0 for document in governed.add_tasks(2)) * 2
    assert said("seal_audit") == "Seal 2 was made."
    newest = Seal.objects.latest("number")
    under_first = json.loads(Seal.objects.get(number=1).document)["rows"]
    assert said("verify_audit") == (
        f"verified 2 operations, {under_first + rows} rows,"
        f" up to {newest.sealed_at:%Y-%m-%d %H:%M:%S} UTC"
    )


def test_verifying_says_how_many_wait(governed: Governed) -> None:
    assert said("verify_audit").splitlines() == [
        "There is no checkpoint here: removing the newest seals would not show.",
        "verified 0 operations, 0 rows, up to the beginning",
        "1 operation waits for its seal",
    ]


def test_a_trail_that_was_tampered_with_ends_with_one(governed: Governed) -> None:
    said("seal_audit")
    become_owner()
    execute("UPDATE audit_operation SET reason = 'another'")
    altered = f"operation {Operation.objects.get().pk}: the operation itself was altered"
    assert refused("verify_audit") == (1, f"NOT AS SEALED: {altered}")


def test_seals_that_were_rolled_back_show_against_the_file_beside_and_an_exported_one(
    governed: Governed, checkpoint: Path, tmp_path: Path
) -> None:
    exported = tmp_path / "kept.json"
    said("seal_audit")
    assert said("export_checkpoint", str(exported)).startswith("Seal 1 of ")
    assert said("verify_audit", "--checkpoint", str(exported))
    become_owner()
    for table in ("audit_sealedrows", "audit_sealedoperation", "audit_seal", "audit_layout"):
        execute(f"DELETE FROM {table}")  # noqa: S608 - a table of ours
    await_all()
    expected = (1, "NOT AS SEALED: seal 1 was made, but the database ends with none")
    assert refused("verify_audit") == expected
    checkpoint.unlink()
    assert said("verify_audit")
    assert refused("verify_audit", "--checkpoint", str(exported)) == expected


def test_after_a_restore_the_seals_go_on_from_what_there_is(
    governed: Governed, checkpoint: Path
) -> None:
    said("seal_audit")
    before = transaction.savepoint()
    governed.add_tasks(1)
    said("seal_audit")
    transaction.savepoint_rollback(before)
    code, message = refused("seal_audit")
    assert (code, "seal 2 was made" in message, "--after-restore" in message) == (1, True, True)
    governed.add_tasks(1)
    assert said("seal_audit", "--after-restore").splitlines() == [
        f"The newest seal that was made here is kept in {checkpoint}.2.",
        "Seal 2 was made.",
    ]
    assert "verified 2 operations" in said("verify_audit")
    assert refused("verify_audit", "--checkpoint", f"{checkpoint}.2")[0] == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--checkpoint", "/nowhere"), "/nowhere holds no checkpoint"),
        (("--public-key", "12"), "'12' is no public key of 64 hex digits"),
    ],
)
def test_what_cannot_be_told_ends_with_two(
    governed: Governed, arguments: tuple[str, ...], message: str
) -> None:
    said("seal_audit")
    assert refused("verify_audit", *arguments) == (2, message)


def test_a_key_given_by_hand_is_the_only_one_that_is_believed(governed: Governed) -> None:
    said("seal_audit")
    assert "verified 1 operations" in said("verify_audit", "--public-key", seal_key().public)
    code, message = refused("verify_audit", "--public-key", "00" * 32)
    assert (code, "a key that is not trusted" in message) == (1, True)


def test_the_public_key_is_shown_and_a_key_that_cannot_be_used_is_refused(
    settings: Settings,
) -> None:
    assert said("show_seal_key") == seal_key().public
    assert check_seal_keys() == []
    settings.BULKHEAD_FORMER_SEAL_KEYS = ["12"]
    assert [message.id for message in check_seal_keys()] == ["audit.E002"]
    settings.BULKHEAD_SEAL_KEY = "short"
    assert refused("show_seal_key")[1].startswith("BULKHEAD_SEAL_KEY must be 32 bytes")


def test_only_a_span_of_time_is_verified(governed: Governed) -> None:
    said("seal_audit")
    governed.add_tasks(1)
    assert "verified 1 operations" in said("verify_audit", "--to", str(timezone.now()))
    assert "verified 0 operations" in said("verify_audit", "--from", "2999-01-01")
    with pytest.raises(CommandError, match="is no time like"):
        said("verify_audit", "--from", "yesterday")


def test_there_is_no_checkpoint_before_the_first_seal(governed: Governed, tmp_path: Path) -> None:
    assert refused("export_checkpoint", str(tmp_path / "c"))[1].startswith("nothing is sealed yet")
    said("seal_audit")
    assert "No such file" in refused("export_checkpoint", str(tmp_path / "no" / "folder"))[1]


@pytest.mark.parametrize("content", ["nonsense", "[]", '{"document": "{}", "signature": ""}'])
def test_a_spoiled_checkpoint_stops_the_sealer(
    governed: Governed, checkpoint: Path, content: str
) -> None:
    checkpoint.write_text(content)
    assert refused("seal_audit") == (1, f"{checkpoint} holds no checkpoint")
    assert refused("verify_audit") == (2, f"{checkpoint} holds no checkpoint")
    assert not Seal.objects.exists()
