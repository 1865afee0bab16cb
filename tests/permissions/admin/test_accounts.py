"""Accounts and groups in the admin."""

from functools import partial

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection, transaction

from audit.models import Operation
from tests.conftest import Governed
from tests.held_threads import threads, wait_until_blocked
from tests.tokens import issue
from tests.visitors import auditor, page, persona, save, text_of, visit


def form_of(user: User, *, without: str) -> dict[str, str]:
    """Return what the form of a superuser's account sends with one box unticked."""
    ticked = {"is_superuser", "is_staff", "is_active"} - {without}
    return {"username": user.username, **dict.fromkeys(sorted(ticked), "on")}


def test_giving_groups_to_an_account_is_an_operation_that_names_them(governed: Governed) -> None:
    group = Group.objects.create(name="platform")
    form = {"username": "payments-outsider", "is_active": "on", "groups": [group.pk]}
    form |= {"date_joined_0": "2026-01-01", "date_joined_1": "00:00"}
    address = page("auth_user_change", governed.outsider.pk)
    assert save(visit(governed.admin), address, form).status_code == 302
    assert list(governed.outsider.groups.all()) == [group]
    operation = Operation.objects.get(kind="change_user")
    assert operation.parameters["user"] == "payments-outsider"
    assert operation.parameters["groups"] == ["platform"]


def test_a_superuser_adds_an_account(governed: Governed) -> None:
    form = {"username": "newcomer", "usable_password": "true", "is_staff": "on"}
    form |= {"password1": "a long passphrase", "password2": "a long passphrase"}
    visit(governed.admin).post(page("auth_user_add"), form)
    newcomer = User.objects.get(username="newcomer")
    assert newcomer.check_password("a long passphrase")
    assert "passphrase" not in str(Operation.objects.get(kind="add_user").parameters)


def test_setting_a_password_is_an_operation(governed: Governed) -> None:
    form = {"usable_password": "true", "password1": "another phrase", "password2": "another phrase"}
    address = page("auth_user_password_change", governed.viewer.pk)
    visit(governed.admin).post(address, form)
    governed.viewer.refresh_from_db()
    assert governed.viewer.check_password("another phrase")
    assert Operation.objects.get(kind="set_password").parameters == {"user": "payments-viewer"}


def test_a_password_that_does_not_fit_is_no_operation(governed: Governed) -> None:
    form = {"usable_password": "true", "password1": "one phrase", "password2": "another"}
    visit(governed.admin).post(page("auth_user_password_change", governed.viewer.pk), form)
    assert not Operation.objects.filter(kind="set_password").exists()


@pytest.mark.parametrize("name", ["manager", "viewer", "outsider", "auditor"])
def test_nobody_but_superusers_changes_accounts_and_auditors_alone_read_them_besides(
    governed: Governed, name: str
) -> None:
    user = persona(name, governed=governed)
    client = visit(user)
    form = {"username": user.username, "is_active": "on", "is_superuser": "on"}
    assert client.get(page("auth_user_add")).status_code == 403
    reads = 200 if name == "auditor" else 403
    for address in (page("auth_user_changelist"), page("auth_user_change", user.pk)):
        assert client.get(address).status_code == reads
    assert client.post(page("auth_user_change", user.pk), form).status_code == 403
    client.post(page("auth_user_change", user.pk), form)
    password = {"password1": "x" * 12, "password2": "x" * 12, "usable_password": "true"}
    client.post(page("auth_user_password_change", governed.admin.pk), password)
    user.refresh_from_db()
    assert not user.is_superuser
    assert not User.objects.get(pk=governed.admin.pk).has_usable_password()


@pytest.mark.parametrize("lost", ["is_superuser", "is_staff", "is_active"])
def test_the_last_superuser_stays_one(governed: Governed, lost: str) -> None:
    other = User.objects.create_user("closed", is_superuser=True, is_staff=True, is_active=False)
    client, address = visit(governed.admin), page("auth_user_change", governed.admin.pk)
    form = form_of(governed.admin, without=lost)
    assert "This is the last superuser who can sign in here" in text_of(save(client, address, form))
    assert getattr(User.objects.get(pk=governed.admin.pk), lost)
    assert not Operation.objects.filter(kind="change_user").exists()
    # Nor is an account ever deleted.
    assert (
        client.post(page("auth_user_delete", governed.admin.pk), {"post": "yes"}).status_code == 403
    )
    User.objects.filter(pk=other.pk).update(is_active=True)
    assert save(client, address, form).status_code == 302


def test_of_two_superusers_who_take_each_others_rights_at_once_one_stays(
    committed: Governed,
) -> None:
    pair = [committed.admin, User.objects.create_superuser("second")]
    calls = []
    for actor, other in (pair, pair[::-1]):
        client, address = visit(actor), page("auth_user_change", other.pk)
        shown = client.get(address).context["adminform"].form.shown_now
        sent = {**form_of(other, without="is_superuser"), "as_shown": shown}
        calls.append(partial(client.post, address, sent))
    with threads() as start:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("LOCK TABLE auth_user IN EXCLUSIVE MODE")
            presses = [start(call) for call in calls]
            wait_until_blocked(2)
        answers = [press.result() for press in presses]
    assert sorted(answer.status_code for answer in answers) == [200, 302]
    assert User.objects.filter(is_superuser=True, is_active=True, is_staff=True).count() == 1


def test_an_auditor_reads_nothing_of_a_password(governed: Governed) -> None:
    governed.viewer.set_password("a long passphrase")
    governed.viewer.save()
    address = page("auth_user_change", governed.viewer.pk)
    shown = text_of(visit(auditor()).get(address))
    assert "payments-viewer" in shown
    for hidden in ("pbkdf2", "assword</", governed.viewer.password):
        assert hidden not in shown
    assert "assword</" in text_of(visit(governed.admin).get(address))


def test_an_accounts_history_is_told_to_auditors_and_not_to_others(governed: Governed) -> None:
    address = page("auth_user_history", governed.viewer.pk)
    reviewers = Group.objects.create(name="reviewers")
    governed.viewer.groups.add(reviewers)
    User.objects.filter(pk=governed.viewer.pk).update(is_active=False)
    shown = visit(auditor()).get(address)
    rows = shown.context["timeline"].rows
    told = [(row.what, row.kind, [tuple(each) for each in row.differences]) for row in rows]
    assert ("membership of payments-viewer in group reviewers", "added", []) in told
    assert ("user payments-viewer", "changed", [("active", "yes", "no")]) in told
    assert visit(governed.manager).get(address).status_code == 404
    # From there, and from the account's page, one asks what they could do at a moment.
    past = page("auth_user_past", governed.viewer.pk)
    account = visit(governed.admin).get(page("auth_user_change", governed.viewer.pk))
    assert past in text_of(shown)
    assert f'action="{past}"' in text_of(account)


def test_pages_show_times_so_that_a_script_can_turn_them_into_the_viewer_s_zone(
    governed: Governed,
) -> None:
    token = issue(governed.viewer).token
    client = visit(governed.admin)
    for name, key, at in (
        ("auth_user_change", governed.viewer.pk, governed.viewer.date_joined),
        ("tasks_project_change", governed.project.pk, governed.project.created_at),
        ("permissions_apitoken_change", token.pk, token.created_at),
    ):
        assert f'<time datetime="{at.isoformat()}">' in text_of(client.get(page(name, key)))
