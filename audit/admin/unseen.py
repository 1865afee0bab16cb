"""Forms that overwrite nothing that others have changed since the form was shown.

A form says in a hidden field what it showed. What stands there when it comes back is compared with that,
while the object is locked; where they differ, nothing is saved, and the page says who changed what.
"""

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Model
from django.utils import timezone

from audit.admin.timeline import TimelineRow, read_timeline
from audit.models import Operation, State


if TYPE_CHECKING:
    # Generic in the stubs alone.
    ModelForm = forms.ModelForm[Any]
else:
    ModelForm = forms.ModelForm

FIELD = "as_shown"

# So much of what happened since is told.
_TOLD = 20
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class ShownField(forms.CharField):
    """What a form showed, and when; it says nothing of the object itself."""

    widget = forms.HiddenInput

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Return that nothing is changed by it."""
        del initial, data
        return False


class Author(NamedTuple):
    """Who changed something, and when."""

    name: str
    at: datetime


class Unseen(NamedTuple):
    """What happened to an object since its form was shown: by whom, and as far as history tells it."""

    authors: Sequence[Author]
    rows: Sequence[TimelineRow]


class SeeingForm(ModelForm):
    """A form of an object that is there already; it says what it showed, and heeds what changed since."""

    unseen: Unseen | None = None

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.shown_now = f"{_digest(self)}.{(timezone.now() - _EPOCH) // _MILLISECOND}"
        self.fields[FIELD] = ShownField(required=False, initial=self.shown_now)

    def clean(self) -> dict[str, Any] | None:
        """Stop where something else stands there than was shown.

        Raises:
            ValidationError: saying who changed it and when.
        """
        digest, _, at = str(self.data.get(FIELD, "")).partition(".")
        if digest == self.shown_now.partition(".")[0]:
            return super().clean()
        self.unseen = _unseen(self.instance, since=_moment(at))
        raise ValidationError(_told(self.unseen.authors))


def _digest(form: ModelForm) -> str:
    """Return a digest of what stands in the fields that the form would write."""
    shown = {
        name: _plain(form.initial.get(name))
        for name, field in form.fields.items()
        if not field.disabled
    }
    return hashlib.sha256(json.dumps(shown, sort_keys=True, default=str).encode()).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, list) and all(isinstance(each, Model) for each in value):
        return sorted(each.pk for each in value)
    return value


def _moment(text: str) -> datetime | None:
    try:
        return _EPOCH + int(text) * _MILLISECOND
    except (ValueError, OverflowError):
        return None


def _unseen(changed: Model, *, since: datetime | None) -> Unseen:
    if since is None:
        return Unseen([], [])
    page = read_timeline(page=type(changed), key=changed.pk, size=_TOLD)
    rows = [row for row in page.rows if row.at > since]
    known = {row.operation.pk: Author(row.operation.actor_name, row.at) for row in reversed(rows)}
    return Unseen(list(known.values()) or _authors_without_history(changed, since), rows)


def _authors_without_history(changed: Model, since: datetime) -> list[Author]:
    """Return who saved the page: some columns, as who somebody is, are in nobody's history."""
    options = changed._meta
    saved = Operation.objects.filter(
        kind=f"change_{options.model_name}",
        state=State.APPLIED,
        parameters__contains={str(options.verbose_name): str(changed)},
        finished_at__gt=since,
    )
    found = saved.order_by("finished_at", "pk").values_list("actor_name", "finished_at")[:_TOLD]
    return [Author(name, at) for name, at in found if at]


def _told(authors: Sequence[Author]) -> str:
    by = " and ".join(f"by {name} on {at:%-d %B %Y at %H:%M:%S} UTC" for name, at in authors)
    if not by:
        return (
            "Nothing was saved: what stands here now is not what was shown. What you wrote is still"
            " below. To put it in place of what stands here, save again."
        )
    return (
        f"Nothing was saved: since you opened this page it was changed {by}. What you wrote is still"
        " below. To put it in place of what they wrote, save again; to see theirs, open the page again."
    )
