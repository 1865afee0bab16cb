#!/usr/bin/env python3
"""Verify an export of Bulkhead's audit trail without Bulkhead and without its database.

    python3 verify_export.py FOLDER --public-key HEX [--public-key HEX ...] [--checkpoint FILE]

Needs Python 3.11 and the package `cryptography`. The format: docs/reference/seal-format.md.
Exit code 0: everything is as it was sealed; 1: it is not; 2: that cannot be told.
"""

import argparse
import gzip
import hashlib
import json
import sys
from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path
from typing import BinaryIO

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


KEYS = "64 hex digits, from whom you trust; once for each key that was in use"


class Tampered(Exception):
    """The export is not what was sealed."""


def require(condition: object, message: str) -> None:
    """Go on if the condition holds."""
    if not condition:
        raise Tampered(message)


def opened(path: Path) -> BinaryIO:
    """Open a file for reading, or the compressed one in its place."""
    packed = path.with_name(f"{path.name}.gz")
    require(not (path.exists() and packed.exists()), f"there are two of {path.name}: which is it?")
    return gzip.open(packed) if packed.exists() else path.open("rb")


def lines_of(file: BinaryIO, described: dict) -> Iterator[bytes]:
    """Yield the lines of a file, and in the end describe it under its name as the manifest does."""
    lines, state = 0, hashlib.sha256()
    for lines, line in enumerate(file, start=1):  # noqa: B007 - counted
        state.update(line)
        yield line
    described[Path(file.name).name] = {"lines": lines, "sha256": state.hexdigest()}


def seal_of(line: dict, keys: list[str]) -> dict:
    """Return what a seal says, and its digest, if one of the keys has signed it."""
    document = line["document"].encode()
    said = json.loads(document)
    key = said["key"]
    require(key in keys, f"seal {said['number']} is signed with another key: {key}")
    try:
        signed_by = Ed25519PublicKey.from_public_bytes(bytes.fromhex(key))
        signed_by.verify(bytes.fromhex(line["signature"]), document)
    except InvalidSignature:
        raise Tampered(f"seal {said['number']} was altered: its signature does not fit") from None
    if said["format"] != 1:
        raise ValueError(f"seal {said['number']} has a format that this program does not know")
    return {**said, "digest": hashlib.sha256(document).hexdigest()}


def operation_of(line: bytes) -> str:
    """Return the id of the operation that a document belongs to."""
    said = json.loads(line)
    return said["row"].get("id" if said["table"] == "audit_operation" else "operation_id")


def entry_of(line: bytes) -> bytes:
    """Return what an operation's digest is made of: a row's number and the digest of its document."""
    number = json.loads(line)["row"].get("history_id", 0)
    try:
        key = int(number).to_bytes(8, "big")
    except (TypeError, ValueError, OverflowError):
        raise Tampered(f"a row is said to have the number {number}") from None
    return key + hashlib.sha256(line.removesuffix(b"\n")).digest()


def check_seal(seal: dict, next_operation: Callable[[], tuple[str, Iterator[bytes]]]) -> None:
    """Compare what is under a seal with what it says."""
    rows = 0
    for operation, digest in seal["operations"]:
        state, (found, documents) = hashlib.sha256(), next_operation()
        for document in documents:
            state.update(entry_of(document))
            rows += found == operation
        as_sealed = found == operation and state.hexdigest() == digest
        require(as_sealed, f"operation {operation}, under seal {seal['number']}, differs")
        rows -= 1  # the operation itself
    require(rows == seal["rows"], f"seal {seal['number']} has {rows} rows, not {seal['rows']}")


def verify(folder: Path, keys: list[str], checkpoint: Path | None) -> str:
    """Return what was verified, or raise at the first place where the export differs."""
    manifest = json.loads((folder / "manifest.json").read_text())
    if manifest["format"] != 1:
        raise ValueError("the manifest has a format that this program does not know")
    anchor = seal_of(json.loads(checkpoint.read_text()), keys) if checkpoint else None
    first, digests, operations, rows, previous = manifest["first_seal"], set(), 0, 0, ""
    files: dict = {}
    with opened(folder / "seals.jsonl") as seals, opened(folder / "documents.jsonl") as documents:
        by_operation = groupby(lines_of(documents, files), key=operation_of)
        for number, line in enumerate(lines_of(seals, files), start=first):
            seal = seal_of(json.loads(line), keys)
            require(seal["number"] == number, f"seal {number} is missing")
            follows = seal["previous"] == previous or (number == first > 1)
            require(follows, f"seal {number} does not follow the seal before it")
            check_seal(seal, lambda: next(by_operation, ("", iter(()))))
            previous = seal["digest"]
            digests.add(previous)
            operations, rows = operations + len(seal["operations"]), rows + seal["rows"]
        if more := next(by_operation, None):
            raise Tampered(f"a document of operation {more[0]} is under no seal")
    counts = [manifest["last_seal"] - first + 1, manifest["operations"], manifest["rows"]]
    is_all = digests and counts == [len(digests), operations, rows] and manifest["files"] == files
    require(is_all, "the manifest tells of more or less than there is")
    if anchor and anchor["digest"] not in digests:
        raise Tampered(f"seal {anchor['number']} is not the one of the checkpoint, or is missing")
    span = f"seals {first} to {number}, up to {seal['sealed_at']}"
    return f"verified {operations:,} operations, {rows:,} rows, {span}"


def main() -> None:
    """Verify, and say so in words and in the exit code."""
    parser = argparse.ArgumentParser(description="Verify an export of Bulkhead's audit trail.")
    add = parser.add_argument
    add("folder", type=Path)
    add("--public-key", dest="keys", action="append", required=True, help=KEYS)
    add("--checkpoint", type=Path, help="a seal, kept elsewhere, to be there")
    given = parser.parse_args()
    try:
        print(verify(given.folder, given.keys, given.checkpoint))
    except Tampered as error:
        sys.exit(f"NOT AS SEALED: {error}")
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        what = f"{error}" if isinstance(error, OSError) else repr(error)
        print(f"cannot be read: {what}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
