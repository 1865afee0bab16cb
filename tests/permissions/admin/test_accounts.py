"""Accounts and groups in the admin."""

import pytest
from django.contrib.auth.models import Group, User

from audit.models import Operation
from tests.conftest import Governed
from tests.visitors import auditor, page, persona, save, text_of, visit


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
def test_nobody_but_superusers_reaches_accounts(governed: Governed, name: str) -> None:
    user = persona(name, governed=governed)
    client = visit(user)
    form = {"username": user.username, "is_active": "on", "is_superuser": "on"}
    for address in (page("auth_user_changelist"), page("auth_user_add")):
        assert client.get(address).status_code == 403
    client.post(page("auth_user_change", user.pk), form)
    password = {"password1": "x" * 12, "password2": "x" * 12, "usable_password": "true"}
    client.post(page("auth_user_password_change", governed.admin.pk), password)
    user.refresh_from_db()
    assert not user.is_superuser
    assert not User.objects.get(pk=governed.admin.pk).has_usable_password()


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
