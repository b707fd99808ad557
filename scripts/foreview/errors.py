"""Errors as data: what is wrong, where, and how to fix it.

A `Problem` is one thing that is wrong with somebody's input. Problems are collected first and
raised once, in a `RefusedError`. Exit codes: 0 done, 1 refused, 2 usage, 3 an engine failed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, order=True)
class Problem:
    """One thing that is wrong.

    Attributes:
        rule: A stable code in kebab case, listed in `docs/errors.md`.
        message: What is wrong, in a sentence.
        where: The place, for a workbook `Sheet!C5`, for a file `file.csv line 7`.
        value: The offending value as it was seen.
        fix: What to do about it, in a sentence.
    """

    rule: str
    message: str
    where: str = ""
    value: str = ""
    fix: str = ""

    def as_dict(self) -> dict[str, str]:
        """Return the problem as a plain dict, for `--json`."""
        return asdict(self)


class ForeviewError(Exception):
    """Base of all errors that a user can be shown.

    Attributes:
        exit_code: The process's exit code.
        problems: All that is wrong, at least one.
        advice: What to do next, said after the problems; mostly empty.
        done: What was done before, for `--json`; None where nothing was.
    """

    exit_code = 1
    advice = ""
    done: Any = None

    def __init__(self, problems: Problem | Iterable[Problem]) -> None:
        """Keep the problems in the order in which they were found."""
        self.problems = (problems,) if isinstance(problems, Problem) else tuple(problems)
        super().__init__("; ".join(_sentence(problem) for problem in self.problems[:3]))

    def __reduce__(self) -> tuple[type[ForeviewError], tuple[tuple[Problem, ...]]]:
        """Say how to pickle it: by its problems, not by its text."""
        return type(self), (self.problems,)

    def as_dict(self) -> dict[str, Any]:
        """Return the error for `--json`."""
        problems = [problem.as_dict() for problem in self.problems]
        advice = {"advice": self.advice} if self.advice else {}
        done = {} if self.done is None else {"done": self.done}
        return {"error": type(self).__name__, "problems": problems, **advice, **done}


class RefusedError(ForeviewError):
    """The data or the rules say no. Nothing was recorded, nothing was changed, but for `done`."""


class UsageError(ForeviewError):
    """The command was called in a way that it does not know."""

    exit_code = 2


class EngineError(ForeviewError):
    """Spark, dbt, a database or the disk failed; what was there before is still there."""

    exit_code = 3


def _sentence(problem: Problem) -> str:
    where = f"{problem.where}: " if problem.where else ""
    fix = f" {problem.fix}" if problem.fix else ""
    return f"{where}{problem.message}{fix}"
