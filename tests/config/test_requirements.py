import re
import tomllib
from pathlib import Path

import pytest
from django.conf import settings


LOCKS = ["requirements.lock", "requirements-dev.lock"]


def read(name: str) -> str:
    return Path(settings.BASE_DIR, name).read_text()


def packages(lock: str) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9._-]+)==(\S+) \\$", read(lock), re.MULTILINE))


def wanted(requirements: list[str]) -> set[str]:
    names = (re.split(r"[^A-Za-z0-9._-]", requirement)[0] for requirement in requirements)
    return {re.sub(r"[._-]+", "-", name).lower() for name in names}


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_pins_every_package_with_hashes_and_names_no_place(lock: str) -> None:
    requirements = re.split(
        r"\n(?=[a-z0-9])", re.sub(r"^ *#.*\n", "", read(lock), flags=re.MULTILINE)
    )

    assert all(re.match(r"\S+==\S+ \\\n +--hash=sha256:", one) for one in requirements)
    assert not re.search(r"://|file:/|^-", read(lock), flags=re.MULTILINE)


def test_the_locks_hold_what_the_project_asks_for() -> None:
    project = tomllib.loads(read("pyproject.toml"))["project"]

    assert wanted(project["dependencies"]) <= packages("requirements.lock").keys()
    assert wanted(project["optional-dependencies"]["dev"]) <= packages(LOCKS[1]).keys()


def test_tests_run_on_the_very_versions_that_users_run_on() -> None:
    assert packages("requirements.lock").items() <= packages("requirements-dev.lock").items()
