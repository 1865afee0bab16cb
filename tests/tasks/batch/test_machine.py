"""Batches in any order by anybody, between edits of what governs them: what must hold at every step."""

from random import Random
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection, transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)

from audit.models import Operation, State
from audit.recorder import administrative_operation
from permissions.changes import SetPermissions
from permissions.flags import Flag
from permissions.models import RoleMember, RolePermission
from permissions.roles import ADMINISTRATOR, TASK_CREATOR, add_role
from tasks.batch import pipeline
from tasks.batch.change import Change, Restore
from tasks.batch.errors import PlanRefused
from tasks.batch.pipeline import Batch
from tasks.batch.plan import Plan
from tasks.changes import SetEnabled, UpdateSettings
from tests.conftest import ORIGIN, build_governed
from tests.observed import (
    Observed,
    administrator_is_whole,
    assert_history_replays,
    codes_held,
    digest_of_everything,
    flags_held,
    observe,
)
from tests.tasks.batch.promises import (
    Attempt,
    check_against_rights,
    check_undo_against_history,
    comparable,
)


TASKS = 3
UNKNOWN = TASKS
PATCHES: list[dict[str, Any]] = [
    {"repository": {"branch": "main"}},
    {"repository": {"branch": "develop"}},
    {"repository": {"url": None}, "notifications": {"enabled": True}},
    {"notifications": {}},
    {"notifications": None},
    {"repository": {"token": "a long secret"}},
    {"repository": {"token": None}},
    {"repository": None},
    {"repository": {"branch": 7}, "no such setting": 1},
    {},
]
CODES = [-3, -1, 3, 4, 8, 500]
PEOPLE = ["admin", "manager", "assigner", "by group", "developer", "viewer"]


class Dice(Random):
    """Draws what is to be done. Most of it can be done, or nearly every batch would be refused.

    Hypothesis draws the seed of each step, and so can leave steps out of a failing run; drawing the
    step itself, it prefers extremes, with which hardly anything is ever undone, or in conflict.
    """

    def once_in(self, number: int) -> bool:
        return self.randrange(number) == 0

    def flags(self) -> dict[str, bool]:
        names = self.sample([flag.vendor_name for flag in Flag], self.randint(1, 3))
        return {name: self.random() < 0.5 for name in names}

    def change(self) -> Change[Any]:
        what = self.randrange(5)
        if what < 2:
            return UpdateSettings(patch=self.choice(PATCHES))
        if what == 2:
            return SetEnabled(enabled=self.once_in(2), reason=self.choice(["", "frozen"]))
        codes = self.sample([*CODES, 999 if self.once_in(3) else 8], self.randint(0, 2))
        follow = self.choice([None, None, True, True, False])
        return SetPermissions(flags={code: self.flags() for code in codes}, follow=follow)

    def person(self, change: Change[Any]) -> str:
        likely = {"manage_task": ["manager", "assigner"]}.get(change.right, ["manager", "by group"])
        return self.choice(["admin", *likely, *likely, *PEOPLE])

    def door(self) -> str:
        return self.choice(["apply", "apply", "bound", "worker"])


