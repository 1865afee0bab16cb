"""Choosing tasks: the rows that are ticked, all that match a filter, or ids that are pasted or uploaded.

However they were chosen, they are frozen into a draft at once.
"""

import re
from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from unfold.widgets import (
    UnfoldAdminFileFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
)

from tasks.admin.bulk_actions import BulkAction
from tasks.admin.drafts import new_draft
from tasks.batch.errors import BadTargetIds, TooManyTargets
from tasks.batch.targets import parse_uids
from tasks.models import Draft, Task


_BETWEEN = re.compile(r"[\s,;\"']+")
# So many wrong ids are named.
_NAMED = 10
_LARGEST_FILE = 2 * 1024 * 1024


def freeze(*, actor: User, action: BulkAction, tasks: QuerySet[Task]) -> Draft:
    """Freeze the tasks, in the order of their keys.

    Raises:
        TooManyTargets: there are more than one batch may have.
    """
    limit = settings.BULKHEAD_MAX_TARGETS
    uids = list(tasks.order_by("pk").values_list("uid", flat=True)[: limit + 1])
    if len(uids) > limit:
        raise TooManyTargets(given=len(uids), limit=limit)
    return new_draft(actor=actor, action=action.name, uids=uids)


class ChoiceForm(forms.Form):
    """What shall be done, to which ids: pasted, or one by one in a file."""

    action = forms.ChoiceField(label="What to do", widget=UnfoldAdminSelectWidget())
    uids = forms.CharField(
        required=False,
        label="Ids of tasks",
        help_text="24 or 32 hexadecimal digits each; between them spaces, commas or new lines.",
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 10, "class": "bh-mono"}),
    )
    file = forms.FileField(
        required=False,
        label="Or a file with the ids",
        help_text="A text file, separated likewise.",
        widget=UnfoldAdminFileFieldWidget(),
    )

    def __init__(self, data: Any = None, files: Any = None, *, actions: list[BulkAction]) -> None:
        super().__init__(data, files, label_suffix="")
        offered = [(action.name, action.label) for action in actions]
        self.fields["action"].choices = offered  # type: ignore[attr-defined]  # a choice field

    def clean_file(self) -> str:
        """Return the text of the file."""
        file: Any = self.cleaned_data["file"]
        if file is None:
            return ""
        if (file.size or 0) > _LARGEST_FILE:
            raise ValidationError("The file is larger than 2 MB.")
        try:
            return str(file.read(), "utf-8-sig")
        except UnicodeDecodeError as error:
            raise ValidationError("The file is not text in UTF-8.") from error

    def clean(self) -> dict[str, Any]:
        """Find the ids; name what is none."""
        text = f"{self.cleaned_data.get('uids', '')}\n{self.cleaned_data.get('file', '')}"
        given = [each for each in _BETWEEN.split(text) if each]
        try:
            self.cleaned_data["chosen"] = parse_uids(given)
        except BadTargetIds as error:
            named = ", ".join(uid[:40] for uid in error.uids[:_NAMED])
            more = "" if len(error.uids) <= _NAMED else f" and {len(error.uids) - _NAMED:,} more"
            raise ValidationError(f"These are no ids of tasks: {named}{more}.") from error
        except TooManyTargets as error:
            raise ValidationError(too_many(error)) from error
        if not given and not self.errors:
            raise ValidationError("Paste at least one id, or choose a file.")
        return self.cleaned_data


def too_many(error: TooManyTargets) -> str:
    """Return what to say to whoever has chosen too many tasks."""
    return (
        f"More than {error.limit:,} tasks are chosen, and one batch takes {error.limit:,} at most:"
        " narrow the choice down."
    )
