"""What is told of a person: what was done to them, what they did, and what they were and could do."""

from datetime import datetime
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.urls import reverse

from audit.recorder import administrative_operation
from permissions.models import RoleMember
from permissions.tokens import revoke_token
from tasks.changes import UpdateSettings
from tests.batches import apply
from tests.conftest import ORIGIN, Governed
from tests.permissions.admin.test_past import now, words
from tests.tokens import issue
from tests.visitors import auditor, page, persona, visit


class Career:
    """A person to whom everything happened that gives and takes rights, between two moments."""

    def __init__(self, governed: Governed) -> None:
        self.governed, self.person = governed, governed.outsider
        (self.uid,) = governed.add_tasks(1)
        self.before = now()
        self.group = self.do(lambda: Group.objects.create(name="release"))
        self.do(lambda: self.person.groups.add(self.group))
        self.do(self._give_group_a_role)
        self.during = now()
        self.do(lambda: self.person.groups.remove(self.group))
        self.do(lambda: RoleMember.objects.filter(group=self.group).delete())
        self.do(lambda: RoleMember.objects.create(role=governed.role(8), user=self.person))
        self.do(
            lambda: self.person.user_permissions.add(Permission.objects.get(codename="add_project"))
        )
        self.do(lambda: User.objects.filter(pk=self.person.pk).update(is_staff=True))
        token = issue(self.person, name="nightly").token
        revoke_token(actor=governed.admin, token_id=token.pk, origin=ORIGIN)
        self.after = now()

    def _give_group_a_role(self) -> None:
        RoleMember.objects.create(role=self.governed.role(4), group=self.group)

    def do(self, act: Any) -> Any:
        with administrative_operation(actor=self.governed.admin, kind="govern", origin=ORIGIN):
            return act()

    def past(self, *moments: datetime) -> str:
        names = ("at", "compared_with")
        query = {name: at.isoformat() for name, at in zip(names, moments, strict=False)}
        return reverse("admin:auth_user_past", args=[self.person.pk], query=query)


@pytest.fixture
def career(committed: Governed) -> Career:
    return Career(committed)


def test_a_persons_history_tells_every_right_that_they_gained_or_lost(career: Career) -> None:
    address = page("auth_user_history", career.person.pk)
    rows = visit(auditor()).get(address).context["timeline"].rows
    assert [(row.what, row.kind) for row in rows] == [
        ("token nightly of payments-outsider", "changed"),
        ("token nightly of payments-outsider", "added"),
        ("user payments-outsider", "changed"),
        ("right tasks.add_project", "added"),
        ("payments-outsider as Viewer of payments", "added"),
        # What became of the group's role after they had left it is not theirs.
        ("membership of payments-outsider in group release", "removed"),
        ("group release as Developer of payments", "added"),
        ("membership of payments-outsider in group release", "added"),
        ("user payments-outsider", "added"),
    ]
    (flag,) = rows[2].differences
    assert tuple(flag) == ("staff status", "no", "yes")
    (scopes,) = rows[1].differences
    assert (scopes.what, scopes.old) == ("scopes", "–")
    assert "tasks:read" in scopes.new
    assert {row.operation.actor_name for row in rows[2:-1]} == {"payments-admin"}


def test_what_a_person_did_is_told_newest_first(career: Career) -> None:
    governed = career.governed
    apply(governed.developer, UpdateSettings(patch={"repository": {"branch": "x"}}), [career.uid])
    client = visit(auditor())
    for who, kinds in ((governed.developer, ["update_settings"]), (governed.viewer, [])):
        shown = client.get(page("auth_user_operations", who.pk)).context["operations"]
        assert [operation.kind for operation in shown] == kinds
    shown = client.get(page("auth_user_operations", governed.admin.pk)).context["operations"]
    assert shown[0].kind == "revoke_token"


@pytest.mark.parametrize("name", ["auth_user_history", "auth_user_operations", "auth_user_past"])
def test_people_read_of_themselves_and_auditors_of_all(governed: Governed, name: str) -> None:
    address = page(name, governed.viewer.pk)
    for who, status in (("auditor", 200), ("viewer", 200), ("superuser", 200), ("manager", 404)):
        assert visit(persona(who, governed=governed)).get(address).status_code == status
    for key in ("0", "x", "99999999999999999999"):
        client = visit(auditor())
        assert client.get(page(name, 1).replace("/1/", f"/{key}/")).status_code == 404


def test_two_moments_of_a_person_are_compared(career: Career) -> None:
    text = words(visit(auditor()).get(career.past(career.before, career.during)))
    assert "In the group release – yes" in text
    assert "Developer of payments, through the group release – yes" in text
    assert "in payments nothing View, Modify" in text
    text = words(visit(career.person).get(career.past(career.during, career.after)))
    assert "Staff: may open the admin no yes" in text
    assert "Developer of payments, through the group release yes –" in text
    assert "Viewer of payments – yes" in text
    assert "in payments View, Modify, Delete, Execute, Copy, Disable View" in text


def test_before_the_account_was_there_it_did_not_exist(career: Career) -> None:
    born = career.person.date_joined.replace(year=2020)
    text = words(visit(auditor()).get(career.past(born, career.before)))
    assert "The account did not exist." in text
    assert "Name no account payments-outsider" in text


def test_the_past_of_an_account_that_is_gone_is_told_to_auditors(career: Career) -> None:
    viewer = career.governed.viewer
    address = page("auth_user_history", viewer.pk)
    past = reverse("admin:auth_user_past", args=[viewer.pk], query={"at": career.after.isoformat()})
    career.do(viewer.delete)
    client = visit(auditor())
    text = words(client.get(past))
    assert "What payments-viewer could do" in text
    assert "Roles Viewer of payments" in text
    assert "user payments-viewer removed" in words(client.get(address))
