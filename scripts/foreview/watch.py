"""A drop folder: workbooks that people put into a folder of their own become change sets.

The folder's name is the author: who may write into it may act as that person, so the folder's
rights are what tells people apart. It is polled, since shares of other machines tell nothing when
they change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

from foreview.errors import ForeviewError, RefusedError
from foreview.reviewing import standing_of
from foreview.submission import read_change_set, record, write_annotated_copy
from foreview.whole_files import file_hash, replacing
from foreview.workspace import Workspace

DONE = "submitted"
"""The folder, in a person's, into which workbooks go that became change sets."""
NOTE = ".answer.txt"
_FILE = "File: "
_UNFINISHED = {"promotion-unfinished", "erasure-unfinished"}
"""Rules that say nothing of a workbook: it is taken when somebody finished that."""

_SUFFIXES = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")

Impact = Callable[[Workspace, str, Path], None]
"""Writes the impact of a change set as a workbook to a path."""


class DropFolder:
    """A folder with a folder for each person, looked at again and again."""

    def __init__(
        self,
        workspace: Workspace,
        folder: Path,
        *,
        lock: Callable[[Workspace], AbstractContextManager[None]],
        impact: Impact | None = None,
    ) -> None:
        """Watch a folder.

        Args:
            workspace: Where change sets are recorded.
            folder: The folder with people's folders.
            lock: Holds a workspace for the time of one workbook.
            impact: Writes the impact of what was submitted; None to leave that out.
        """
        self._workspace, self._folder = workspace, folder
        self._lock, self._impact = lock, impact
        self._seen: dict[Path, tuple[int, int]] = {}
        self._answered: dict[Path, tuple[int, int]] = {}
        self._waiting: dict[Path, str] = {}

    def look(self) -> list[str]:
        """Take the workbooks that are as they were at the last look; return a line for each.

        A workbook that was answered is not taken again until it changes, whoever asks: the answer
        beside it names the content that it is of.
        """
        told = []
        seen: dict[Path, tuple[int, int]] = {}
        for person, path in self._workbooks():
            try:
                found = path.stat()
                seen[path] = found.st_mtime_ns, found.st_size
                if self._seen.get(path) != seen[path] or self._answered.get(path) == seen[path]:
                    continue
                if not _is_answered(path):
                    told.append(self._take(person, path))
                self._answered[path] = seen[path]
            except OSError as error:  # still open in Excel, taken away, or the disk is full
                told.append(f"{path}: left for later, {error.strerror or error}.")
            except RefusedError as error:  # something is unfinished, which says nothing of it
                if self._waiting.get(path) != str(error):  # once, not at every look
                    told.append(f"{path}: left for later. {error}")
                self._waiting[path] = str(error)
        self._seen = seen
        return told

    def _workbooks(self) -> Iterator[tuple[str, Path]]:
        for person in sorted(self._folder.iterdir()):
            if not person.is_dir() or person.name.startswith("."):
                continue
            for path in sorted(person.iterdir()):
                if path.suffix.lower() in _SUFFIXES and not path.name.startswith((".", "~$")):
                    yield person.name, path

    def _take(self, person: str, path: Path) -> str:
        workspace = replace(self._workspace, actor=person)
        content_hash = file_hash(path)
        with self._lock(workspace):
            try:
                change_set = read_change_set(workspace, path, None)
                is_new = record(workspace, change_set)  # the same content is the same change set
            except ForeviewError as error:
                if any(one.rule in _UNFINISHED for one in error.problems):
                    raise
                copy = write_annotated_copy(path, error.problems)
                lines = [f"{one.where}: {one.message} {one.fix}" for one in error.problems]
                lines += [f"All errors are marked in {copy.name}."] if copy else []
                if copy is not None:
                    _answer(copy, ["Errors are marked here. Mend them and save."], file_hash(copy))
                _answer(path, ["Not submitted.", *lines], content_hash)
                return f"{path}: not submitted, {len(error.problems)} problems."
            said = [f"Change request {change_set.id} by {person}: {change_set.why}"]
            status, told = standing_of(workspace, change_set.id, "save it with another reason")
            if not is_new and status != "pending":
                _answer(path, [*said, told], content_hash)
                return f"{path}: change request {change_set.id} is {status} already."
            if self._impact is not None:
                report = path.with_name(f"{path.stem}.impact")
                try:
                    self._impact(workspace, change_set.id, report)
                    said.append(f"What it does to the figures: the folder {report.name}.")
                except ForeviewError as error:
                    said.append(f"What it does to the figures could not be computed: {error}")
        _answer(path, said, content_hash)
        done = path.parent / DONE
        done.mkdir(exist_ok=True)
        path.rename(done / f"{change_set.id}-{path.name}")
        return f"{path}: change request {change_set.id}."


def _note(path: Path) -> Path:
    return path.with_name(path.name + NOTE)


def _is_answered(path: Path) -> bool:
    note = _note(path)
    end = f"{_FILE}{file_hash(path)}\n"
    return note.exists() and note.read_text(encoding="utf-8").endswith(end)


def _answer(path: Path, lines: list[str], content_hash: str) -> None:
    with replacing(_note(path)) as partial:
        partial.write_text("\n".join([*lines, "", f"{_FILE}{content_hash}", ""]), encoding="utf-8")
