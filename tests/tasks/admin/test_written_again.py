"""Going back from a preview: the form holds what was written in it, and no secret."""

from typing import Any

import pytest

from tasks.models import TaskType
from tests.conftest import GIT_SCHEMA, Governed
from tests.visitors import choose, confirm, look, page, text_of, visit, write_down


SECRET = "correct horse battery"  # what no answer may hold
TOKEN = "/repository/token"
FIELDS = {
    "way": "fields",
    "how/repository/branch": "set",
    "value/repository/branch": "main",
    "how/notifications/enabled": "on",
    f"how{TOKEN}": "set",
    f"value{TOKEN}": SECRET,
}
PATCH = {
    "way": "patch",
    "text": '{\n "notifications": null\n}',
    f"patch-how{TOKEN}": "set",
    f"patch-value{TOKEN}": SECRET,
}


def written(form: Any) -> dict[str, Any]:
    """Return what the form shows, but for what it would show anyway."""
    shown = {name: form[name].value() for name in form.fields}
    return {name: value for name, value in shown.items() if value != form.fields[name].initial}


@pytest.mark.parametrize(
    ("action", "sent"),
    [
        ("disable", {"reason": "the year ends"}),
        ("copy", {"word": "eu west"}),
        ("change_permissions", {"is_execute 8 Viewer": "grant", "is_view 8 Viewer": "revoke"}),
    ],
)
def test_what_was_written_stands_in_the_form_again(
    governed: Governed, action: str, sent: dict[str, str]
) -> None:
    client = visit(governed.manager)
    draft = choose(client, action, governed.add_tasks(1))
    write_down(client, draft, sent)
    client.post(page("tasks_task_draft_preview", draft.pk), {"again": "1"})
    address = page("tasks_task_draft", draft.pk)
    assert f'href="{address}"' in text_of(look(client, draft))
    assert written(client.get(address).context["form"]) == sent


@pytest.mark.parametrize("sent", [FIELDS, PATCH])
def test_settings_stand_there_again_but_for_secrets_of_which_the_form_says_so(
    governed: Governed, sent: dict[str, str]
) -> None:
    client = visit(governed.developer)
    draft = choose(client, "change_settings", governed.add_tasks(1))
    address = page("tasks_task_draft", draft.pk)
    known = client.get(address).context["form"].known_types
    write_down(client, draft, {**sent, "known": known})
    shown = client.get(address)
    form = shown.context["form"]
    assert SECRET not in text_of(shown)
    assert "Write once more what it shall be, or leave it as it is: Token." in text_of(shown)
    kept = {name: value for name, value in sent.items() if value != SECRET}
    assert {"way": "fields", **written(form)} == {**kept, "known": known}
    # Forgotten, it is asked for again.
    answer = write_down(client, draft, {**written(form), "way": sent["way"]})
    assert "Write the secret, or leave it as it is." in text_of(answer)


def test_what_was_written_of_a_schema_that_changed_is_not_shown_as_if_it_still_held(
    governed: Governed,
) -> None:
    client = visit(governed.developer)
    draft = choose(client, "change_settings", governed.add_tasks(1))
    write_down(client, draft, {"text": '{"repository": {"branch": "main"}}'})
    address = page("tasks_task_draft", draft.pk)
    assert "main" in str(client.get(address).context["form"]["text"].value())
    schema = {**GIT_SCHEMA, "title": "Git"}
    TaskType.objects.filter(pk=governed.task_type.pk).update(schema=schema)
    assert client.get(address).context["form"]["text"].value() == "{}"
    assert confirm(client, draft).status_code == 302
