"""The drafts of imports: a file that waits for its actor, and what was told of its rows, both encrypted.

Telling takes what importing takes, so it is done once, when the file comes in; looking at it is cheap.
"""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from django.contrib.auth.models import User

from audit.models import Operation
from tasks.admin.drafts import VALID_FOR, DraftReceipt, DraftUnusable, new_draft
from tasks.admin.import_formats import FORMATS, FileOfTasks
from tasks.importing.checking import Terms
from tasks.models import Draft
from tasks.secrets import SealBroken, seal_text, unseal_text


ACTION = "import_tasks"
# Files are large: of an actor's so many wait.
MOST_FILES = 5


class Upload(NamedTuple):
    """The file of a draft, and what was said of it."""

    name: str
    file: FileOfTasks
    terms: Terms


class GoodRow(NamedTuple):
    """A row that becomes a task."""

    place: str
    name: str
    project: str
    task_type: str


class BadRow(NamedTuple):
    """A row that cannot become a task, and everything that is wrong with it."""

    place: str
    problems: Sequence[str]


class Told(NamedTuple):
    """What a preview told: why nothing can be imported, if so; how many rows are what, and the first."""

    file: str
    error: str
    mark: str
    good: int
    bad: int
    good_rows: Sequence[GoodRow]
    bad_rows: Sequence[BadRow]


def new_import(*, actor: User, content: str) -> Draft:
    """Let a file wait; of the actor's other files only the latest wait on."""
    draft = new_draft(actor=actor, action=ACTION, uids=[])
    draft.change = seal_text(content)
    draft.save(update_fields=["change"])
    waiting = Draft.objects.filter(actor=actor, action=ACTION, operation=None).order_by("-pk")
    latest = list(waiting.values_list("pk", flat=True)[:MOST_FILES])
    waiting.exclude(pk__in=latest).delete()
    return draft


def keep_told(*, draft: Draft, told: Told) -> None:
    """Keep what was told of the file's rows."""
    Draft.objects.filter(pk=draft.pk).update(told=seal_text(json.dumps(told)))


@dataclass(frozen=True)
class FileReceipt:
    """Lets the file of a draft be imported once, however often its button is pressed."""

    draft: Draft

    def claim(self) -> None:
        """Lock the draft.

        Raises:
            DraftUsed: its tasks have been added.
            DraftUnusable: it has been forgotten meanwhile.
        """
        DraftReceipt(self.draft).claim()

    def settle(self, *, operation: Operation) -> None:
        """Note the operation that added the tasks; the file has done its duty."""
        used = Draft.objects.filter(pk=self.draft.pk)
        used.update(operation=operation.pk, change="", told="")


def told_of(draft: Draft) -> Told:
    """Return what was told of the file's rows.

    Raises:
        DraftUnusable: nothing was, or it has waited for too long.
    """
    told = Told(*json.loads(_unsealed(draft, draft.told)))
    return told._replace(
        good_rows=[GoodRow(*row) for row in told.good_rows],
        bad_rows=[BadRow(*row) for row in told.bad_rows],
    )


def upload_of(draft: Draft) -> Upload:
    """Return the file that waits in the draft.

    Raises:
        DraftUnusable: there is none, or it has waited for too long.
    """
    content = json.loads(_unsealed(draft, draft.change))
    file = FORMATS[content["format"]]().create_dataset(base64.b64decode(content["content"]))
    terms = Terms(
        project=content["project"],
        task_type=content["type"],
        ignore_creators=content["ignore_creators"],
    )
    return Upload(content["file"], file, terms)


def _unsealed(draft: Draft, sealed: str) -> str:
    if draft.action != ACTION:
        raise DraftUnusable
    try:
        return unseal_text(sealed, valid_for=VALID_FOR)
    except SealBroken as error:
        raise DraftUnusable from error
