"""Those who tamper and then repair what shows it: what that takes, and what still gives them away."""

import base64
from datetime import timedelta
from itertools import cycle
from pathlib import Path
from uuid import UUID

import pytest
from django.db import models, transaction
from django.utils import timezone
from pytest_django.fixtures import Settings

from audit.models import Operation, Seal, SealedOperation, SealedRows
from audit.proof.anchors import anchor_newest
from audit.proof.documents import present_layout
from audit.proof.seals import await_all, seal_all
from audit.proof.verification.verify import Scope
from tasks.models import Task
from tests.audit.proof.test_anchors import Keeper, listening
from tests.audit.sealed import assert_named, execute, fact_of, verified
from tests.audit.test_audit_commands import refused, said
from tests.tracked import HISTORIES


pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("owner")]

HISTORY = Task.history.model


def newest() -> Seal:
    return Seal.objects.latest("number")


def roll_back_newest() -> None:
    """Remove the newest seal so that its operations look as if they waited for their first one."""
    number = newest().number
    under = f"SELECT operation_id FROM audit_sealedoperation WHERE seal_id = {number}"  # noqa: S608
    execute(f"DELETE FROM audit_sealedrows WHERE operation_id IN ({under})")  # noqa: S608
    execute(f"DELETE FROM audit_sealedoperation WHERE seal_id = {number}")  # noqa: S608
    execute(f"DELETE FROM audit_seal WHERE number = {number}")  # noqa: S608
    await_all()


def test_rolling_back_the_newest_seal_shows_against_a_checkpoint_and_not_without() -> None:
    checkpoint = newest()
    roll_back_newest()
    assert verified().waiting == 1
    assert_named("seal 3 was made", "ends with seal 2", checkpoints=[checkpoint])


def test_all_seals_removed_show_against_a_checkpoint() -> None:
    checkpoint = newest()
    for _ in range(3):
        roll_back_newest()
    execute("DELETE FROM audit_layout")
    assert verified().operations == 0
    assert_named("seal 3 was made", "ends with none", checkpoints=[checkpoint])


def test_sealing_anew_with_the_right_key_shows_against_a_checkpoint() -> None:
    checkpoint = newest()
    roll_back_newest()
    under_it = Operation.objects.latest("finished_at")
    execute(f"UPDATE audit_operation SET reason = 'a better one' WHERE id = '{under_it.pk}'")  # noqa: S608
    assert seal_all() == [3]
    assert verified().waiting == 0
    assert_named("seal 3 is another one than was made", checkpoints=[checkpoint])


