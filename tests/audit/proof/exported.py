"""Verifying an export as somebody does who has neither Bulkhead nor its database."""

import subprocess
import sys
from pathlib import Path

from django.conf import settings

from audit.proof.signing import seal_key


def verify_export(folder: Path, *arguments: str, key: str = "") -> subprocess.CompletedProcess[str]:
    """Run the stand-alone program, in a folder and an environment without the project."""
    program = Path(settings.BASE_DIR, "docs", "verify_export.py").read_text()
    alone = folder.parent / "alone"
    alone.mkdir(exist_ok=True)
    (alone / "verify_export.py").write_text(program)
    command = [sys.executable, "-I", "verify_export.py", str(folder), *arguments]
    return subprocess.run(
        [*command, "--public-key", key or seal_key().public],
        cwd=alone,
        env={},
        capture_output=True,
        text=True,
        check=False,
    )
