"""The form of settings: from what the chosen tasks share to a patch, and nothing that was not said."""

from collections.abc import Iterator, Sequence

import pytest
from django.contrib.auth.models import User

from tasks.admin.change_forms import ChosenTasks
from tasks.admin.settings_form import SettingsForm, ShownSetting
from tasks.changes import UpdateSettings
from tasks.models import Task, TaskType
from tests.batches import apply, statements_of
from tests.conftest import GIT_SCHEMA, Governed, build_governed


SECRET = "correct horse battery"


def empty(actor: User, uids: Sequence[str]) -> SettingsForm:
    """Return the form as it is shown first."""
    return SettingsForm(chosen=ChosenTasks(actor=actor, uids=uids))


def filled(actor: User, uids: Sequence[str], **written: str) -> SettingsForm:
    """Return the form as it is sent; `_` stands for what parts the steps of a place."""
    data = {name.replace("_", "/"): value for name, value in written.items()}
    known = empty(actor, uids).known_types
    chosen = ChosenTasks(actor=actor, uids=uids)
    return SettingsForm({"way": "fields", "known": known, **data}, chosen=chosen)


def now(form: SettingsForm) -> dict[str, str]:
    """Return what the form says of what is there, by the settings' titles."""
    return {shown.subject.title: shown.now for shown in _all(form.settings())}


def _all(settings: Sequence[ShownSetting]) -> Iterator[ShownSetting]:
    for each in settings:
        yield each
        yield from _all(each.inside)


def test_the_form_is_grouped_as_the_schema_and_says_what_is_there(governed: Governed) -> None:
    uids = governed.add_tasks(3)
    apply(governed.manager, UpdateSettings(patch={"repository": {"branch": "main"}}), uids[:1])
    apply(governed.manager, UpdateSettings(patch={"repository": {"token": SECRET}}), uids[1:])
    form = empty(governed.developer, uids)
    assert [shown.subject.title for shown in form.settings()] == ["Repository", "Notifications"]
    assert now(form) == {
        "Repository": "set",
        "Url": "https://git.example/app",
        "Branch": "2 different values: develop (2), main (1)",
        "Token": "set on 2 of 3",
        "Notifications": "set",
        "Enabled": "no",
    }


def test_everything_starts_at_leave_and_a_form_that_leaves_all_is_refused(
    governed: Governed,
) -> None:
    uids = governed.add_tasks(1)
    assert {
        shown.how.value() for shown in _all(empty(governed.developer, uids).settings()) if shown.how
    } == {"leave"}
    form = filled(governed.developer, uids, value_repository_branch="main")
    assert form.non_field_errors() == ["Nothing would change: say what shall be set or removed."]


def test_what_is_said_becomes_the_patch(governed: Governed) -> None:
    form = filled(
        governed.developer,
        governed.add_tasks(2),
        how_repository_branch="set",
        value_repository_branch="main",
        how_repository_token="set",
        value_repository_token=SECRET,
        how_repository_url="remove",
        how_notifications_enabled="on",
    )
    assert form.is_valid(), form.errors
    assert form.change() == UpdateSettings(
        patch={
            "repository": {"branch": "main", "token": SECRET, "url": None},
            "notifications": {"enabled": True},
        }
    )


def test_of_a_group_that_is_removed_the_inside_counts_not(governed: Governed) -> None:
    form = filled(
        governed.developer,
        governed.add_tasks(1),
        how_notifications="remove",
        how_notifications_enabled="on",
    )
    assert form.is_valid(), form.errors
    assert form.change() == UpdateSettings(patch={"notifications": None})


def test_a_value_that_no_type_takes_is_refused_at_its_field(governed: Governed) -> None:
    form = filled(
        governed.developer,
        governed.add_tasks(1),
        how_repository_branch="set",
        how_repository_token="set",
        value_repository_token="short",
    )
    assert not form.is_valid()
    assert list(form.errors) == ["value/repository/branch", "value/repository/token"]
    assert form.wrong == 2
    assert "short" not in str(form.errors["value/repository/token"]).replace("shorter", "")


