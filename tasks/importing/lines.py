"""Lines of text from a file of bytes, with bounded memory and a number for each."""

import codecs
from collections.abc import Iterator
from typing import BinaryIO

from tasks.importing.records import FileUnreadable


MAX_LINE_BYTES = 1024 * 1024

_OTHER_ENCODINGS = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}
_WORKBOOK = b"PK\x03\x04"


def text_lines(file: BinaryIO) -> Iterator[str]:
    """Yield the lines with their ends; a byte that is no UTF-8 becomes a lone surrogate.

    Raises:
        FileUnreadable: the file is empty, in another encoding, or has a line beyond all measure.
    """
    number = 0
    while line := file.readline(MAX_LINE_BYTES + 1):
        number += 1
        if number == 1:
            line = _first_line(line)
        if len(line) > MAX_LINE_BYTES:
            raise FileUnreadable(f"line {number} is longer than {MAX_LINE_BYTES // 1024} KiB")
        yield line.decode("utf-8", "surrogateescape")
    if number == 0:
        raise FileUnreadable("the file is empty")


def problem_of_text(text: str) -> str:
    """Return why a text read by `text_lines` cannot be stored, or nothing."""
    if "\0" in text:
        return "holds the character U+0000, which cannot be stored"
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        return "is not UTF-8"
    return ""


def _first_line(line: bytes) -> bytes:
    for mark, name in _OTHER_ENCODINGS.items():
        if line.startswith(mark):
            raise FileUnreadable(f"the file is in {name}; save it as UTF-8")
    if line.startswith(_WORKBOOK):
        raise FileUnreadable("the file is a workbook or an archive; export it as CSV in UTF-8")
    line = line.removeprefix(codecs.BOM_UTF8)
    if b"\0" in line[:2]:
        raise FileUnreadable("the file begins with NUL bytes; save it as text in UTF-8")
    return line
