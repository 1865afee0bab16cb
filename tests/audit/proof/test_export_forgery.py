"""Whoever tampers with an export, line by line, and makes the manifest anew, is found out."""

import gzip
import hashlib
import importlib.util
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from django.core.management import call_command

from audit.proof.documents import canonical, present_layout
from audit.proof.signing import seal_key


pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("owner")]

Lines = list[bytes]


@pytest.fixture(scope="module")
def program() -> ModuleType:
    """The stand-alone program, here in this process: it is asked very often."""
    spec = importlib.util.spec_from_file_location(
        "verify_export", Path(settings.BASE_DIR, "docs", "verify_export.py")
    )
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Export:
    """An export in the hands of somebody who tampers with it."""

    def __init__(self, folder: Path, program: ModuleType) -> None:
        self.folder, self._program = folder, program
        call_command("export_audit", str(folder), "--actor=payments-admin")
        self.lines = {
            name: (folder / name).read_bytes().splitlines()
            for name in ("seals.jsonl", "documents.jsonl")
        }
        self.manifest = json.loads((folder / "manifest.json").read_text())

    def write(self, **changed: Lines) -> None:
        """Write the files with other lines, and the manifest that such files would have."""
        files = {}
        lines = {**self.lines, **{f"{name}.jsonl": its for name, its in changed.items()}}
        for name, its in lines.items():
            content = b"".join(line + b"\n" for line in its)
            (self.folder / name).write_bytes(content)
            files[name] = {"lines": len(its), "sha256": hashlib.sha256(content).hexdigest()}
        operations = sum(b'"table":"audit_operation"}' in line for line in lines["documents.jsonl"])
        rows = len(lines["documents.jsonl"]) - operations
        counted = {"operations": operations, "rows": rows, "files": files}
        self.tell(last_seal=len(lines["seals.jsonl"]), **counted)

    def tell(self, **changed: Any) -> None:
        """Write another manifest."""
        (self.folder / "manifest.json").write_text(json.dumps({**self.manifest, **changed}))

    def verdict(self) -> str:
        """Verify it with the right key; return how that ends."""
        try:
            self._program.verify(self.folder, [seal_key().public], None)
        except self._program.Tampered:
            return "tampered"
        except (ValueError, KeyError):
            return "cannot be read"
        return "verified"


@pytest.fixture
def export(owner: None, tmp_path: Path, program: ModuleType) -> Export:
    """An export of the sealed trail."""
    return Export(tmp_path / "export", program)


def without(lines: Lines, at: int) -> Lines:
    return [*lines[:at], *lines[at + 1 :]]


def twice(lines: Lines, at: int) -> Lines:
    return [*lines[: at + 1], *lines[at:]]


def swapped(lines: Lines, at: int) -> Lines:
    before = at - 1 if at else 1
    changed = list(lines)
    changed[at], changed[before] = lines[before], lines[at]
    return changed


@pytest.mark.parametrize("harm", [without, twice, swapped])
@pytest.mark.parametrize("name", ["seals", "documents"])
def test_every_line_is_missed_where_it_was(
    export: Export, name: str, harm: Callable[[Lines, int], Lines]
) -> None:
    export.write()
    assert export.verdict() == "verified"
    lines = export.lines[f"{name}.jsonl"]
    for at in range(len(lines)):
        export.write(**{name: harm(lines, at)})
        assert export.verdict() == "tampered", lines[at]


def altered(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the document with each of its values altered, by itself."""
    for name, value in document.items():
        if isinstance(value, dict):
            yield from ({**document, name: other} for other in altered(value))
        elif isinstance(value, list):
            yield {**document, name: [*value, *value[:1]] if value else ["x"]}
        else:
            yield {**document, name: value + 1 if isinstance(value, int) else f"{value or ''}x"}


def test_every_value_of_every_kind_of_document_is_proven(export: Export) -> None:
    lines, tables = export.lines["documents.jsonl"], set()
    for at, line in enumerate(lines):
        document = json.loads(line)
        others = list(altered(document))
        # All values of the first row of each table, and one of each other row.
        if document["table"] in tables:
            others = [others[at % len(others)]]
        tables.add(document["table"])
        for other in others:
            export.write(documents=[*lines[:at], canonical(other), *lines[at + 1 :]])
            assert export.verdict() == "tampered", other
    assert tables == set(present_layout())


def resigned(document: bytes) -> bytes:
    """Return the line of a seal, signed by somebody else in the name of the right key."""
    signed = Ed25519PrivateKey.from_private_bytes(b"m" * 32).sign(document).hex()
    return json.dumps({"document": document.decode(), "signature": signed}).encode()


def test_every_value_of_a_seal_is_proven(export: Export) -> None:
    lines = export.lines["seals.jsonl"]
    for at, line in enumerate(lines):
        seal = json.loads(line)
        for other in altered(json.loads(seal["document"])):
            for forged in (
                json.dumps({**seal, "document": canonical(other).decode()}).encode(),
                resigned(canonical(other)),
            ):
                export.write(seals=[*lines[:at], forged, *lines[at + 1 :]])
                assert export.verdict() == "tampered", other


@pytest.mark.parametrize("name", ["format", "first_seal", "last_seal", "operations", "rows"])
def test_a_manifest_that_tells_something_else_is_not_believed(export: Export, name: str) -> None:
    for more in (1, -1):
        export.tell(**{name: export.manifest[name] + more})
        assert export.verdict() == ("cannot be read" if name == "format" else "tampered")


def test_a_manifest_of_other_files_is_not_believed(export: Export) -> None:
    files = export.manifest["files"]
    for name, said in files.items():
        for wrong in (
            {**said, "lines": said["lines"] + 1},
            {**said, "sha256": "0" * 64},
        ):
            export.tell(files={**files, name: wrong})
            assert export.verdict() == "tampered"
    export.tell(files={name: said for name, said in files.items() if name != "seals.jsonl"})
    assert export.verdict() == "tampered"


def test_a_file_beside_the_one_that_is_verified_is_not_passed_over(export: Export) -> None:
    documents = export.folder / "documents.jsonl"
    (export.folder / "documents.jsonl.gz").write_bytes(gzip.compress(documents.read_bytes()))
    documents.write_bytes(documents.read_bytes().replace(b"develop", b"main"))
    assert export.verdict() == "tampered"
