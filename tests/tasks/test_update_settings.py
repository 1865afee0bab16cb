"""UpdateSettings through the pipeline, against the real database."""

import pytest

from permissions.changes import SetPermissions
from tasks.batch import pipeline
from tasks.batch.errors import PlanDrifted, PlanRefused
from tasks.batch.pipeline import Batch
from tasks.batch.plan import OutcomeKind, Reason
from tasks.changes import RestoreSettings, UpdateSettings
from tasks.models import Secret, Task
from tests.conftest import ORIGIN, SETTINGS, Governed


MAIN = UpdateSettings(patch={"repository": {"branch": "main"}})


def test_a_developer_changes_the_settings_of_all_targets_and_each_has_one_history_row(
    governed: Governed,
) -> None:
    uids = governed.add_tasks(3)
    applied = pipeline.apply(
        actor=governed.developer, batch=Batch(change=MAIN, uids=uids, origin=ORIGIN)
    )
    assert applied.plan.counts == {OutcomeKind.CHANGE: 3}
    for task in Task.objects.filter(uid__in=uids):
        assert task.settings["repository"] == {**SETTINGS["repository"], "branch": "main"}
        assert task.version == 2
        assert task.history.filter(operation=applied.operation).count() == 1


def test_a_task_that_already_is_so_gets_no_history_row(governed: Governed) -> None:
    uids = governed.add_tasks(2)
    batch = Batch(change=MAIN, uids=uids, origin=ORIGIN)
    pipeline.apply(actor=governed.developer, batch=batch)
    again = pipeline.apply(actor=governed.developer, batch=batch)
    assert again.plan.counts == {OutcomeKind.UNCHANGED: 2}
    assert not Task.history.filter(operation=again.operation).exists()


def test_one_bad_target_stops_the_batch_and_every_offender_is_named(governed: Governed) -> None:
    uids = governed.add_tasks(2)
    unknown = "f" * 24
    batch = Batch(change=MAIN, uids=[*uids, unknown], origin=ORIGIN)
    with pytest.raises(PlanRefused) as refused:
        pipeline.apply(actor=governed.viewer, batch=batch)
    reasons = {outcome.uid: outcome.reason for outcome in refused.value.plan.refusals}
    expected = dict.fromkeys(uids, Reason.NO_RIGHT)
    assert reasons == {**expected, unknown: Reason.NOT_FOUND}
    assert set(Task.objects.values_list("settings__repository__branch", flat=True)) == {"develop"}


def test_a_task_that_the_actor_may_not_see_is_missing_as_if_it_did_not_exist(
    governed: Governed,
) -> None:
    hidden, unknown = governed.add_tasks(1)[0], "f" * 32
    plan = pipeline.preview(
        actor=governed.outsider, batch=Batch(change=MAIN, uids=[hidden, unknown], origin=ORIGIN)
    )
    seen, unseen = (outcome._replace(uid="") for outcome in plan.outcomes)
    assert seen == unseen
    assert seen.kind is OutcomeKind.MISSING


def test_an_outdated_fingerprint_names_the_tasks_that_drifted(governed: Governed) -> None:
    uids = governed.add_tasks(3)
    batch = Batch(change=MAIN, uids=uids, origin=ORIGIN)
    plan = pipeline.preview(actor=governed.developer, batch=batch)
    other = UpdateSettings(patch={"notifications": {"enabled": True}})
    pipeline.apply(actor=governed.manager, batch=Batch(change=other, uids=uids[:1], origin=ORIGIN))
    bound = Batch(change=MAIN, uids=uids, origin=ORIGIN, expected=plan.fingerprint)
    with pytest.raises(PlanDrifted) as drifted:
        pipeline.apply(actor=governed.developer, batch=bound)
    assert drifted.value.uids == uids[:1]


def test_a_secret_is_stored_once_encrypted_and_is_a_reference_everywhere_else(
    governed: Governed,
) -> None:
    uids = governed.add_tasks(1)
    change = UpdateSettings(patch={"repository": {"token": "correct horse"}})
    applied = pipeline.apply(
        actor=governed.developer, batch=Batch(change=change, uids=uids, origin=ORIGIN)
    )
    reference = Task.objects.get(uid=uids[0]).settings["repository"]["token"]
    assert Secret.objects.filter(reference=reference).exists()
    assert "correct horse" not in repr((applied, applied.operation.parameters))
    assert applied.operation.parameters["sealed"] == {"/repository/token": reference}


def test_undo_restores_what_is_untouched_and_reports_what_changed_since(
    governed: Governed,
) -> None:
    uids = governed.add_tasks(2)
    applied = pipeline.apply(
        actor=governed.developer, batch=Batch(change=MAIN, uids=uids, origin=ORIGIN)
    )
    later = UpdateSettings(patch={"repository": {"branch": "release"}})
    pipeline.apply(
        actor=governed.developer, batch=Batch(change=later, uids=uids[1:], origin=ORIGIN)
    )
    undo = RestoreSettings(operation_id=str(applied.operation.pk))
    plan = pipeline.preview(
        actor=governed.developer, batch=Batch(change=undo, uids=uids, origin=ORIGIN)
    )
    assert [outcome.kind for outcome in plan.outcomes] == [OutcomeKind.CHANGE, OutcomeKind.CONFLICT]


def test_a_manager_cannot_grant_a_flag_that_he_does_not_hold(governed: Governed) -> None:
    uids = governed.add_tasks(1)
    lower = SetPermissions(flags={3: {"is_delete": False}})
    pipeline.apply(actor=governed.admin, batch=Batch(change=lower, uids=uids, origin=ORIGIN))
    grant = SetPermissions(flags={8: {"is_delete": True}})
    plan = pipeline.preview(
        actor=governed.manager, batch=Batch(change=grant, uids=uids, origin=ORIGIN)
    )
    assert [outcome.reason for outcome in plan.outcomes] == [Reason.NOT_HELD]
