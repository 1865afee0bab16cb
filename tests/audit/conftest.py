"""What tests of the audit trail share."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import transaction
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from audit.append_only import guards
from audit.models import Operation
from audit.months import open_months
from audit.recorder import administrative_operation
from tests.audit.aged import make_old
from tests.audit.happened import Happened
from tests.audit.sealed import become_owner, execute, fill
from tests.audit.test_audit_commands import said
from tests.conftest import ORIGIN, Governed


@pytest.fixture
def operation(governed: Governed) -> Iterator[Operation]:
    """An operation of the manager's, being recorded."""
    with administrative_operation(actor=governed.manager, kind="test", origin=ORIGIN) as operation:
        yield operation


@pytest.fixture
def happened(governed: Governed) -> Happened:
    """A project in which one thing of each kind has happened."""
    return Happened(governed)


@pytest.fixture
def any_time(db: None) -> None:
    """Operations may be written as of any time, as their owner can, until the test is over."""
    (guard,) = [name for guard in guards() if "keeps_time" in (name := guard.name)]
    execute(f"ALTER TABLE audit_operation DISABLE TRIGGER {guard}")


@pytest.fixture(scope="module")
def trail(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """One sealed trail for all tests of a module."""
    with django_db_blocker.unblock():
        fill()
        yield
        call_command("flush", verbosity=0, interactive=False)


@pytest.fixture
def owner(trail: None, db: None) -> Iterator[None]:
    """Whoever owns the tables of the sealed trail; what they do to it is taken back after the test."""
    before = transaction.savepoint()
    become_owner()
    yield
    transaction.savepoint_rollback(before)


@pytest.fixture
def aged(governed: Governed) -> Iterator[Governed]:
    """A project with tasks whose history began three years ago."""
    make_old(governed)
    yield governed
    # What a sequence gives is not taken back with the transaction.
    open_months(at=timezone.now())


@pytest.fixture
def archive(aged: Governed, tmp_path: Path) -> Path:
    """The archive of what is older than two years, which is dropped."""
    folder = tmp_path / "archives"
    printed = said(
        "audit_retention",
        "--keep=24months",
        f"--archive={folder}",
        f"--actor={aged.admin.username}",
    )
    assert printed.startswith("archived 3 operations")
    (made,) = folder.iterdir()
    return made
