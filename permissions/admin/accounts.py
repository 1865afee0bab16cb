"""Accounts and groups: what decides who may do what has a history, every change is an operation."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from django.db import transaction
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.safestring import SafeString
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from audit.admin.described import Described, describe
from audit.admin.history import HistoryAdmin
from audit.admin.recorded import RecordedAdmin
from audit.admin.requests import actor_of, is_key, origin_of
from audit.admin.theme import display, moment
from audit.recorder import administrative_operation
from audit.visibility import may_audit
from permissions.admin.named_then import group_members_by_name
from permissions.admin.people import may_read_person, tabs_of_person
from permissions.sign_ins import setting_password


# Who lacks one of these cannot do in the admin what superusers alone may.
_MAKE_SUPERUSER = ("is_superuser", "is_staff", "is_active")
_LAST_SUPERUSER = (
    "This is the last superuser who can sign in here: without one, nobody could manage accounts,"
    " projects and task types. Make somebody else a superuser first."
)


class AccountAdmin(RecordedAdmin, HistoryAdmin):
    """A page that superusers see, and auditors, to read."""

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Let superusers and auditors see."""
        del obj
        return may_audit(actor=actor_of(request))

    def visible(self, request: HttpRequest) -> QuerySet[Any]:
        """Return everything, to superusers and auditors."""
        rows: QuerySet[Any] = self.model._default_manager.all()
        return rows if may_audit(actor=actor_of(request)) else rows.none()


class AccountForm(UserChangeForm):  # type: ignore[misc]  # the theme has no types
    """A form of an account that leaves somebody who can do everything.

    It is read while nobody else saves an account, so two cannot take these rights from each other.
    """

    def clean(self) -> dict[str, Any] | None:
        """Refuse to take away what makes the last superuser one."""
        cleaned: dict[str, Any] | None = super().clean()
        lost = [name for name in _MAKE_SUPERUSER if not self.cleaned_data.get(name)]
        if lost and all(self.initial.get(name) for name in _MAKE_SUPERUSER):
            others = User.objects.filter(**dict.fromkeys(_MAKE_SUPERUSER, True))
            if not others.exclude(pk=self.instance.pk).exists():
                self.add_error(lost[0], _LAST_SUPERUSER)
        return cleaned


@admin.register(User)
class UserAdmin(AccountAdmin, DjangoUserAdmin):  # type: ignore[type-arg]  # so in the stubs alone
    """Accounts. None is deleted: what it did keeps its name; it is deactivated instead."""

    rank = 2
    form = AccountForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "first_name", "last_name", "is_active", "is_staff", "is_superuser")
    list_filter = ("is_active", "is_staff", "is_superuser")
    search_fields = ("username__istartswith", "email__istartswith")
    search_help_text = "Beginning of a name or an e-mail address"
    ordering = ("username",)
    autocomplete_fields = ("groups",)
    filter_horizontal = ()
    readonly_fields = ("signed_in_at", "joined_at")
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("Person", {"fields": ("first_name", "last_name", "email")}),
        ("Access", {"fields": ("is_active", "is_staff", "is_superuser", "groups")}),
        ("Dates", {"fields": ("signed_in_at", "joined_at")}),
    )
    add_fieldsets = (
        (None, {"fields": ("username", "usable_password", "password1", "password2", "is_staff")}),
    )

    @display(description="last sign-in")
    def signed_in_at(self, user: User) -> SafeString | str:
        """Return when somebody last signed in to the account."""
        return moment(user.last_login) if user.last_login else "never"

    @display(description="since")
    def joined_at(self, user: User) -> SafeString:
        """Return when the account was made."""
        return moment(user.date_joined)

    def told_apart(self, found: User) -> str:
        """Return who it is, and whether they can sign in."""
        return ", ".join(
            filter(None, [found.get_full_name(), "" if found.is_active else "inactive"])
        )

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Show nothing of a password to who only reads."""
        shown = super().get_fieldsets(request, obj)
        if actor_of(request).is_superuser:
            return shown
        (nothing, _named), *others = shown
        return ((nothing, {"fields": ("username",)}), *others)

    def may_read_history(self, request: HttpRequest, key: int) -> bool:
        """Let people read their own history, too."""
        return may_read_person(request, key)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show what was done to somebody, and lead to what they did and could do.

        Raises:
            Http404: there never was such an account, or the visitor may not ask about it.
        """
        key = unquote(object_id)
        tabs = tabs_of_person(key=int(key), current="history") if is_key(key) else ()
        return super().history_view(request, object_id, {**(extra_context or {}), "tabs": tabs})

    def user_change_password(
        self,
        request: HttpRequest,
        id: str,  # noqa: A002  # Django's name
        form_url: str = "",
    ) -> HttpResponse:
        """Set a password; that it was set is an operation."""
        if request.method != "POST":
            shown: HttpResponse = super().user_change_password(request, id, form_url)
            return shown
        with transaction.atomic():
            with setting_password():
                response = super().user_change_password(request, id, form_url)
            if isinstance(response, HttpResponseRedirect):
                user = User.objects.get(pk=id)
                with administrative_operation(
                    actor=actor_of(request),
                    kind="set_password",
                    origin=origin_of(request),
                    parameters={"user": user.get_username()},
                ):
                    pass
        return response

    def recorded_parameters(self, form: Any) -> dict[str, Any]:
        """Return the account and what it may do now."""
        saved = form.instance
        return {
            "user": saved.get_username(),
            "active": saved.is_active,
            "staff": saved.is_staff,
            "superuser": saved.is_superuser,
            "groups": sorted(saved.groups.values_list("name", flat=True)),
        }


@admin.register(Group)
class GroupAdmin(AccountAdmin):
    """Groups, whose members are on the pages of the accounts. Roles are given to groups as to users."""

    empty = "There are no groups."
    list_display = ("name",)
    search_fields = ("name__istartswith",)
    search_help_text = "Beginning of a name"
    ordering = ("name",)
    fields = ("name",)


def _right(row: Any) -> str:
    permission = row.permission
    if permission is None:
        return f"right {row.permission_id}"
    return f"right {permission.content_type.app_label}.{permission.codename}"


describe(
    User,
    Described(
        page=User,
        key="id",
        label=lambda row: f"user {row.username}",
        at_first=("is_superuser", "is_staff"),
    ),
)
describe(Group, Described(page=Group, key="id", label=lambda row: f"group {row.name}"))
describe(
    User.groups.through,
    Described(
        page=User,
        key="user_id",
        label=lambda row: (
            f"membership of {row.user or row.user_id} in group {row.group or row.group_id}"
        ),
        names=group_members_by_name,
        related=("user", "group"),
        also={Group: lambda key: Q(group_id=key)},
        many="members of groups",
    ),
)
describe(
    User.user_permissions.through,
    Described(
        page=User,
        key="user_id",
        label=_right,
        related=("permission__content_type",),
        many="rights of users",
    ),
)
describe(
    Group.permissions.through,
    Described(
        page=Group,
        key="group_id",
        label=_right,
        related=("permission__content_type",),
        many="rights of groups",
    ),
)
