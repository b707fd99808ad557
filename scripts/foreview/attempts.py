"""Doing the same to several change sets: one that is refused keeps no other from being done."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from foreview.errors import EngineError, ForeviewError, Problem, RefusedError

Done = TypeVar("Done")


@dataclass(frozen=True)
class Attempts(Generic[Done]):
    """What came of it.

    Attributes:
        done: What was returned for each change set that was done, in order.
        error: All refusals together, or what failed, with the refusals before it; None when all
            were done.
    """

    done: tuple[Done, ...]
    error: ForeviewError | None


def attempt_each(ids: Iterable[str], act: Callable[[str], Done]) -> Attempts[Done]:
    """Do something to each change set, whatever became of those before it.

    Each problem names the change set that it is of. An engine that failed for one fails for the
    others too, so that ends it.
    """
    done: list[Done] = []
    problems: list[Problem] = []
    for one in ids:
        try:
            done.append(act(one))
        except (RefusedError, EngineError) as error:
            problems += [
                replace(problem, message=f"Change request {one}: {problem.message}")
                for problem in error.problems
            ]
            if isinstance(error, EngineError):
                return Attempts(tuple(done), EngineError(problems))
    return Attempts(tuple(done), RefusedError(problems) if problems else None)
