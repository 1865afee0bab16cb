"""Whatever is done with a secret, it is found nowhere but where it is stored, encrypted.

Secrets are planted wherever one can be typed or sent. Then everything that came out is searched: the
whole database, what was logged, what was answered, and every page and file that can be asked for.
"""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client

from audit.models import Operation, State
from permissions.tokens import find_token
from tasks.changes import UpdateSettings
from tasks.models import Task
from tasks.secrets import reveal_secret
from tests.admin_world import addresses, populate
from tests.audit.planted import Planted, dump
from tests.conftest import Governed
from tests.tasks.api.caller import SETTINGS_TASKS, Caller, caller_of, update
from tests.visitors import auditor, choose, draft_at, page, visit
from tests.worker import work_off


class World:
    """A project, and people and programs that plant secrets in it."""

    def __init__(self, governed: Governed, planted: Planted, folder: Path) -> None:
        self.governed, self.planted, self.folder = governed, planted, folder
        populate(governed, tasks=2)
        self.uids = sorted(governed.add_tasks(6))
        self.manager = visit(governed.manager)
        self.manager.raise_request_exception = False
        self.caller = caller_of(governed.manager, name="planter")

    def settings(self, place: str, **more: Any) -> dict[str, Any]:
        """Return settings with a new secret in its place."""
        return {"repository": {"token": self.planted.plant(place), **more}}

    def call(self, place: str, caller: Caller, *, path: str = "", **headers: str) -> Any:
        """Send settings with a new secret; return the answer."""
        body = update(self.uids[:2], self.settings(place, branch="main"))
        answer = caller.post(f"{SETTINGS_TASKS}{path}", body, **headers)
        return self.planted.look(place, answer)

    def post(self, place: str, address: str, form: dict[str, Any]) -> Any:
        """Send a form as the manager does."""
        return self.planted.look(place, self.manager.post(address, form, follow=True))


def failing(*_: Any, **__: Any) -> int:
    raise ZeroDivisionError


