"""One Chromium, one server and one database for all journeys through the admin."""

import os
from collections.abc import Iterator

import pytest
from django.core.management import call_command
from django.db import connection
from playwright.sync_api import Browser
from pytest_django import DjangoDbBlocker

from tasks.models import Project
from tests.conftest import Governed, build_governed
from tests.journeys.admin.chromium import REQUIRED, Windows, chromium, find_chromium
from tests.journeys.live import Process, wait_until, web_server


MISSING = "No Chromium was found"


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """The machine's Chromium; without one the journeys are skipped, or fail where they must run."""
    program = find_chromium()
    if program is None:
        (pytest.fail if os.environ.get(REQUIRED) else pytest.skip)(MISSING)
    with pytest.MonkeyPatch.context() as patch, chromium(program=program) as browser:
        # Playwright keeps an event loop in this thread, and Django would take that for danger.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "yes")
        yield browser


@pytest.fixture(scope="package")
def transactional_db(
    browser: Browser, django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[None]:
    """The tests' database, emptied after the last journey: what a server remembers stays true."""
    with django_db_blocker.unblock():
        yield
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE procrastinate_jobs, procrastinate_workers CASCADE")
        call_command("flush", verbosity=0, interactive=False, reset_sequences=False)
        connection.close()


@pytest.fixture(scope="package")
def server(transactional_db: None) -> Iterator[Process]:
    """The product's web server, on the tests' database."""
    with web_server() as server:
        yield server


@pytest.fixture
def windows(browser: Browser, server: Process) -> Iterator[Windows]:
    """Windows on the server; a journey fails if a page did in one of them what no page may do."""
    windows = Windows(browser, server.url)
    yield windows
    windows.close()
    wait_until(_nothing_is_going_on)
    assert windows.troubles == []


@pytest.fixture
def governed(server: Process) -> Governed:
    """A project of the journey's own."""
    return build_governed(f"journey-{Project.objects.count()}")


def _nothing_is_going_on() -> bool:
    """Return whether nobody else is in the middle of something in the tests' database."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()"
            " AND backend_type = 'client backend' AND state <> 'idle'",
            [connection.settings_dict["NAME"]],
        )
        (busy,) = cursor.fetchone()
    return bool(busy == 0)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many journeys were not made for want of a Chromium."""
    skipped = [
        report
        for report in terminalreporter.stats.get("skipped", [])
        if MISSING in str(report.longrepr)
    ]
    if skipped:
        terminalreporter.section("journeys through the admin")
        terminalreporter.line(
            f"{MISSING}, so {len(skipped)} journeys were not made. Debian and Ubuntu have it in the"
            " package chromium; CHROMIUM may name another."
        )
