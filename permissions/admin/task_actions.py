"""The bulk actions on tasks that need to know of permissions; loading this registers them."""

from django import forms
from unfold.widgets import UnfoldAdminTextInputWidget

from audit.admin.result import Wording, word_results
from permissions.admin.permissions_form import PermissionsForm
from permissions.changes import CopyTasks, SetPermissions
from permissions.changes.copies import VENDORS_WORD
from tasks.admin.bulk_actions import BulkAction, register_bulk_action
from tasks.admin.change_forms import ChangeForm
from tasks.models import Task


class FollowForm(ChangeForm):
    """Asks nothing."""

    asks = False

    def change(self) -> SetPermissions:
        """Return the change that lets the project's permissions govern."""
        return SetPermissions(follow=True)


class OwnForm(ChangeForm):
    """Asks nothing."""

    asks = False

    def change(self) -> SetPermissions:
        """Return the change that gives tasks permissions of their own."""
        return SetPermissions(follow=False)


class CopyForm(ChangeForm):
    """Asks what the copies shall be called."""

    word = forms.RegexField(
        # As names go on in pipelines and addresses.
        r"^\w(?:[\w .-]*\w)?$",
        max_length=40,
        initial=VENDORS_WORD,
        label="Word in the names",
        help_text=(
            "A copy of “build” is called “build-copy-1”: the name of its source, this word, and the first"
            " number that is free. It is in its source's project, with the same settings and permissions,"
            " and you are its creator."
        ),
        error_messages={"invalid": "Letters, digits, and between them blanks, dots and hyphens."},
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
    )

    def change(self) -> CopyTasks:
        """Return the change that copies."""
        return CopyTasks(word=self.cleaned_data["word"])


def _follows(task: Task) -> bool:
    return task.permission.matrix.digest is None


for action in (
    BulkAction(
        name="change_permissions",
        label="Change permissions",
        icon="shield_person",
        right=SetPermissions.right,
        place=20,
        form=PermissionsForm,
    ),
    BulkAction(
        name="follow",
        label="Follow the project's permissions",
        icon="link",
        right=SetPermissions.right,
        place=30,
        form=FollowForm,
        suits=lambda task: not _follows(task),
    ),
    BulkAction(
        name="use_own",
        label="Use own permissions",
        icon="link_off",
        right=SetPermissions.right,
        place=31,
        form=OwnForm,
        suits=_follows,
    ),
    BulkAction(
        name="copy",
        label="Copy",
        icon="content_copy",
        right=CopyTasks.right,
        place=50,
        form=CopyForm,
    ),
):
    register_bulk_action(action)
word_results(kind=CopyTasks.kind, wording=Wording(done="copied"))
