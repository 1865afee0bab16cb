"""The forms of the changes that ask little or nothing: enabled or not, and the recycle bin."""

from django import forms
from unfold.widgets import UnfoldAdminTextareaWidget

from tasks.admin.change_forms import ChangeForm
from tasks.changes import RecycleTasks, RestoreTasks, SetEnabled


class EnableForm(ChangeForm):
    """Asks nothing."""

    asks = False

    def change(self) -> SetEnabled:
        """Return the change that enables."""
        return SetEnabled(enabled=True)


class DisableForm(ChangeForm):
    """Asks why."""

    reason = forms.CharField(
        max_length=500,
        label="Why they are disabled",
        help_text="Whoever finds the task disabled reads this.",
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
    )

    def change(self) -> SetEnabled:
        """Return the change that disables."""
        return SetEnabled(enabled=False, reason=self.cleaned_data["reason"])


class RecycleForm(ChangeForm):
    """Asks nothing."""

    asks = False

    def change(self) -> RecycleTasks:
        """Return the change that moves into the recycle bin."""
        return RecycleTasks()


class RestoreForm(ChangeForm):
    """Asks nothing."""

    asks = False

    def change(self) -> RestoreTasks:
        """Return the change that takes out of the recycle bin."""
        return RestoreTasks()
