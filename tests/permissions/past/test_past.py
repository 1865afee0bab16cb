"""Questions about the past of permissions: the answers' reasons, their moments, and who may ask."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.db import connection, transaction

from audit.recorder import administrative_operation
from permissions.flags import ALL, Flag
from permissions.models import RoleMember
from permissions.past.holders import (
    Holder,
    Moment,
    PersonUnknown,
    TaskThen,
    Way,
    find_account,
    task_then,
    task_to_ask_about,
    who_could,
)
from permissions.past.projects import read_projects
from permissions.past.rights import read_rights
from tasks.models import Task
from tasks.past import TaskUnknown
from tests.batches import statements_of
from tests.conftest import ORIGIN, Governed, build_governed
from tests.permissions.governance import change, set_in_project, what_could


def now() -> datetime:
    """Return the time by the clock that history is dated by."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        at: datetime = cursor.fetchone()[0]
    return at


def key_of(uid: str) -> int:
    return Task.objects.get(uid=uid).pk


def then(uid: str, at: datetime) -> TaskThen:
    task = task_then(task_id=key_of(uid), at=at)
    assert task is not None
    return task


def holders(uid: str, at: datetime, flag: Flag = Flag.EXECUTE) -> dict[str, Sequence[Way]]:
    """Return who could do what the flag allows, with the ways."""
    found = who_could(task=then(uid, at), moment=Moment(at=at), flags=flag.bit)
    return {holder.username: holder.ways for holder in found}


@contextmanager
def administered(governed: Governed) -> Iterator[None]:
    with administrative_operation(actor=governed.admin, kind="administer", origin=ORIGIN):
        yield


def test_every_way_of_holding_a_flag_is_named(committed: Governed) -> None:
    (uid,) = committed.add_tasks(1, creator=committed.outsider)
    group = Group.objects.create(name="release")
    committed.developer.groups.add(group)
    with administered(committed):
        RoleMember.objects.create(role=committed.role(1001), group=group)
    held = holders(uid, now())
    assert held["payments-developer"] == [
        Way(1001, "Committer", "group", "release", 63),
        Way(4, "Developer", "member", None, 63),
    ]
    assert held["payments-outsider"] == [Way(-3, "Task creator", "task creator", None, ALL)]
    assert held["payments-admin"] == [
        Way(-1, "Project administrator", "project creator", None, ALL),
        Way(None, None, "superuser", None, ALL),
    ]
    assert "payments-viewer" not in held


def test_names_are_those_of_then(committed: Governed) -> None:
    (uid,) = committed.add_tasks(1)
    before = now()
    role = committed.role(4)
    role.name = "Engineer"
    with administered(committed):
        role.save()
        committed.project.name = "treasury"
        committed.project.save()
    User.objects.filter(pk=committed.developer.pk).update(username="somebody")
    assert holders(uid, before)["payments-developer"][0].role_name == "Developer"
    assert holders(uid, now())["somebody"][0].role_name == "Engineer"
    assert then(uid, before).project_name == "payments"
    assert then(uid, now()).project_name == "treasury"


def test_a_task_of_its_own_matrix_is_told_from_one_that_follows(committed: Governed) -> None:
    (uid,) = committed.add_tasks(1)
    following = now()
    change(committed.manager, [uid], flags={4: {"is_execute": False}})
    leaving = now()
    set_in_project(committed, 4, is_execute=False)
    change(committed.manager, [uid], follow=True)
    assert [then(uid, at).follows_project for at in (following, leaving)] == [True, False]
    assert "payments-developer" in holders(uid, following)
    assert "payments-developer" not in holders(uid, leaving)


def test_an_operation_counts_all_at_once_when_it_is_finished(committed: Governed) -> None:
    (uid,) = committed.add_tasks(1)
    before = holders(uid, now())
    moments = []
    with administered(committed):
        for code, user in ((4, committed.viewer), (4, committed.outsider)):
            RoleMember.objects.create(role=committed.role(code), user=user)
            moments.append(now())
    for at in moments:
        assert holders(uid, at) == before
    assert holders(uid, now()).keys() == before.keys() | {"payments-viewer", "payments-outsider"}


def test_a_change_from_outside_the_application_counts_from_its_commit(committed: Governed) -> None:
    (uid,) = committed.add_tasks(1)
    with transaction.atomic():
        User.objects.filter(pk=committed.developer.pk).update(is_active=False)
        before_the_commit = now()
    assert "payments-developer" in holders(uid, before_the_commit)
    assert "payments-developer" not in holders(uid, now())


def test_the_moment_of_an_operation_s_end_is_already_after_it(committed: Governed) -> None:
    (uid,) = committed.add_tasks(1)
    applied = change(committed.manager, [uid], flags={4: {"is_execute": False}})
    assert applied.operation.finished_at is not None
    assert "payments-developer" not in holders(uid, applied.operation.finished_at)
    a_moment = timedelta(microseconds=1)
    assert "payments-developer" in holders(uid, applied.operation.finished_at - a_moment)


def test_before_its_creation_a_task_did_not_exist(committed: Governed) -> None:
    before = now()
    (uid,) = committed.add_tasks(1)
    assert task_then(task_id=key_of(uid), at=before) is None
    assert not what_could(user_id=committed.developer.pk, moment=Moment(at=before))


