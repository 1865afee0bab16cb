"""A secret has one stored place, and no other trace."""

from datetime import timedelta
from typing import Any

import pytest
from cryptography.fernet import InvalidToken
from django.db import connection
from pytest_django.fixtures import Settings

from audit.models import Operation, State
from audit.recorder import administrative_operation
from tasks.batch import pipeline
from tasks.batch.errors import Malformed, PlanRefused
from tasks.batch.pipeline import Batch
from tasks.batch.plan import Outcome, OutcomeKind
from tasks.changes import RestoreSettings, UpdateSettings
from tasks.models import Secret, Task, TaskType
from tasks.secrets import SealBroken, reveal_secret, seal_text, store_secrets, unseal_text
from tests.conftest import GIT_SCHEMA, ORIGIN, Governed, insert_tasks


PLANTED = "correct-horse-battery-staple"


def batch_of(*uids: str, **patch: Any) -> Batch:
    """Return a batch that merges the patch into the tasks' settings."""
    return Batch(change=UpdateSettings(patch=patch), uids=uids, origin=ORIGIN)


def tables_with(text: str) -> set[str]:
    """Return every table of the database in which any column of any row has the text."""
    with connection.cursor() as cursor:
        cursor.execute(
            # A partition's rows are among those of its table.
            "SELECT oid::regclass::text FROM pg_class WHERE relnamespace = 'public'::regnamespace"
            " AND relkind IN ('r', 'p') AND NOT relispartition",
        )
        tables = [table for (table,) in cursor.fetchall()]
        found = set()
        for table in tables:
            cursor.execute(
                f"SELECT count(*) FROM {table} AS r"  # noqa: S608 - a name from the catalogue
                " WHERE strpos(r::text, %s) > 0 OR strpos(r::text, %s) > 0",
                [text, text.encode().hex()],
            )
            if cursor.fetchone() != (0,):
                found.add(table)
    return found


def token_of(uid: str) -> str:
    """Return what the task's settings hold as the token of the repository."""
    token: str = Task.objects.get(uid=uid).settings["repository"]["token"]
    return token


def test_the_search_for_a_planted_text_finds_it_wherever_it_is(governed: Governed) -> None:
    (uid,) = governed.add_tasks(1)
    pipeline.apply(actor=governed.manager, batch=batch_of(uid, repository={"branch": PLANTED}))
    assert tables_with(PLANTED) == {"tasks_task", "tasks_historicaltask", "audit_operation"}
    Secret.objects.create(reference="secret:" + "0" * 32, sealed=PLANTED.encode())
    assert "tasks_secret" in tables_with(PLANTED)


def test_a_secret_is_in_no_table_after_preview_apply_submit_run_refusal_and_undo(
    governed: Governed, caplog: pytest.LogCaptureFixture
) -> None:
    uids = governed.add_tasks(3)
    change = {"repository": {"token": PLANTED, "branch": "main"}}
    shown: list[object] = [
        pipeline.preview(actor=governed.manager, batch=batch_of(*uids, **change))
    ]
    applied = pipeline.apply(actor=governed.manager, batch=batch_of(*uids[:2], **change))
    queued = pipeline.submit(actor=governed.manager, batch=batch_of(*uids[1:], **change))
    ran = pipeline.run(operation=queued.operation, actor=governed.manager, report=lambda *_: None)
    undo = RestoreSettings(operation_id=str(ran.pk))
    undone = pipeline.apply(
        actor=governed.manager, batch=Batch(change=undo, uids=uids[1:], origin=ORIGIN)
    )
    with pytest.raises(PlanRefused) as refused:
        pipeline.apply(
            actor=governed.manager,
            batch=batch_of(*uids, repository={"token": PLANTED, "branch": 7}),
        )
    assert ran.state == State.APPLIED
    assert tables_with(PLANTED) == set()
    shown += [applied, applied.plan, queued, undone.plan, refused.value, refused.value.plan]
    shown += [outcome for plan in (applied.plan, refused.value.plan) for outcome in plan.outcomes]
    assert PLANTED not in repr(shown) + repr(batch_of(*uids, **change)) + caplog.text
    assert {reveal_secret(token_of(uid)) for uid in uids[:2]} == {PLANTED}


def test_a_batch_without_targets_is_refused_before_anything_is_stored(governed: Governed) -> None:
    batch = batch_of(repository={"token": PLANTED})
    for door in (pipeline.apply, pipeline.submit):
        with pytest.raises(Malformed):
            door(actor=governed.manager, batch=batch)
    assert tables_with(PLANTED) == set()


def test_equal_secrets_have_different_references(governed: Governed) -> None:
    one, other = governed.add_tasks(2)
    for uid in (one, other, one):
        pipeline.apply(actor=governed.manager, batch=batch_of(uid, repository={"token": PLANTED}))
    references = set(Secret.objects.values_list("reference", flat=True))
    assert len(references) == 3
    assert token_of(one) != token_of(other)
    assert {reveal_secret(reference) for reference in references} == {PLANTED}


