"""The built-in roles with their codes and default flags, and how a project gets them.

Codes: CodeArts Build, example of POST /v1/job/permissions/batch; default flags: user guide, the
project-level matrix. Flags are in the order view, modify, delete, execute, copy, disable, manage.
"""

from typing import NamedTuple

from django.contrib.auth.models import User

from audit.models import Operation
from audit.recorder import record_insert
from permissions.flags import Flag
from permissions.models import PermissionMatrix, Role, RolePermission
from tasks.models import Project, new_project_uid


TASK_CREATOR = -3
ADMINISTRATOR = -1
PROJECT_MANAGER = 3
FIRST_CUSTOM_CODE = 500
# Built-in roles that came later have codes from here on.
FIRST_OTHER_CODE = 1000

# Who may change the task creator's row: a project's creator holds the administrator's role.
MAY_CHANGE_CREATOR = (ADMINISTRATOR, PROJECT_MANAGER)
# Who may add tasks to a project: there is no flag for it, since a flag is a right on a task.
MAY_ADD_TASKS = (ADMINISTRATOR, PROJECT_MANAGER)


class BuiltInRole(NamedTuple):
    """A role that every project has: its code, name, key in the vendor's user centre, default flags."""

    code: int
    name: str
    external_id: str
    flags: str


BUILT_IN_ROLES = (
    BuiltInRole(TASK_CREATOR, "Task creator", "", "1111111"),
    BuiltInRole(
        ADMINISTRATOR, "Project administrator", "35dfe4e1-8bc8-4f23-9d54-0afe381761cb", "1111111"
    ),
    BuiltInRole(0, "Operation manager", "1fdd3f21-59d9-4a4c-ada3-5b1da5054104", "0000000"),
    BuiltInRole(
        PROJECT_MANAGER, "Project manager", "f7cac73b-5440-4f8c-a5d0-818c23e1df21", "1111111"
    ),
    BuiltInRole(4, "Developer", "eb344656-dbab-466b-91a7-87262c44e5e5", "1111110"),
    BuiltInRole(5, "Test manager", "64fed753-9b58-4f67-95e3-0dbb66fbe3ae", "1000000"),
    BuiltInRole(6, "Tester", "07390899-d9f5-493d-bbf3-06ae50fe57bb", "0000000"),
    BuiltInRole(7, "Participant", "9df2e034-bbba-437e-8b26-819155f2697d", "0000000"),
    BuiltInRole(8, "Viewer", "009eff1b-e368-4187-a634-a375ce533ebb", "1000000"),
    BuiltInRole(1001, "Committer", "06eb0fae-6679-11ee-a4f3-fa163ef85d33", "1111110"),
    BuiltInRole(1002, "Product manager", "f9381bb8-6678-11ee-a4f3-fa163ef85d33", "1000000"),
    BuiltInRole(1015, "System engineer", "0353fc5f-6679-11ee-a4f3-fa163ef85d33", "1111110"),
)


def create_project(
    *,
    actor: User,
    operation: Operation,
    name: str,
    uid: str | None = None,
    description: str = "",
) -> Project:
    """Create a project of the actor's with its built-in roles and its matrix, under the operation."""
    project = Project.objects.create(
        uid=uid or new_project_uid(), name=name, description=description, created_by=actor
    )
    furnish_project(project=project, operation=operation)
    return project


def furnish_project(*, project: Project, operation: Operation) -> PermissionMatrix:
    """Give a new project its built-in roles and its own matrix; tasks can then be added to it."""
    count = len(BUILT_IN_ROLES)
    record_insert(
        model=Role,
        operation=operation,
        columns={
            "project": [project.pk] * count,
            "code": [role.code for role in BUILT_IN_ROLES],
            "name": [role.name for role in BUILT_IN_ROLES],
            "external_id": [role.external_id for role in BUILT_IN_ROLES],
            "built_in": [True] * count,
        },
    )
    matrix = PermissionMatrix.objects.create(project=project)
    ids = dict(Role.objects.filter(project=project).values_list("code", "id"))
    record_insert(
        model=RolePermission,
        operation=operation,
        columns={
            "matrix": [matrix.pk] * count,
            "role": [ids[role.code] for role in BUILT_IN_ROLES],
            "role_code": [role.code for role in BUILT_IN_ROLES],
            **{
                flag.vendor_name: [role.flags[position] == "1" for role in BUILT_IN_ROLES]
                for position, flag in enumerate(Flag)
            },
        },
    )
    return matrix


def add_role(
    *, project: Project, name: str, code: int | None = None, external_id: str = ""
) -> Role:
    """Add a custom role, which holds nothing yet; custom codes count up from 500."""
    if code is None:
        code = next_role_code(project=project)
    role = Role.objects.create(project=project, code=code, name=name, external_id=external_id)
    give_empty_row(role=role)
    return role


def next_role_code(*, project: Project) -> int:
    """Return the code of the project's next custom role; nobody else gets it in the meantime."""
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    taken = project.roles.filter(code__gte=FIRST_CUSTOM_CODE, code__lt=FIRST_OTHER_CODE)
    return max(taken.values_list("code", flat=True), default=FIRST_CUSTOM_CODE - 1) + 1


def give_empty_row(*, role: Role) -> None:
    """Give a new role its row in the project's matrix; it holds nothing yet."""
    matrix = PermissionMatrix.objects.get(project=role.project_id, digest=None)
    RolePermission.objects.create(matrix=matrix, role=role, role_code=role.code)