class Batches(RuleBasedStateMachine):
    """Three tasks of two projects, and people who hold different roles in different ways."""

    def __init__(self) -> None:
        super().__init__()
        self.savepoint = transaction.savepoint()
        self.applied: list[Operation] = []
        self.payments = build_governed("payments")
        self.billing = build_governed("billing")
        self.admin = self.payments.admin
        self.uids = [*self.payments.add_tasks(2), *self.billing.add_tasks(1), "f" * 24]
        self.people = {
            "admin": self.admin,
            "manager": self.payments.manager,
            "developer": self.payments.developer,
            "viewer": self.payments.viewer,
            "assigner": User.objects.create_user("assigner"),
            "by group": User.objects.create_user("by-group"),
        }
        self.group = Group.objects.create(name="reviewers")
        self.people["by group"].groups.add(self.group)
        with administrative_operation(actor=self.admin, kind="set up", origin=ORIGIN):
            for governed in (self.payments, self.billing):
                role = add_role(project=governed.project, name="Assigner")
                RolePermission.objects.get(role=role).delete()
                RolePermission.objects.create(
                    matrix=governed.project.matrices.get(digest=None),
                    role=role,
                    role_code=role.code,
                    is_view=True,
                    is_manager=True,
                )
                RoleMember.objects.create(role=role, user=self.people["assigner"])
                RoleMember.objects.create(role=governed.role(4), group=self.group)
            for code, name in ((3, "manager"), (4, "developer"), (8, "viewer")):
                RoleMember.objects.create(role=self.billing.role(code), user=self.people[name])

    def teardown(self) -> None:
        # In production these are checked when the transaction commits.
        connection.check_constraints()
        transaction.savepoint_rollback(self.savepoint)

    @rule(seed=st.integers(0, 2**32))
    def step(self, seed: int) -> None:
        dice = Dice(seed)
        what = dice.choice([self.batch] * 6 + [self.undo] * 4 + [self.govern])
        what(dice)

    def batch(self, dice: Dice) -> None:
        change = dice.change()
        person = dice.person(change)
        uids = dice.sample(self.uids[:TASKS], dice.randint(1, TASKS))
        if dice.once_in(15):
            uids.append(self.uids[UNKNOWN])
        key = self.people[person].pk
        User.objects.filter(pk=key).update(is_active=not dice.once_in(15))
        self.attempt(change, uids, person, dice.door())
        User.objects.filter(pk=key).update(is_active=True)

    def undo(self, dice: Dice) -> None:
        if not self.applied:
            return
        operation = dice.choice(self.applied)
        inverse, operation_id = inverse_of(operation), str(operation.pk)
        change = inverse(operation_id=operation_id, skip_conflicts=dice.once_in(2))
        uids = inverse.uids_of(operation_id=operation_id)
        self.attempt(change, uids, dice.person(change), dice.door())

    def govern(self, dice: Dice) -> None:
        """Edit a row of a project's matrix, or add or remove a member: a person or the group."""
        role = dice.choice([self.billing, self.payments]).role(dice.choice(CODES))
        with administrative_operation(actor=self.admin, kind="govern", origin=ORIGIN):
            if role.code != ADMINISTRATOR and dice.once_in(2):
                row = RolePermission.objects.get(role=role, matrix__digest=None)
                for name, value in dice.flags().items():
                    setattr(row, name, value)
                row.save()
                return
            if role.code == TASK_CREATOR:
                return  # who created a task holds it; nobody is its member
            user = self.people[dice.choice(PEOPLE)]
            who = {"group": self.group} if dice.once_in(7) else {"user": user}
            member, added = RoleMember.objects.get_or_create(role=role, **who)
            if not added:
                member.delete()

    @invariant()
    def history_replays_to_the_present(self) -> None:
        assert_history_replays()

    @invariant()
    def administrators_hold_everything(self) -> None:
        assert administrator_is_whole(observe().values())

    def attempt(self, change: Change[Any], uids: list[str], name: str, door: str) -> None:
        """Preview and apply a batch; check what it did against what it said."""
        actor = self.people[name]
        batch = Batch(change=change, uids=uids, origin=ORIGIN)
        plan = pipeline.preview(actor=actor, batch=batch)
        assert pipeline.preview(actor=actor, batch=batch).fingerprint == plan.fingerprint
        before, tables = observe(), digest_of_everything()
        held = {uid: flags_held(actor, uid) for uid in uids if uid in before}
        masters = {uid for uid in held if actor.is_superuser or codes_held(actor, uid) & {-1, 3}}
        check_against_rights(change, plan, held)
        if isinstance(change, Restore):
            check_undo_against_history(change, plan)
        operation = self.go_through(door, actor, batch, plan)
        if operation is None:
            assert digest_of_everything() == tables
            return
        after = observe()
        Attempt(change, plan, operation, held, masters, before, after).check()
        self.check_undo(operation, before, after)
        if operation.changed:
            self.applied.append(operation)

    def go_through(self, door: str, actor: User, batch: Batch, plan: Plan) -> Operation | None:
        """Apply the batch through one of the doors; return None if it is refused."""
        if door == "bound":
            batch = Batch(
                change=batch.change, uids=batch.uids, origin=ORIGIN, expected=plan.fingerprint
            )
        enter: Any = pipeline.submit if door == "worker" else pipeline.apply
        if plan.refusals:
            with pytest.raises(PlanRefused) as refused:
                enter(actor=actor, batch=batch)
            assert comparable(refused.value.plan) == comparable(plan)
            return None
        applied = enter(actor=actor, batch=batch)
        assert comparable(applied.plan) == comparable(plan)
        assert applied.plan.fingerprint == plan.fingerprint
        if door != "worker":
            return Operation.objects.get(pk=applied.operation.pk)
        queued = Operation.objects.get(pk=applied.operation.pk)
        assert (queued.state, queued.requested) == (State.QUEUED, list(batch.uids))
        return pipeline.run(operation=queued, actor=actor, report=lambda _done, _total: None)

    def check_undo(
        self,
        operation: Operation,
        before: dict[str, Observed],
        after: dict[str, Observed],
    ) -> None:
        """Undone at once the batch was never there; the undo undone, it is there again."""
        savepoint = transaction.savepoint()
        undone = self.revert(operation)
        if undone is not None:
            assert {uid: task.wanted for uid, task in observe().items()} == {
                uid: task.wanted for uid, task in before.items()
            }
            assert self.revert(undone) is not None
            assert {uid: task.wanted for uid, task in observe().items()} == {
                uid: task.wanted for uid, task in after.items()
            }
            assert_history_replays()
        else:
            assert before == after
        transaction.savepoint_rollback(savepoint)

    def revert(self, operation: Operation) -> Operation | None:
        """Undo the operation as the admin; return None if there is nothing to undo."""
        inverse = inverse_of(operation)
        uids = inverse.uids_of(operation_id=str(operation.pk))
        if not uids:
            return None
        batch = Batch(
            change=inverse(operation_id=str(operation.pk)),
            uids=uids,
            origin=ORIGIN,
            reverts=operation.pk,
        )
        return pipeline.apply(actor=self.admin, batch=batch).operation


def inverse_of(operation: Operation) -> type[Restore[Any]]:
    """Return the change that undoes the operation."""
    kind = Change.of_kind(operation.kind)
    assert kind is not None
    assert kind.inverse is not None
    return kind.inverse


def test_batches_in_any_order_by_anybody_keep_what_they_promise(db: None) -> None:
    run_state_machine_as_test(
        Batches,
        settings=settings(
            max_examples=8,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            # A step is one seed: there is nothing smaller to shrink it to.
            phases=[Phase.generate],
        ),
    )
