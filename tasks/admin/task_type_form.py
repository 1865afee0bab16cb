"""The form of a task type: its schema as text, and what another schema would mean for its tasks."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from django import forms
from django.core.exceptions import ValidationError
from django.utils.text import capfirst
from unfold.widgets import UnfoldAdminTextareaWidget

from audit.admin.requests import page_number
from tasks.batch.errors import Malformed
from tasks.json_positions import position_of, positions
from tasks.models import TaskType
from tasks.schema_impact import BrokenTask, Impact, broken_tasks, read_impact
from tasks.schemas import SchemaInvalid, check_schema
from tasks.strict_json import parse_object


_PER_PAGE = 50
_LONGEST = 256 * 1024
_QUOTED = 60


class SchemaField(forms.CharField):
    """A schema as text; what is wrong with it is said with its line."""

    widget = UnfoldAdminTextareaWidget(
        attrs={"rows": 28, "class": "bh-mono", "spellcheck": "false"}
    )

    def __init__(self, **options: Any) -> None:
        super().__init__(strip=False, max_length=_LONGEST, **options)

    def prepare_value(self, value: Any) -> Any:
        """Return the schema as people read it, or the text as it was sent."""
        return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)

    def clean(self, value: Any) -> Any:
        """Return the schema that the text is.

        Raises:
            ValidationError: for each thing that is wrong, its line and place.
        """
        text = super().clean(value)
        try:
            schema = parse_object(text.encode(errors="surrogatepass"))
        except Malformed as error:
            raise ValidationError([_told(text, *problem) for problem in error.problems]) from error
        try:
            check_schema(schema)
        except SchemaInvalid as error:
            found = [_told(text, problem.pointer, problem.message) for problem in error.problems]
            raise ValidationError(found) from error
        return schema

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Return whether the text is another schema, however it is written."""
        try:
            sent = parse_object(str(data).encode(errors="surrogatepass"))
        except Malformed:
            return True
        return _written(initial) != _written(sent)


class ImpactPage(NamedTuple):
    """What the schema would mean for the type's tasks, and the page of those that it would break."""

    impact: Impact
    number: int
    pages: int
    tasks: Sequence[BrokenTask]

    @property
    def previous(self) -> int:
        """The page before, 0 if there is none."""
        return self.number - 1

    @property
    def following(self) -> int:
        """The page after, 0 if there is none."""
        return self.number + 1 if self.number < self.pages else 0


class TaskTypeForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs alone
    """A task type; a schema that breaks tasks is saved only by who has seen which."""

    schema = SchemaField(
        help_text="JSON Schema, draft 2020-12. A string with writeOnly is a secret. Before another"
        " schema is saved, you see which tasks would no longer satisfy it."
    )

    class Meta:
        model = TaskType
        fields = ("key", "name", "description", "schema")

    impact: Impact | None = None
    shown: ImpactPage | None = None

    def clean(self) -> dict[str, Any]:
        """Stop before a schema that breaks tasks, unless exactly these have been shown.

        Raises:
            ValidationError: saying how many it would break.
        """
        cleaned: dict[str, Any] = super().clean() or {}
        schema = cleaned.get("schema")
        if self.instance.pk and schema is not None and "schema" in self.changed_data:
            self._weigh(schema)
        return cleaned

    def _weigh(self, schema: Mapping[str, Any]) -> None:
        self.impact = impact = read_impact(task_type=self.instance, schema=schema)
        seen, turned = self.data.get("seen"), self.data.get("page", "")
        if not impact.broken or (seen == impact.fingerprint and not turned):
            return
        pages = (len(impact.broken) - 1) // _PER_PAGE + 1
        number = page_number(turned, last=pages)
        keys = impact.broken[(number - 1) * _PER_PAGE : number * _PER_PAGE]
        tasks = broken_tasks(keys=keys, schema=schema)
        self.shown = ImpactPage(impact, number, pages, tasks)
        raise ValidationError(
            f"{len(impact.broken):,} of {impact.tasks:,} tasks of this type would no longer satisfy"
            " the schema; they are listed below. Nothing is saved. To save it all the same, save again."
        )


def _told(text: str, place: str, message: str) -> str:
    """Return what is wrong with its line: where reading ended says it itself."""
    if place and not place.startswith("/"):
        return f"{capfirst(place)}: {message}"
    line = position_of(place, known=positions(text)).line
    quoted = text.splitlines()[line - 1].strip() if text.strip() else ""
    if len(quoted) > _QUOTED:
        quoted = f"{quoted[:_QUOTED]}…"
    return f"Line {line}, {place or 'the whole'}: {message}  ({quoted})"


def _written(schema: Any) -> str:
    return json.dumps(schema, sort_keys=True)
