"""Files and folders that are written whole or not at all, and what a whole file is known by."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file, hex; empty when there is no such file."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a path beside `path`, which takes its place when all went well.

    Raises:
        OSError: It can't be written; what was there before is still there.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """Give an empty folder beside `path`, which takes its place when all went well.

    No other has that name: between the old one and the new there may be none, never a part of one.

    Raises:
        OSError: It can't be written; what was there before is still there.
    """
    partial, old = (path.with_name(f".{path.name}.{end}") for end in ("partial", "old"))
    for one in (partial, old):  # of a process that was killed
        shutil.rmtree(one, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        yield partial
        if path.exists():
            path.replace(old)
        partial.replace(path)
    finally:
        if old.exists() and not path.exists():
            old.replace(path)
        for one in (partial, old):
            shutil.rmtree(one, ignore_errors=True)