def test_a_preview_neither_stores_a_secret_nor_tells_by_its_outcome_what_is_stored(
    governed: Governed,
) -> None:
    (uid,) = governed.add_tasks(1)
    pipeline.apply(actor=governed.manager, batch=batch_of(uid, repository={"token": PLANTED}))
    for guess in (PLANTED, "another secret"):
        batch = batch_of(uid, repository={"token": guess})
        plan = pipeline.preview(actor=governed.manager, batch=batch)
        assert plan.counts == {OutcomeKind.CHANGE: 1}
    assert Secret.objects.count() == 1


def test_a_rotated_key_still_opens_what_the_former_key_sealed(
    governed: Governed, settings: Settings
) -> None:
    (uid,) = governed.add_tasks(1)
    pipeline.apply(actor=governed.manager, batch=batch_of(uid, repository={"token": PLANTED}))
    former, settings.SECRET_KEY = settings.SECRET_KEY, "another key"
    settings.SECRET_KEY_FALLBACKS = [former]
    assert reveal_secret(token_of(uid)) == PLANTED
    pipeline.apply(actor=governed.manager, batch=batch_of(uid, repository={"token": "since then"}))
    settings.SECRET_KEY_FALLBACKS = []
    assert reveal_secret(token_of(uid)) == "since then"
    before = Task.history.filter(uid=uid).order_by("-history_id")[1].settings
    with pytest.raises(InvalidToken):
        reveal_secret(before["repository"]["token"])


def test_undo_gives_the_former_secret_back(governed: Governed) -> None:
    (uid,) = governed.add_tasks(1)
    pipeline.apply(actor=governed.manager, batch=batch_of(uid, repository={"token": PLANTED}))
    leak = pipeline.apply(actor=governed.manager, batch=batch_of(uid, repository=None))
    undo = RestoreSettings(operation_id=str(leak.operation.pk))
    pipeline.apply(actor=governed.manager, batch=Batch(change=undo, uids=[uid], origin=ORIGIN))
    assert reveal_secret(token_of(uid)) == PLANTED


@pytest.mark.parametrize(
    "patch",
    [
        pytest.param({"repository": PLANTED}, id="instead of the object around it"),
        pytest.param({"repository": [PLANTED]}, id="in a list instead of that object"),
        pytest.param({"repository": {"token": [PLANTED]}}, id="in a list"),
        pytest.param({"repository": {"token": {"value": PLANTED}}}, id="in an object"),
        pytest.param({"token": PLANTED}, id="one level too high"),
        pytest.param({"repository": {"token": PLANTED[:7]}}, id="too short"),
        pytest.param({"repository": {"token": PLANTED + "\0"}}, id="not text"),
        pytest.param({"repository": {"token": PLANTED + "\udead"}}, id="half a character"),
    ],
)
def test_a_secret_in_the_wrong_place_or_form_is_refused_without_being_repeated(
    governed: Governed, patch: dict[str, Any]
) -> None:
    (uid,) = governed.add_tasks(1)
    plan = pipeline.preview(actor=governed.manager, batch=batch_of(uid, **patch))
    (outcome,) = plan.outcomes
    assert outcome.kind is OutcomeKind.INVALID
    assert PLANTED[:7] not in repr(outcome)
    assert tables_with(PLANTED[:7]) == set()


def test_removing_a_secret_or_what_is_around_it_needs_no_value(governed: Governed) -> None:
    (uid,) = governed.add_tasks(1)
    pipeline.apply(actor=governed.manager, batch=batch_of(uid, repository={"token": PLANTED}))
    pipeline.apply(actor=governed.manager, batch=batch_of(uid, repository={"token": None}))
    assert "token" not in Task.objects.get(uid=uid).settings["repository"]
    pipeline.apply(actor=governed.manager, batch=batch_of(uid, repository=None))
    assert "repository" not in Task.objects.get(uid=uid).settings


@pytest.mark.parametrize("place", ["token", "branch"])
def test_a_reference_read_from_one_task_cannot_be_written_to_another(
    governed: Governed, place: str
) -> None:
    victim, own = governed.add_tasks(2)
    pipeline.apply(actor=governed.manager, batch=batch_of(victim, repository={"token": PLANTED}))
    stolen = batch_of(own, repository={place: token_of(victim)})
    (outcome,) = pipeline.preview(actor=governed.manager, batch=stolen).outcomes
    assert outcome.kind is OutcomeKind.INVALID
    assert [problem.rule for problem in outcome.problems] == ["reference"]


def add_task_of_type(governed: Governed, *, key: str, schema: dict[str, Any]) -> str:
    """Add a task of another type to the project; return its uid."""
    uid = f"{key:0<24}"
    with administrative_operation(actor=governed.admin, kind="add", origin=ORIGIN) as operation:
        task_type = TaskType.objects.create(key=key, name=key, schema=schema)
        insert_tasks(
            operation=operation,
            project=governed.project,
            task_type=task_type,
            creator=governed.admin,
            uids=[uid],
        )
    return uid