def through_the_api(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Preview, apply, run in the worker, be refused, fail, and undo."""
    caller, viewer = world.caller, caller_of(world.governed.viewer, name="of a viewer")
    assert world.call("a dry run", caller, path="?dry_run=true").status_code == 200
    assert world.call("a batch with a key", caller, Idempotency_Key="k").status_code == 200
    accepted = world.call("a batch for the worker", caller, Prefer="respond-async")
    assert accepted.status_code == 202
    work_off()
    assert world.call("a batch that is denied", viewer).status_code in {403, 404}
    assert world.call("a batch that drifted", caller, If_Match='"0"').status_code == 412
    assert world.call("an unknown parameter", caller, path="?dry=1").status_code == 400
    for place, settings in (
        ("a wrong place", {"tokn": {"token": world.planted.plant("a wrong place")}}),
        ("a wrong form", {"repository": {"token": [world.planted.plant("a wrong form")]}}),
        ("a wrong neighbour", world.settings("a wrong neighbour", branch=7)),
    ):
        answer = caller.post(SETTINGS_TASKS, update(world.uids[:2], settings))
        assert world.planted.look(place, answer).status_code == 422, place
    broken = b'{"settings": {"token": "%b", ' % world.planted.plant("a broken body").encode()
    assert (
        world.planted.look("a broken body", caller.post(SETTINGS_TASKS, broken)).status_code == 400
    )
    with monkeypatch.context() as patched:
        patched.setattr(UpdateSettings, "write", failing)
        assert world.call("a batch that fails", caller).status_code == 500
        assert world.call("a job that fails", caller, Prefer="respond-async").status_code == 202
        work_off()
    undo = caller.post(f"{accepted['Location']}/revert", b"")
    assert world.planted.look("an undo", undo).status_code == 200


def through_headers(world: World) -> None:
    """Send what opens nothing, and what does, in every header that takes it."""
    plant, path = world.planted.plant, "/api/v2/operations"
    for headers in (
        {"Authorization": f"Bearer {plant('a bearer')}"},
        {"Authorization": f"Basic {plant('a password in a header')}"},
        {"X-Auth-Token": plant("an X-Auth-Token")},
        {"Cookie": f"sessionid={plant('a cookie')}"},
    ):
        answer = Client(raise_request_exception=False).get(path, headers=headers)
        assert world.planted.look("a header", answer).status_code == 401
    world.planted.secrets["a token in use"] = world.caller.token
    assert world.planted.look("a token in use", world.caller.get(path)).status_code == 200
    as_other = Client().get(path, headers={"X-Auth-Token": world.caller.token})
    assert world.planted.look("a token in use", as_other).status_code == 200


def through_forms(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write settings down as fields and as a patch, look, apply, fail, and undo."""
    key = "repository/token"
    for place, prefix in (("a field", ""), ("a field beside a patch", "patch-")):
        draft = choose(world.manager, "change_settings", world.uids[2:4])
        address = page("tasks_task_draft", draft.pk)
        known = world.manager.get(address).context["form"].known_types
        way = {"way": "patch", "text": "{}"} if prefix else {"way": "fields", "known": known}
        secret = world.planted.plant(place)
        typed = {f"{prefix}how/{key}": "set", f"{prefix}value/{key}": secret}
        looked = world.post(place, address, {**way, **typed})
        assert "shown" in looked.context, looked.context["form"].errors
        confirm(world, place, draft.pk, looked, monkeypatch)
    in_text = json.dumps(world.settings("a patch"))
    draft = choose(world.manager, "change_settings", world.uids[2:4])
    world.post("a patch", page("tasks_task_draft", draft.pk), {"way": "patch", "text": in_text})
    check = {"text": in_text, "types": str(world.governed.task_type.pk)}
    world.post("a patch", page("tasks_task_check_patch"), check)
    applied = Operation.objects.filter(kind="update_settings", state=State.APPLIED).latest("pk")
    undo = draft_at(world.manager.post(page("audit_operation_undo", applied.pk)))
    looked = world.manager.get(page("tasks_task_draft_preview", undo.pk))
    confirm(world, "an undo by page", undo.pk, looked, monkeypatch)


def confirm(
    world: World, place: str, draft: Any, looked: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fail to apply what is shown, then apply it; look at it as a file, too."""
    address = page("tasks_task_draft_preview", draft)
    world.planted.look(place, world.manager.get(page("tasks_task_draft_csv", draft)))
    sent = {"apply": looked.context["shown"].fingerprint}
    with monkeypatch.context() as patched:
        patched.setattr("audit.recorder._execute", failing)
        assert world.planted.look(place, world.manager.post(address, sent)).status_code == 500
    before = Operation.objects.filter(state=State.APPLIED).count()
    world.post(place, address, sent)
    assert Operation.objects.filter(state=State.APPLIED).count() == before + 1, place


ROW = ("name", "project", "type", "settings.repository.token", "settings.notifications.enabled")


def csv_of(rows: list[list[str]]) -> bytes:
    file = io.StringIO()
    csv.writer(file).writerows([ROW, *rows])
    return file.getvalue().encode()


def xlsx_of(rows: list[list[str]]) -> bytes:
    book, file = openpyxl.Workbook(), io.BytesIO()
    sheet: Any = book.active
    for row in [list(ROW), *rows]:
        sheet.append(row)
    book.save(file)
    return file.getvalue()


def json_of(rows: list[list[str]]) -> bytes:
    return json.dumps(
        [
            {
                "name": name,
                "project": project,
                "type": task_type,
                "settings": {
                    "repository": {"token": token},
                    "notifications": {"enabled": enabled == "true" or enabled},
                },
            }
            for name, project, task_type, token, enabled in rows
        ]
    ).encode()


FILES: dict[str, Callable[[list[list[str]]], bytes]] = {
    "csv": csv_of,
    "xlsx": xlsx_of,
    "json": json_of,
}


def through_files(world: World) -> None:
    """Import files, good ones and bad ones, by page and by command."""
    governed = world.governed
    for kind, written in FILES.items():
        for place, enabled in ((f"a {kind}", "true"), (f"a bad {kind}", "perhaps")):
            of = [governed.project.name, governed.task_type.key]
            content = written([[place, *of, world.planted.plant(place), enabled]])
            upload = {"import_file": SimpleUploadedFile(f"tasks.{kind}", content)}
            looked = world.post(place, page("tasks_task_import_file"), upload)
            if enabled == "true":
                address = looked.redirect_chain[-1][0]
                world.post(place, address, {"mark": looked.context["told"].mark})
                assert Task.objects.filter(name=place).exists()
        path = world.folder / f"bad.{kind}"
        path.write_bytes(content)
        printed = io.StringIO()
        with pytest.raises(CommandError) as refused:
            call_command(
                *("import_tasks", str(path), "--actor", governed.manager.username),
                stdout=printed,
                stderr=printed,
            )
        said = f"{printed.getvalue()} {refused.value}"
        world.planted.shown.append((f"import_tasks of {kind}", said.encode()))


def through_accounts(world: World) -> None:
    """Sign in, rightly and wrongly; make an account and a token, and set passwords."""
    plant, look = world.planted.plant, world.planted.look
    admin, client = visit(world.governed.admin), Client(raise_request_exception=False)
    password = plant("a password")
    both = {"password1": password, "password2": password, "usable_password": "true"}
    newcomer = {"username": "newcomer", "is_staff": "on", **both}
    look("an account", admin.post(page("auth_user_add"), newcomer, follow=True))
    user = User.objects.get(username="newcomer")
    assert user.check_password(password)
    unlike = {**both, "password2": plant("a second password")}
    look("a mismatch", admin.post(page("auth_user_password_change", user.pk), unlike))
    wrong = {"username": "newcomer", "password": plant("a wrong password")}
    look("a wrong password", client.post(page("login"), wrong))
    # What is typed as a name comes back to who typed it, in the field of the name; it is kept nowhere.
    client.post(page("login"), {**wrong, "username": plant("a password as a name")})
    signed_in = client.post(page("login"), {"username": "newcomer", "password": password})
    assert signed_in.status_code == 302
    another = plant("one's own password")
    change = {"old_password": password, "new_password1": another, "new_password2": another}
    look("a password", client.post(page("password_change"), change, follow=True))
    world.planted.secrets["a session"] = client.cookies["sessionid"].value
    made = client.post(
        page("permissions_apitoken_add"), {"name": "made", "scopes": ["audit:read"], "days": 3}
    )
    token = world.planted.secrets["a token"] = made.context["issued"].secret
    assert find_token(token)


def look_everywhere(world: World) -> None:
    """Ask for every page and file as an auditor and as others, and export the trail."""
    look, governed = world.planted.look, world.governed
    call_command("seal_audit", stdout=io.StringIO())
    printed = io.StringIO()
    for command in (["verify_audit"], ["export_audit", str(world.folder / "export")]):
        by = ["--actor", governed.admin.username] if "export" in command[0] else []
        call_command(*command, *by, stdout=printed, stderr=printed)
    world.planted.shown.append(("commands", printed.getvalue().encode()))
    for file in (world.folder / "export").rglob("*"):
        if file.is_file():
            world.planted.shown.append((f"export_audit: {file.name}", file.read_bytes()))
    pages = {*addresses(governed).values()}
    for task in Task.objects.filter(uid__in=world.uids):
        pages |= {page(f"tasks_task_{name}", task.pk) for name in ("change", "history")}
    pages |= {page("tasks_task_export_list") + f"?as={kind}" for kind in FILES}
    operations = {page("audit_operation_change", each.pk) for each in Operation.objects.all()}
    for user, addresses_of in ((auditor(), pages | operations), (governed.manager, pages)):
        client = visit(user)
        for address in sorted(addresses_of):
            look(f"{address} as {user}", client.get(address))
    reader = caller_of(governed.admin, name="reader")
    for accept in ("application/json", "application/x-ndjson", "text/csv"):
        look(f"events as {accept}", reader.get("/api/v2/audit/events", Accept=accept))
    for operation in Operation.objects.all():
        for path in ("", "/changes"):
            address = f"/api/v2/operations/{operation.pk}{path}"
            look(address, reader.get(address))


def test_a_secret_is_found_nowhere_but_where_it_is_stored(
    committed: Governed,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level("DEBUG")
    planted = Planted()
    world = World(committed, planted, tmp_path)
    through_the_api(world, monkeypatch)
    through_headers(world)
    through_forms(world, monkeypatch)
    through_files(world)
    through_accounts(world)
    look_everywhere(world)
    planted.shown += [("logs", caplog.text.encode()), ("output", str(capfd.readouterr()).encode())]
    assert "Traceback" in caplog.text
    planted.shown += dump()
    # The browser's own cookie is the key of its session, and is given to that browser alone.
    assert planted.found() == {("a session", "django_session")}
    stored = {
        reveal_secret(task.settings["repository"]["token"])
        for task in Task.objects.all()
        if "token" in task.settings.get("repository", {})
    }
    kept = {place for place, secret in planted.secrets.items() if secret in stored}
    assert {"a csv", "a xlsx", "a json"} < kept
