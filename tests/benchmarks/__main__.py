"""Measure on a cluster of its own, which is removed afterwards.

With BULKHEAD_DATA set, the cluster is made in a folder there and kept, so that the next run need not
make the estate again.
"""

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


_PROJECT = Path(__file__).resolve().parents[2]


def main() -> int:
    """Run the measurements; return 1 if a target was missed."""
    with _data_folder() as folder:
        # Nothing of a real installation: neither its database nor its data.
        mine = {"DATABASE_URL", "DATABASE_POOL"}
        inherited = {name: value for name, value in os.environ.items() if name not in mine}
        command = [sys.executable, "manage.py", "measure", *sys.argv[1:]]
        return subprocess.run(
            command,
            cwd=_PROJECT,
            env={
                **inherited,
                "BULKHEAD_DATA": str(folder),
                "DJANGO_SETTINGS_MODULE": "tests.benchmarks.settings",
            },
            check=False,
        ).returncode


@contextmanager
def _data_folder() -> Iterator[Path]:
    if kept := os.environ.get("BULKHEAD_DATA"):
        yield Path(kept).resolve() / "benchmarks"
        return
    folder = Path(tempfile.mkdtemp(prefix="bulkhead-benchmarks."))
    # Run as root, the database server is another user, who must get to its folder.
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        _remove(folder)


def _remove(folder: Path) -> None:
    cluster = (folder / "postgres").resolve()
    if cluster.exists():
        with (cluster / "server.lock").open() as lock:
            # Its last user has ended, so the server ends, too.
            fcntl.flock(lock, fcntl.LOCK_EX)
        shutil.rmtree(cluster)
    shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main())