def test_what_the_types_do_not_share_has_no_field_and_a_reason(governed: Governed) -> None:
    other = build_governed("ledger")
    schema = {**GIT_SCHEMA, "properties": {"repository": GIT_SCHEMA["properties"]["repository"]}}
    TaskType.objects.filter(pk=other.task_type.pk).update(schema=schema)
    form = empty(governed.admin, governed.add_tasks(1) + other.add_tasks(1))
    assert "Enabled" not in now(form)
    assert [tuple(left) for left in form.left_out] == [
        (("notifications",), "only Git of payments has it")
    ]


def test_a_schema_with_more_settings_than_a_request_may_have_fields_leaves_some_to_the_patch(
    governed: Governed,
) -> None:
    many = {f"key_{number:03}": {"type": "boolean"} for number in range(450)}
    schema = {"type": "object", "properties": many}
    TaskType.objects.filter(pk=governed.task_type.pk).update(schema=schema)
    form = empty(governed.developer, governed.add_tasks(1))
    assert (len(form.settings()), len(form.left_out)) == (400, 50)
    assert len(form.fields) < 1_000


def test_a_form_made_from_another_schema_is_not_taken(governed: Governed) -> None:
    uids = governed.add_tasks(1)
    form = filled(governed.developer, uids, how_notifications_enabled="on", known="0" * 16)
    assert "changed since you opened this form" in str(form.non_field_errors())
    assert not filled(governed.developer, uids, how_notifications_enabled="2").is_valid()


def test_a_text_is_a_patch_too_with_secrets_beside_it(governed: Governed) -> None:
    form = filled(
        governed.developer,
        governed.add_tasks(1),
        way="patch",
        text='{"repository": {"branch": "main"}}',
        **{"patch-how_repository_token": "set", "patch-value_repository_token": SECRET},
        how_notifications_enabled="on",
    )
    assert form.is_valid(), form.errors
    patch = {"repository": {"branch": "main", "token": SECRET}}
    assert form.change() == UpdateSettings(patch=patch)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "Line 1, column 2: not JSON"),
        ("[]", "Line 1, column 1: the body must be a JSON object"),
        ('{\n "repository": {\n  "token": "x"}}', "Line 3, column 3: it is a secret"),
        ('{\n "colour": 1}', "Line 2, column 2: there is no such setting"),
    ],
)
def test_an_error_in_the_text_is_told_at_its_line(governed: Governed, text: str, says: str) -> None:
    form = filled(governed.developer, governed.add_tasks(1), way="patch", text=text)
    assert not form.is_valid()
    assert str(form.errors["text"][0]).startswith(says)


def test_only_what_the_actor_may_view_is_told(governed: Governed) -> None:
    other = build_governed("ledger")
    mine, theirs = governed.add_tasks(1), other.add_tasks(1)
    Task.objects.filter(uid__in=theirs).update(settings={"repository": {"branch": "hidden"}})
    form = empty(governed.viewer, mine + theirs)
    assert (form.seen, form.may_change) == (1, 0)
    assert [each.name for each in form.types] == ["Git of payments"]
    assert now(form)["Branch"] == "develop"
    nothing = empty(governed.outsider, mine)
    assert (nothing.seen, nothing.settings(), nothing.secrets()) == (0, [], [])


@pytest.mark.parametrize("count", [1, 40])
def test_the_form_takes_the_same_queries_for_any_number_of_tasks(
    governed: Governed, count: int
) -> None:
    uids = governed.add_tasks(count)

    def show() -> None:
        form = empty(governed.developer, uids)
        form.settings()
        form.secrets()

    assert statements_of(show) == 5


def test_a_secret_in_the_text_of_a_patch_does_not_come_back_with_the_page(
    governed: Governed,
) -> None:
    text = f'{{\n  "repository": {{"token": "{SECRET}", "branch": "main"}}\n}}'
    chosen = ChosenTasks(actor=governed.developer, uids=governed.add_tasks(1))
    form = SettingsForm({"way": "patch", "text": text}, chosen=chosen)
    assert form.errors["text"]
    assert form["text"].value() == text.replace(SECRET, "")
