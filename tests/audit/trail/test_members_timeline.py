"""Whatever happened, people read what was done to the tasks that they may view, and what they did."""

from typing import NamedTuple
from uuid import UUID

from django.contrib.auth.models import User
from hypothesis import HealthCheck, example, given, settings

from audit.models import Operation
from audit.noted import note_event
from audit.recorder import administrative_operation
from audit.trail.listing import read_operations, stream_operations
from audit.trail.reader import Filter
from audit.trail.reading import ITSELF, Found, stream
from audit.visibility import may_audit
from permissions.flags import Flag
from permissions.models import RoleMember
from tasks.batch.errors import BatchError
from tasks.changes import SetEnabled
from tasks.models import Task
from tasks.trail import reader_of
from tests.batches import apply
from tests.conftest import ORIGIN, Governed
from tests.permissions.histories import Life, Rights, Step, steps
from tests.permissions.past.test_past_replay import COMING_AND_GOING


LIVED = settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


# A batch gives role 4 everything on two tasks: the right to execute on the first one alone, since it has
# that on the second; and who holds role 3 sees the second only.
PARTLY_HIDDEN: list[Step] = [
    ("permissions", 0, 2, 0, 3),
    ("permissions", 0, 3, 0, 3),
    ("permissions", 1, 3, 9, 3),
    ("permissions", 6, 3, 127, 3),
]


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


def listed(person: User, wanted: Filter) -> set[UUID]:
    """Return the operations that a filter leaves somebody, page by page."""
    reader = reader_of(actor=person, wanted=wanted)
    page = read_operations(reader=reader, after=None, limit=3)
    found = page.operations
    while page.following:
        page = read_operations(reader=reader, after=page.following, limit=3)
        found += page.operations
    keys = {operation.pk for operation in found}
    assert len(keys) == len(found), "something is listed twice"
    assert keys == {operation.pk for operation in stream_operations(reader=reader)}
    return keys


def filters(life: Life, rights: Rights, person: User) -> list[Filter]:
    """Return what may be asked of changes: by what they changed, in every project, of a task in view."""
    viewed = {uid for uid in life.uids if rights.get((str(person.pk), uid), 0) & Flag.VIEW.bit}
    tasks = Task.objects.filter(uid__in=viewed).order_by("pk")[:1]
    return [
        Filter(role=4),
        Filter(role=3, flag="is_view"),
        Filter(flag="is_execute"),
        Filter(settings_key="/repository/branch"),
        *(Filter(project=project.uid) for project in life.projects),
        *(Filter(task_id=task.pk, role=4) for task in tasks),
    ]


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
@example(happened=PARTLY_HIDDEN)
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
        assert listed(person, Filter()) == {each.operation for each in expected}
        own = set(Operation.objects.filter(actor=person).values_list("pk", flat=True))
        for wanted in filters(life, rights, person):
            found = stream(reader=reader_of(actor=person, wanted=wanted))
            assert listed(person, wanted) - own == {each.operation.pk for each in found} - own
