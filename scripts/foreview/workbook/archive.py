"""Look at a file before any parser does: is it a workbook, and is it safe to unpack?"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from foreview.errors import EngineError, Problem, RefusedError

MAX_UNPACKED_BYTES = 700 * 1024 * 1024
"""A million rows of ten columns, with shared strings as Excel writes them, are 627 MB."""
MAX_ENTRIES = 2000
MACRO_PARTS = ("xl/vbaProject.bin", "xl/macrosheets/")
MAX_RATIO = 200
"""Unpacked by packed size past which a file of more than 20 MB is no spreadsheet (usual: 8)."""

_COMPOUND_MAGIC = bytes.fromhex("d0cf11e0a1b11ae1")
_SAVE_AS = "Open it in Excel and save it as an Excel workbook (.xlsx)."


def read_archive(path: Path, max_unpacked_bytes: int) -> bytes:
    """Return a workbook file's bytes, once its zip directory has been found harmless.

    Raises:
        RefusedError: The file is missing, no .xlsx file, encrypted, or too large when unpacked.
        EngineError: The file can't be read.
    """
    try:
        if path.stat().st_size > max_unpacked_bytes:
            raise _refused(path, "file-too-large", "is too large.", "Export a smaller part.")
        content = path.read_bytes()
    except (FileNotFoundError, IsADirectoryError) as error:
        fix = "Check the name and the folder."
        raise _refused(path, "file-not-found", "is not a file.", fix) from error
    except OSError as error:
        message = f"{path.name} can't be read: {error.strerror or error}."
        raise EngineError(Problem("not-read", message, path.name)) from error
    _check_magic(path, content)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise damaged(path) from error
    _check_entries(path, entries, max_unpacked_bytes)
    return content


def damaged(path: Path, why: str = "") -> RefusedError:
    """Return the error for a workbook that can't be parsed."""
    fix = "Open it in Excel, save it again, and submit that; or export a fresh workbook."
    reason = f": {why}." if why else "."
    message = f"is damaged and can't be read as a workbook{reason}"
    return _refused(path, "damaged-file", message, fix)


def _refused(path: Path, rule: str, message: str, fix: str) -> RefusedError:
    return RefusedError(Problem(rule, f"{path.name} {message}", path.name, fix=fix))


def _check_magic(path: Path, content: bytes) -> None:
    if content.startswith(_COMPOUND_MAGIC):
        if "EncryptedPackage".encode("utf-16-le") in content:
            fix = "Open it in Excel, take the password off (File, Info), and save it."
            raise _refused(path, "encrypted-file", "is protected with a password.", fix)
        raise _refused(path, "old-excel-file", "is of the old Excel format (.xls).", _SAVE_AS)
    if not content.startswith(b"PK\x03\x04"):
        fix = "Submit the .xlsx workbook that foreview export wrote."
        raise _refused(path, "not-a-workbook", "is not an Excel workbook.", fix)


def _check_entries(path: Path, entries: list[zipfile.ZipInfo], max_unpacked_bytes: int) -> None:
    names = {entry.filename for entry in entries}
    if "xl/workbook.bin" in names or "content.xml" in names:
        raise _refused(path, "other-format", "is a spreadsheet of another format.", _SAVE_AS)
    if "[Content_Types].xml" not in names or "xl/workbook.xml" not in names:
        fix = "Submit the .xlsx workbook that foreview export wrote."
        raise _refused(path, "not-a-workbook", "is a zip file, but not an Excel workbook.", fix)
    if any(entry.flag_bits & 1 for entry in entries):
        fix = "Save it without a password."
        raise _refused(path, "encrypted-file", "is protected with a password.", fix)
    if len(names) != len(entries):
        raise damaged(path)
    unpacked = sum(entry.file_size for entry in entries)
    packed = sum(entry.compress_size for entry in entries)
    too_dense = unpacked > 20 * 1024 * 1024 and unpacked > MAX_RATIO * packed
    if len(entries) > MAX_ENTRIES or unpacked > max_unpacked_bytes or too_dense:
        message = (
            f"unpacks to {unpacked:,} bytes in {len(entries)} parts, more than a workbook of "
            f"foreview's should ({max_unpacked_bytes:,} bytes, {MAX_ENTRIES} parts, "
            f"{MAX_RATIO} times its packed size)."
        )
        fix = "Export a fresh workbook, or a smaller part, and paste the edits into it."
        raise _refused(path, "file-too-large", message, fix)
