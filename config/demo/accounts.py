"""The demo's accounts, named by what they are, and which roles they hold."""

from collections.abc import Mapping
from typing import NamedTuple

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group, Permission, User

from permissions.models import RoleMember
from permissions.roles import PROJECT_MANAGER
from tasks.models import Project


DEVELOPER, TEST_MANAGER, TESTER, VIEWER, COMMITTER, OPERATION_MANAGER = 4, 5, 6, 8, 1001, 0

ACCOUNTS = ("manager", "developer", "viewer", "outsider", "auditor", "tester", "operator")

# Group → its members.
GROUPS: Mapping[str, tuple[str, ...]] = {
    "auditors": ("auditor",),
    "quality": ("tester",),
    "on-call": ("operator", "developer"),
}


class Members(NamedTuple):
    """Who holds which role, by code, in a project: users, and groups."""

    users: Mapping[int, tuple[str, ...]]
    groups: Mapping[int, tuple[str, ...]]


CLOSED = Members({PROJECT_MANAGER: ("manager",)}, {OPERATION_MANAGER: ("on-call",)})
OPEN = Members(
    {PROJECT_MANAGER: ("manager",), DEVELOPER: ("developer",), VIEWER: ("viewer",)},
    {TEST_MANAGER: ("quality",), OPERATION_MANAGER: ("on-call",)},
)
SHARED = Members(
    {PROJECT_MANAGER: ("manager",), COMMITTER: ("developer",), VIEWER: ("viewer",)},
    {TESTER: ("quality",)},
)


def make_accounts(*, password: str) -> dict[str, User]:
    """Make the accounts, all with this password, and their groups; return them by name.

    An account that is there already keeps its own password.
    """
    new = {"password": make_password(password), "is_staff": True}
    users = {name: User.objects.get_or_create(username=name, defaults=new)[0] for name in ACCOUNTS}
    for group_name, members in GROUPS.items():
        group, _ = Group.objects.get_or_create(name=group_name)
        group.user_set.add(*(users[name] for name in members))
    reads_all = Permission.objects.get(
        codename="view_operation", content_type__app_label="audit", content_type__model="operation"
    )
    Group.objects.get(name="auditors").permissions.add(reads_all)
    return users


def admit(*, project: Project, members: Members, users: Mapping[str, User]) -> None:
    """Give the members their roles."""
    roles = {role.code: role for role in project.roles.all()}
    for code, names in members.users.items():
        for name in names:
            RoleMember.objects.create(role=roles[code], user=users[name])
    for code, names in members.groups.items():
        for name in names:
            RoleMember.objects.create(role=roles[code], group=Group.objects.get(name=name))
