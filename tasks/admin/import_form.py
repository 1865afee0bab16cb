"""The form in which a file of tasks is uploaded, with what holds for rows that do not say it."""

import base64
import json
from pathlib import Path
from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from unfold.contrib.import_export.forms import ImportForm
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldBooleanWidget

from tasks.admin.import_formats import FORMATS
from tasks.admin.import_resource import TaskResource
from tasks.batch.authority import authority
from tasks.models import Project, TaskType
from tasks.visibility import visible_projects


MOST_BYTES = 8 * 1024 * 1024


def projects_to_add_to(*, actor: User) -> QuerySet[Project]:
    """Return the projects to which the actor may add tasks."""
    seen = visible_projects(actor=actor)
    keys = list(seen.values_list("pk", flat=True))
    may_add = authority().may_add_tasks(actor=actor, project_ids=keys)
    return Project.objects.filter(pk__in=may_add).order_by("name")


class TaskImportForm(ImportForm):  # type: ignore[misc]  # the theme has no types
    """A file, how to read it, and the project and the type of rows that name none."""

    project = forms.ModelChoiceField(
        queryset=Project.objects.none(),
        required=False,
        empty_label="None",
        label="Project of rows that name none",
        widget=UnfoldAdminSelectWidget(),
    )
    task_type = forms.ModelChoiceField(
        queryset=TaskType.objects.none(),
        required=False,
        empty_label="None",
        label="Type of rows that name none",
        widget=UnfoldAdminSelectWidget(),
    )
    ignore_creators = forms.BooleanField(
        required=False,
        label="I become the creator of every task, whoever the file names",
        widget=UnfoldBooleanWidget(),
    )
    field_order = ("import_file", "format", "project", "task_type", "ignore_creators")

    def __init__(self, data: Any = None, files: Any = None, *, projects: QuerySet[Project]) -> None:
        super().__init__(list(FORMATS), [TaskResource], data=data, files=files, label_suffix="")
        fields: Any = self.fields
        fields["project"].queryset = projects
        fields["task_type"].queryset = TaskType.objects.order_by("name")
        fields["import_file"].label = "File"
        fields["import_file"].help_text = "CSV, Excel (XLSX) or JSON, at most 8 MB."
        fields["format"].required = False
        fields["format"].choices = [
            ("", "Told by the ending of the file"),
            *fields["format"].choices[1:],
        ]

    def clean_import_file(self) -> Any:
        """Refuse what is too large for a page."""
        file = self.cleaned_data["import_file"]
        if (file.size or 0) > MOST_BYTES:
            raise ValidationError(
                "The file is larger than 8 MB: import it with manage.py import_tasks."
            )
        return file

    def clean(self) -> dict[str, Any]:
        """Tell the format by the file's ending, unless it is given."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        file = cleaned.get("import_file")
        if file and not cleaned.get("format"):
            ending = Path(file.name).suffix.lower()
            known = [str(at) for at, each in enumerate(FORMATS) if each.ending == ending]
            if not known:
                self.add_error("format", "The ending of the file tells no format: say which it is.")
            cleaned["format"] = "".join(known)
        return cleaned

    def crafted(self) -> list[tuple[str, str]]:
        """Return what the form asks for that its page does not offer: projects to add no tasks to."""
        forged = self.has_error("project", "invalid_choice")
        return [("no_right", "the project is none that you may add tasks to")] if forged else []

    def content(self) -> str:
        """Return the file and what was said of it, for a draft."""
        said = self.cleaned_data
        project, task_type = said["project"], said["task_type"]
        return json.dumps(
            {
                "kind": "import_tasks",
                "file": said["import_file"].name,
                "format": int(said["format"]),
                "content": base64.b64encode(said["import_file"].read()).decode(),
                "project": project.uid if project else "",
                "type": task_type.key if task_type else "",
                "ignore_creators": said["ignore_creators"],
            }
        )