def test_answers_come_in_pages(committed: Governed, monkeypatch: pytest.MonkeyPatch) -> None:
    uids = committed.add_tasks(5)
    at = now()
    task = then(uids[0], at)
    people = who_could(task=task, moment=Moment(at=at))
    paged: list[Holder] = []
    while page := who_could(
        task=task, moment=Moment(at=at, limit=2, after=paged[-1].user_id if paged else 0)
    ):
        assert len(page) <= 2
        paged += page
    assert paged == people
    assert len(people) == 4
    rights = what_could(user_id=committed.viewer.pk, moment=Moment(at=at))
    first = what_could(user_id=committed.viewer.pk, moment=Moment(at=at, limit=3))
    after = Moment(at=at, limit=3, after=first[-1].task.id)
    assert first + what_could(user_id=committed.viewer.pk, moment=after) == rights
    assert [right.task.uid for right in rights] == uids
    # After so many tasks a page ends where it is, and says so.
    monkeypatch.setattr("permissions.past.rights._CHUNK", 1)
    monkeypatch.setattr("permissions.past.rights._MOST_CHUNKS", 2)
    ended = read_rights(user_id=committed.viewer.pk, moment=Moment(at=at, limit=9))
    assert (ended.rights, ended.following) == (rights[:2], rights[1].task.id)
    assert what_could(user_id=committed.viewer.pk, moment=Moment(at=at)) == rights
    # Of many projects tasks are found otherwise.
    monkeypatch.setattr("permissions.past.rights._FEW_PROJECTS", 0)
    assert what_could(user_id=committed.viewer.pk, moment=Moment(at=at)) == rights


def test_who_is_asked_about_alone_is_answered_alone(committed: Governed) -> None:
    (uid,) = committed.add_tasks(1)
    at = now()
    for user, expected in ((committed.viewer, 1), (committed.outsider, 0)):
        found = who_could(task=then(uid, at), moment=Moment(at=at), user_id=user.pk)
        assert [holder.user_id for holder in found] == [user.pk] * expected


def test_two_moments_compared_say_who_gained_and_who_lost_a_flag(committed: Governed) -> None:
    (uid,) = committed.add_tasks(1)
    moments = [now()]
    change(committed.manager, [uid], flags={4: {"is_execute": False}, 8: {"is_execute": True}})
    moments.append(now())
    had, has = (
        {
            holder.username
            for holder in who_could(
                task=then(uid, at), moment=Moment(at=at), flags=Flag.EXECUTE.bit
            )
        }
        for at in moments
    )
    assert (has - had, had - has) == ({"payments-viewer"}, {"payments-developer"})


def test_an_account_is_found_by_the_name_of_then_and_else_by_a_later_one(
    committed: Governed,
) -> None:
    before = now()
    User.objects.filter(pk=committed.viewer.pk).update(username="renamed")
    renamed = now()
    newcomer = User.objects.create_user("payments-viewer")
    assert find_account(name="payments-viewer", at=before) == committed.viewer.pk
    assert find_account(name="renamed", at=before) == committed.viewer.pk
    assert find_account(name="payments-viewer", at=renamed) == newcomer.pk
    with pytest.raises(PersonUnknown):
        find_account(name="nobody", at=now())


def auditor() -> User:
    user = User.objects.create_user("auditor")
    user.user_permissions.add(Permission.objects.get(codename="view_operation"))
    return user


@pytest.mark.parametrize(
    ("who", "may"),
    [("admin", True), ("manager", True), ("developer", False), ("outsider", False)],
)
def test_managers_of_a_task_may_ask_about_it(governed: Governed, who: str, may: bool) -> None:
    (uid,) = governed.add_tasks(1)
    asking = getattr(governed, who)
    if may:
        assert task_to_ask_about(actor=asking, uid=uid) == key_of(uid)
        return
    with pytest.raises(TaskUnknown):
        task_to_ask_about(actor=asking, uid=uid)


def test_auditors_may_ask_about_every_task_also_one_that_is_gone(governed: Governed) -> None:
    (uid,) = governed.add_tasks(1)
    key = key_of(uid)
    with administered(governed):
        Task.objects.get(pk=key).delete()
    asking = auditor()
    assert task_to_ask_about(actor=asking, uid=uid) == key
    with pytest.raises(TaskUnknown):
        task_to_ask_about(actor=governed.manager, uid=uid)
    with pytest.raises(TaskUnknown):
        task_to_ask_about(actor=asking, uid="0" * 24)


def test_the_number_of_statements_does_not_grow_with_the_answer(committed: Governed) -> None:
    uids = committed.add_tasks(2)
    developer = committed.developer.pk

    def asked() -> list[int]:
        at = now()
        return [
            statements_of(lambda: what_could(user_id=developer, moment=Moment(at=at))),
            statements_of(lambda: read_projects(user_id=developer, at=at, offset=0, limit=20)),
        ]

    few = asked()
    committed.add_tasks(30)
    build_governed("treasury").add_tasks(3, creator=committed.developer)
    assert few == asked() == [5, 5]
    at = now()
    task = then(uids[0], at)
    assert statements_of(lambda: who_could(task=task, moment=Moment(at=at))) == 1
