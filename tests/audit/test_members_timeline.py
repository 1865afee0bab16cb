"""Whatever happened, people read what was done to the tasks that they may view, and what they did."""

from typing import NamedTuple
from uuid import UUID

from django.contrib.auth.models import User
from hypothesis import HealthCheck, example, given, settings

from audit.models import Operation
from audit.noted import note_event
from audit.reading import ITSELF, Found, stream
from audit.recorder import administrative_operation
from audit.trail import Filter, read_operations
from audit.visibility import may_audit
from permissions.flags import Flag
from permissions.models import RoleMember
from tasks.batch.errors import BatchError
from tasks.changes import SetEnabled
from tasks.trail import reader_of
from tests.batches import apply
from tests.conftest import ORIGIN, Governed
from tests.permissions.histories import Life, Rights, Step, steps
from tests.permissions.test_past_replay import COMING_AND_GOING


LIVED = settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


class Told(NamedTuple):
    """What is told: the operation, and a row of its history; or the operation itself, which has none."""

    operation: UUID
    subject: str
    history_id: int


def read_by(reader: User) -> set[Told]:
    """Return all that somebody is told."""
    found = list(stream(reader=reader_of(actor=reader, wanted=Filter())))
    told = {_told(each) for each in found}
    assert len(told) == len(found), "something is told twice"
    return told


def _told(found: Found) -> Told:
    place = found.place
    if found.change is None:
        return Told(place.operation_id, ITSELF, 0)
    return Told(place.operation_id, place.subject, place.history_id)


def expected_of(person: User, everything: list[Found], rights: Rights) -> set[Told]:
    """Return what somebody should be told, asked of each row by itself."""
    own = set(Operation.objects.filter(actor=person).values_list("pk", flat=True))
    told = set()
    for found in everything:
        task = found.change.entry.task if found.change else None
        if task is None:
            is_read = found.place.operation_id in own
        else:
            is_read = bool(rights.get((str(person.pk), task), 0) & Flag.VIEW.bit)
        if is_read:
            told.add(_told(found))
    finished = own & {found.place.operation_id for found in everything}
    silent = finished - {each.operation for each in told}
    return told | {Told(operation, ITSELF, 0) for operation in silent}


def act(life: Life, person: User) -> None:
    """Let somebody do things of their own: some with rows about tasks, some without, some refused."""
    for uid in life.uids:
        try:
            apply(person, SetEnabled(enabled=False, reason=person.username), [uid])
        except BatchError:
            continue
    note_event(actor=person, kind="sign_in", origin=ORIGIN, parameters={})
    with administrative_operation(actor=person, kind="add_member", origin=ORIGIN):
        role = life.projects[0].roles.get(code=-1)
        RoleMember.objects.get_or_create(role=role, user=life.governed.outsider)


@LIVED
@example(happened=COMING_AND_GOING)
@given(happened=steps())
def test_people_are_told_exactly_what_was_done_to_tasks_that_they_may_view_and_what_they_did(
    committed: Governed, happened: list[Step]
) -> None:
    life = Life(committed)
    life.begin()
    for step in happened:
        life.live(step)
    people = list(User.objects.filter(pk__in=[each.pk for each in life.people], is_active=True))
    for person in people:
        act(life, person)
    rights = life.see(("see", 0, 0, 0, 0)).rights
    everything = list(stream(reader=reader_of(actor=committed.admin, wanted=Filter())))
    for person in people:
        if may_audit(actor=person):
            assert read_by(person) == {_told(found) for found in everything}
            continue
        expected = expected_of(person, everything, rights)
        assert read_by(person) == expected
        listed = read_operations(
            reader=reader_of(actor=person, wanted=Filter()), after=None, limit=100_000
        )
        assert {operation.pk for operation in listed} == {each.operation for each in expected}
