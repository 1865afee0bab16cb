"""The cases that write, and every one that is measured on a long history, once and on little."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.benchmarks.timing import Result


PROJECT = Path(__file__).resolve().parents[2]
SHORT = ("--tasks", "1000", "--history", "3000", "--rounds", "1")


def test_every_case_is_measured_on_little(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.benchmarks", *SHORT, "--only"]
    measured = subprocess.run(
        [*command, "settings", "permissions", "sealing", "trail", "exports", "verification"],
        cwd=PROJECT,
        env={**os.environ, "BULKHEAD_DATA": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    results = [Result(**json.loads(line)) for line in measured.stdout.splitlines()]
    names = {result.name for result in results}
    # A target that this machine misses meanwhile is no failure of the case.
    assert "Error" not in measured.stderr, measured.stderr
    assert {"settings", "permissions", "sealing/meanwhile"} <= names
    assert {"export/jsonl", "export/member", "verification"} <= names
    for visitor in ("auditor", "member"):
        for asked in ("timeline/everything", "events/flag", "access/person", "history/task"):
            assert f"trail/{visitor}/{asked}" in names
    assert next(each for each in results if each.name == "verification").n > 1000