def outcomes_of(governed: Governed, batch: Batch) -> dict[str, Outcome]:
    """Preview the batch; return the outcomes by uid."""
    plan = pipeline.preview(actor=governed.manager, batch=batch)
    return {outcome.uid: outcome for outcome in plan.outcomes}


def test_a_place_that_is_secret_in_one_type_and_open_in_another_is_refused_for_the_other(
    governed: Governed,
) -> None:
    (secret,) = governed.add_tasks(1)
    is_open = add_task_of_type(governed, key="a1", schema={"type": "object"})
    batch = batch_of(secret, is_open, repository={"token": PLANTED})
    outcomes = outcomes_of(governed, batch)
    assert outcomes[secret].kind is OutcomeKind.CHANGE
    assert [problem.rule for problem in outcomes[is_open].problems] == ["secret_place"]
    with pytest.raises(PlanRefused):
        pipeline.apply(actor=governed.manager, batch=batch)
    assert tables_with(PLANTED) == set()


def test_a_secret_of_several_types_is_judged_by_the_rules_of_each(governed: Governed) -> None:
    (eight,) = governed.add_tasks(1)
    repository = {**GIT_SCHEMA["properties"]["repository"]}
    token = {"type": "string", "writeOnly": True, "pattern": "^glpat-"}
    repository["properties"] = {**repository["properties"], "token": token}
    schema = {**GIT_SCHEMA, "properties": {**GIT_SCHEMA["properties"], "repository": repository}}
    prefixed = add_task_of_type(governed, key="b2", schema=schema)
    outcomes = outcomes_of(governed, batch_of(eight, prefixed, repository={"token": PLANTED}))
    assert outcomes[eight].kind is OutcomeKind.CHANGE
    assert [problem.rule for problem in outcomes[prefixed].problems] == ["pattern"]


def test_a_secret_three_levels_deep_is_sealed_in_its_place(governed: Governed) -> None:
    secret = {"type": "string", "writeOnly": True}
    schema: dict[str, Any] = {"type": "object", "properties": {"c": secret}}
    for name in ("b", "a"):
        schema = {"type": "object", "properties": {name: schema}}
    uid = add_task_of_type(governed, key="c3", schema=schema)
    patch = {"a": {"b": {"c": PLANTED, "open": "as it is"}}}
    applied = pipeline.apply(actor=governed.manager, batch=batch_of(uid, **patch))
    stored = Task.objects.get(uid=uid).settings["a"]["b"]
    assert reveal_secret(stored["c"]) == PLANTED
    assert stored["open"] == "as it is"
    assert applied.operation.parameters["sealed"] == {"/a/b/c": stored["c"]}
    assert tables_with(PLANTED) == set()


def test_a_place_that_becomes_secret_before_the_worker_runs_is_sealed_when_it_runs(
    governed: Governed,
) -> None:
    uid = add_task_of_type(governed, key="d4", schema={"type": "object"})
    queued = pipeline.submit(actor=governed.manager, batch=batch_of(uid, key=PLANTED))
    secret = {"type": "string", "writeOnly": True}
    with administrative_operation(actor=governed.admin, kind="edit", origin=ORIGIN):
        task_type = TaskType.objects.get(key="d4")
        task_type.schema = {"type": "object", "properties": {"key": secret}}
        task_type.save()
    pipeline.run(operation=queued.operation, actor=governed.manager, report=lambda *_: None)
    assert Operation.objects.get(pk=queued.operation.pk).state == State.APPLIED
    assert reveal_secret(Task.objects.get(uid=uid).settings["key"]) == PLANTED
    assert tables_with(PLANTED) == set()


def test_what_leaves_the_server_sealed_is_unreadable_and_comes_back(settings: Settings) -> None:
    sealed = seal_text(PLANTED)
    assert PLANTED not in sealed
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "the next key"
    assert unseal_text(sealed, valid_for=timedelta(minutes=1)) == PLANTED


@pytest.mark.parametrize("sealed", ["", "nonsense", "gAAAAAB", "ä"])
def test_what_was_not_sealed_here_is_refused(sealed: str) -> None:
    with pytest.raises(SealBroken):
        unseal_text(sealed, valid_for=timedelta(minutes=1))


def test_what_was_sealed_too_long_ago_is_refused() -> None:
    with pytest.raises(SealBroken):
        unseal_text(seal_text(PLANTED), valid_for=timedelta(seconds=-1))


def test_a_stored_secret_does_not_pass_for_a_sealed_text(db: None) -> None:
    del db
    store_secrets({"secret:" + "a" * 32: PLANTED})
    stored = bytes(Secret.objects.get().sealed).decode()
    with pytest.raises(SealBroken):
        unseal_text(stored, valid_for=timedelta(minutes=1))