def test_whoever_has_the_key_and_the_machine_is_given_away_by_what_is_kept_elsewhere(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    kept, sent = tmp_path / "kept.json", tmp_path / "sent.json"
    said("export_checkpoint", str(kept))
    with listening(Keeper()) as keeper:
        settings.BULKHEAD_SEAL_WEBHOOK = keeper.url
        anchor_newest()
        # The same seals at the same times, all with the right key, over something else.
        times = list(Seal.objects.filter(number__gte=2).values_list("sealed_at", flat=True))
        under = SealedOperation.objects.filter(seal_id=2).count()
        monkeypatch.setattr("audit.proof.seals._OPERATIONS", under)
        for _ in times:
            roll_back_newest()
        execute("UPDATE audit_operation SET reason = 'a better one' WHERE kind = 'fill'")
        settings.BULKHEAD_SEAL_CHECKPOINT = tmp_path / "own"
        assert seal_all(now=cycle(times).__next__) == [2, 3]
        anchor_newest()
    assert said("verify_audit").startswith("verified 6 operations")
    first, second = (body for _, body in keeper.received)
    assert first != second
    sent.write_bytes(first)
    another = "NOT AS SEALED: seal 3 is another one than was made"
    for checkpoint in (kept, sent):
        assert refused("verify_audit", "--checkpoint", str(checkpoint)) == (1, another)


def test_sealing_anew_with_another_key_is_named(settings: Settings) -> None:
    roll_back_newest()
    right = settings.BULKHEAD_SEAL_KEY
    settings.BULKHEAD_SEAL_KEY = base64.b64encode(b"m" * 32).decode()
    seal_all()
    settings.BULKHEAD_SEAL_KEY = right
    assert_named("seal 3 is signed with a key that is not trusted")


def test_a_checkpoint_that_was_tampered_with_is_named() -> None:
    checkpoint = newest()
    checkpoint.document = checkpoint.document.replace('"rows":', '"rows": ')
    assert_named("seal 3 was altered: its signature", checkpoints=[checkpoint])


def test_a_row_and_its_sealed_digest_altered_together_name_the_operation() -> None:
    fact = fact_of(HISTORY)
    execute(f"UPDATE {fact.table} SET name = 'another' WHERE {fact.where}")  # noqa: S608
    digests = "UPDATE audit_sealedrows SET entries = set_byte(entries, 9, get_byte(entries, 9) # 1)"
    execute(f"{digests} WHERE operation_id = '{fact.names[0]}'")
    assert_named(fact.names[0], "the sealed digests of its rows were altered$")


def test_sealed_digests_that_were_altered_alone_leave_no_doubt_about_the_rows() -> None:
    fact = fact_of(SealedRows)
    execute(f"UPDATE audit_sealedrows SET entries = sha256(entries) WHERE {fact.where}")  # noqa: S608
    assert_named(fact.names[0], "digests .* were altered; the rows themselves are as they were")


ADD_PART = "INSERT INTO audit_sealedrows (operation_id, table_name, part, entries) VALUES "
# What a digest of all entries, one after the other, does not tell.
REARRANGED = {
    "an empty part": ADD_PART + "('{0}', 'tasks_historicaltask', 1, '')",
    "a part of an unknown table": ADD_PART + "('{0}', 'tasks_historicalzone', 0, '')",
    "another name of the same order": (
        "UPDATE audit_sealedrows SET table_name = 'tasks_historicaltasj'"
        " WHERE operation_id = '{0}' AND table_name = 'tasks_historicaltask'"
    ),
    "an entry in the part of another table": (
        "UPDATE audit_sealedrows AS rows SET entries = CASE table_name"
        " WHEN 'tasks_historicaltask' THEN entries || ("
        " SELECT substr(entries, 1, 40) FROM audit_sealedrows AS other"
        " WHERE other.operation_id = rows.operation_id"
        " AND other.table_name = 'tasks_historicaltasktype'"
        ") ELSE substr(entries, 41) END"
        " WHERE operation_id = '{0}' AND table_name ~ '^tasks_historicaltask'"
    ),
    "a part that ends within an entry": (
        "UPDATE audit_sealedrows AS rows SET entries = CASE table_name"
        " WHEN 'tasks_historicaltask' THEN entries || ("
        " SELECT substr(entries, 1, 8) FROM audit_sealedrows AS other"
        " WHERE other.operation_id = rows.operation_id"
        " AND other.table_name = 'tasks_historicaltasktype'"
        ") ELSE substr(entries, 9) END"
        " WHERE operation_id = '{0}' AND table_name ~ '^tasks_historicaltask'"
    ),
}


@pytest.mark.parametrize("harm", REARRANGED)
def test_sealed_digests_that_are_arranged_otherwise_are_named(harm: str) -> None:
    (operation,) = fact_of(SealedRows).names
    execute(REARRANGED[harm].format(operation))
    assert_named(operation)


def test_a_signature_in_other_letters_is_named() -> None:
    execute("UPDATE audit_seal SET signature = upper(signature) WHERE number = 2")
    assert_named("seal 2 was altered: its signature")


def test_numbers_that_are_equal_but_not_the_same_are_told_apart() -> None:
    fact = fact_of(Operation)
    execute(f"UPDATE audit_operation SET parameters = '{{\"n\": 1.0}}' WHERE {fact.where}")  # noqa: S608
    assert_named(*fact.names, "the operation itself was altered")


def test_an_operation_dated_before_the_newest_seal_is_named_unless_it_is_accepted() -> None:
    execute(
        "INSERT INTO audit_operation SELECT (jsonb_populate_record(row, jsonb_build_object("
        " 'id', gen_random_uuid(), 'finished_at', finished_at - interval '11 minutes'))).*"
        " FROM audit_operation AS row WHERE kind = 'fill'"
    )
    await_all()
    inserted = str(Operation.objects.earliest("finished_at").pk)
    assert_named(inserted, "was not there when the newest seal was made")
    seal_all()
    named = f"1 operations were sealed long after the end that they state; the first is {inserted}"
    assert refused("verify_audit") == (1, f"NOT AS SEALED: {named} (--accept-late)")
    assert said("verify_audit", "--accept-late").endswith(named)


def test_an_operation_that_was_taken_from_those_that_wait_is_named_and_can_be_sealed() -> None:
    roll_back_newest()
    execute("DELETE FROM audit_unsealed")
    waited = str(Operation.objects.latest("finished_at").pk)
    assert_named(waited, "does not wait")
    assert seal_all() == []
    await_all()
    assert seal_all() == [3]
    assert verified().waiting == 0


def test_a_row_of_an_operation_that_there_is_not_is_named() -> None:
    fact = fact_of(HISTORY)
    execute(
        f"INSERT INTO {fact.table} SELECT (jsonb_populate_record(row, jsonb_build_object("  # noqa: S608
        f" 'history_id', 77, 'operation_id', gen_random_uuid()))).* FROM {fact.table} AS row"
        f" WHERE {fact.where}"
    )
    assert_named(f"row 77 of {fact.table} was inserted")


def test_a_row_in_a_table_that_was_not_tracked_when_it_was_sealed_is_named() -> None:
    roll_back_newest()
    left_out = {"tasks_historicaltask", "permissions_historicaltaskpermission"}
    with pytest.MonkeyPatch.context() as patch:
        layout = {
            name: columns for name, columns in present_layout().items() if name not in left_out
        }
        patch.setattr("audit.proof.seals.present_layout", lambda: layout)
        seal_all()
    assert_named("row .* of permissions_historicaltaskpermission was inserted")


def test_a_column_under_seal_that_is_gone_is_named_and_a_new_one_is_none_of_its_business() -> None:
    table = HISTORY._meta.db_table
    execute("SET CONSTRAINTS ALL IMMEDIATE")
    execute(f"ALTER TABLE {table} ADD COLUMN added integer NOT NULL DEFAULT 7")
    assert verified().waiting == 0
    execute(f"ALTER TABLE {table} DROP COLUMN disabled_reason")
    assert_named(f"{table} has lost .* disabled_reason")


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_row_that_was_given_to_another_operation_is_named(number: int) -> None:
    fact = fact_of(HISTORY)
    other = SealedOperation.objects.filter(seal_id=number).exclude(pk=UUID(fact.names[0])).first()
    assert other
    execute(f"UPDATE {fact.table} SET operation_id = '{other.pk}' WHERE {fact.where}")  # noqa: S608
    assert_named(fact.names[1])


def test_a_row_that_is_there_twice_is_named() -> None:
    fact = fact_of(HISTORY)
    (key,) = execute(
        f"SELECT conname FROM pg_constraint WHERE conrelid = '{fact.table}'::regclass"  # noqa: S608
        " AND contype = 'p'"
    )[0]
    execute(f"ALTER TABLE {fact.table} DROP CONSTRAINT {key}")
    execute(f"INSERT INTO {fact.table} SELECT * FROM {fact.table} WHERE {fact.where}")  # noqa: S608
    assert_named(*fact.names, "was inserted")


HARMS = {
    "was altered": "UPDATE {0} SET {2} = '?' WHERE {1} = %s",
    "was removed": "DELETE FROM {0} WHERE {1} = %s",
}


@pytest.mark.parametrize("model", [Operation, *HISTORIES])
def test_every_single_row_is_looked_at_and_missed(model: type[models.Model]) -> None:
    of_operations = "audit_operation", "id", "kind"
    of_history = model._meta.db_table, "history_id", "history_type"
    table, key, column = of_operations if model is Operation else of_history
    harms = cycle(HARMS.items())
    for (row,) in execute(f"SELECT {key} FROM {table} ORDER BY 1"):  # noqa: S608
        named, harm = next(harms)
        before = transaction.savepoint()
        execute(harm.format(table, key, column), [row])
        assert_named(f"operation {row}" if key == "id" else f"row {row} of {table}", named)
        transaction.savepoint_rollback(before)


@pytest.mark.parametrize("said", ["{}", '{"tables": {"tasks_historicaltask": {"below": "all"}}}'])
def test_an_archive_of_which_nothing_can_be_read_excuses_nothing_and_is_named(said: str) -> None:
    forged = (
        "INSERT INTO audit_operation SELECT (jsonb_populate_record(row, jsonb_build_object('id',"
        " gen_random_uuid(), 'kind', 'archive_history', 'state', 'applied', 'parameters', %s::jsonb))).*"
        " FROM audit_operation AS row WHERE kind = 'fill'"
    )
    execute(forged, [said])
    archive = Operation.objects.get(kind="archive_history").pk
    assert_named(f"operation {archive} does not say what was archived")


def test_the_first_of_several_places_is_the_one_that_is_named() -> None:
    execute("UPDATE audit_seal SET signature = repeat('0', 128) WHERE number = 3")
    fact = fact_of(HISTORY)
    execute(f"DELETE FROM {fact.table} WHERE {fact.where}")  # noqa: S608
    assert_named(*fact.names)


@pytest.mark.parametrize(("first", "last", "operations"), [(1, 1, 1), (2, 3, None), (3, 3, 1)])
def test_a_span_of_time_is_verified_by_itself(
    first: int, last: int, operations: int | None
) -> None:
    since, until = (Seal.objects.get(number=number).sealed_at for number in (first, last))
    found = verified(scope=Scope(since=since, until=until))
    assert found.up_to == until
    assert operations in {None, found.operations}
    execute(f"UPDATE audit_seal SET document = document || ' ' WHERE number = {first - 1}")  # noqa: S608
    if first > 1:
        assert_named("seal 1 was altered" if first == 2 else "seal 2 was altered")
    later = Scope(since=timezone.now() + timedelta(days=1))
    assert verified(scope=later).operations == 0
