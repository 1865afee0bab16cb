"""Roles and their members."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError
from django.db.models import Count, Model, Q, QuerySet
from django.http import HttpRequest
from unfold.admin import TabularInline
from unfold.contrib.filters.admin import BooleanRadioFilter

from audit.admin.autocomplete import Autocompleting
from audit.admin.described import Described, describe
from audit.admin.history import HistoryAdmin
from audit.admin.recorded import RecordedAdmin
from audit.admin.requests import actor_of
from audit.admin.theme import display
from audit.models import Operation
from permissions.admin.named_then import members_by_name, roles_by_name
from permissions.admin.people import memberships_of_person
from permissions.admin.visible import roles_for
from permissions.models import Role, RoleMember
from permissions.roles import FIRST_CUSTOM_CODE, TASK_CREATOR, give_empty_row, next_role_code
from tasks.admin.filters import ProjectFilter


class RoleMemberForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs alone
    """A user or a group that holds the role."""

    def clean(self) -> dict[str, Any]:
        """Refuse neither and both, and who holds the role already.

        Raises:
            ValidationError: saying what is wanted.
        """
        cleaned: dict[str, Any] = super().clean() or {}
        user, group = cleaned.get("user"), cleaned.get("group")
        if bool(user) is bool(group):
            raise ValidationError("Choose a user or a group.")
        # Somebody else may have added them meanwhile; Django looks for no such twins of a row in a form.
        twins = RoleMember.objects.filter(role=self.instance.role_id, user=user, group=group)
        if twins.exclude(pk=self.instance.pk).exists():
            raise ValidationError(f"{user or group} is a member already.")
        return cleaned


class RoleMemberInline(Autocompleting, TabularInline):  # type: ignore[misc]  # the theme has no types
    """The members of a role: added and removed, never changed into others."""

    model = RoleMember
    form = RoleMemberForm
    extra = 0
    autocomplete_fields = ("user", "group")
    hide_title = True
    verbose_name = "member"
    verbose_name_plural = "members"

    def get_queryset(self, request: HttpRequest) -> QuerySet[RoleMember]:
        """Read the members with their names."""
        members: QuerySet[RoleMember] = super().get_queryset(request)
        return members.select_related("user", "group", "role__project").order_by("pk")

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        """Name members; only superusers get links, since only they may follow them."""
        del obj
        return ("user", "group") if actor_of(request).is_superuser else ("holder",)

    def get_readonly_fields(
        self, request: HttpRequest, obj: Model | None = None
    ) -> tuple[str, ...]:
        """Count the name among what is shown."""
        del request, obj
        return ("holder",)

    @display(description="member")
    def holder(self, member: RoleMember) -> str:
        """Return who holds the role."""
        return member.user.get_username() if member.user else f"group {member.group}"

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Show members to whoever sees the role."""
        del request, obj
        return True

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Let superusers add; who created a task holds that role without being added."""
        return actor_of(request).is_superuser and _takes_members(obj)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Let nobody change a member into another."""
        del request, obj
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Let superusers remove; the history remembers."""
        del obj
        return actor_of(request).is_superuser


@admin.register(Role)
class RoleAdmin(RecordedAdmin, HistoryAdmin):
    """The list of roles and the page of one, with its members."""

    rank = 4
    empty = "You see the roles of the projects in which you hold one. So far there are none."
    list_display = ("name", "code", "project", "built_in", "members")
    list_filter = (("project", ProjectFilter), ("built_in", BooleanRadioFilter))
    list_select_related = ("project",)
    search_fields = ("name__istartswith",)
    search_help_text = "Beginning of a name"
    ordering = ("project__name", "code")
    sortable_by = ("name", "code")
    autocomplete_fields = ("project",)
    fields = ("project", "name", "code", "external_id")
    inlines = (RoleMemberInline,)

    def visible(self, request: HttpRequest) -> QuerySet[Role]:
        """Return the roles of the projects that the visitor has anything to do with."""
        return roles_for(request).annotate(member_count=Count("members"))

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        """Keep what the vendors know: all of a built-in role, project and code of any."""
        del request
        if not isinstance(obj, Role):
            return []
        return list(self.fields) if obj.built_in else ["project", "code"]

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Let the code be left out: custom roles are counted up."""
        if db_field.name == "code":
            text = f"Leave it empty for the next number from {FIRST_CUSTOM_CODE} on."
            kwargs |= {"required": False, "min_value": FIRST_CUSTOM_CODE, "help_text": text}
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def save_recorded(
        self, request: HttpRequest, form: Any, operation: Operation, *, change: bool
    ) -> None:
        """Save the role; a new one gets a code and a row in the project's matrix."""
        role = form.instance
        if role.code is None:
            role.code = next_role_code(project=role.project)
        super().save_recorded(request, form, operation, change=change)
        if not change:
            give_empty_row(role=role)

    @display(description="members")
    def members(self, role: Any) -> int:
        """Return how many users and groups hold the role."""
        return int(role.member_count)


def _takes_members(role: Model | None) -> bool:
    return not (isinstance(role, Role) and role.code == TASK_CREATOR)


def _member_label(row: Any) -> str:
    holder = row.user.get_username() if row.user else f"group {row.group or row.group_id}"
    return f"{holder} as {row.role.name} of {row.role.project}" if row.role else holder


describe(
    Role,
    Described(
        page=Role,
        key="id",
        label=lambda row: f"role {row.name} of {row.project}",
        names=roles_by_name,
        related=("project",),
    ),
)
describe(
    RoleMember,
    Described(
        page=Role,
        key="role_id",
        label=_member_label,
        names=members_by_name,
        related=("user", "group", "role__project"),
        also={User: memberships_of_person, Group: lambda key: Q(group_id=key)},
    ),
)
