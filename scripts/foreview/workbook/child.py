"""Reading a stranger's file happens in a process of its own, with limits on time and memory.

A parser that hangs, eats all memory or crashes ends that process and nothing else.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from foreview.errors import ForeviewError, Problem, RefusedError

SECONDS = 120
MEGABYTES = 1024

P = ParamSpec("P")
T = TypeVar("T")


def on_file(
    function: Callable[Concatenate[Path, P], T], path: Path, *args: P.args, **options: P.kwargs
) -> T:
    """Return what a function makes of a stranger's file: `in_child` with the usual limits."""
    return in_child(path.name, SECONDS, MEGABYTES, function, path, *args, **options)


def in_child(
    name: str,
    seconds: float,
    megabytes: int,
    function: Callable[P, T],
    *args: P.args,
    **options: P.kwargs,
) -> T:
    """Return what a function returns in a process of its own.

    Args:
        name: The file's name, for messages.
        seconds: How long it may take.
        megabytes: How much memory it may have (Linux only).
        function: A function of a module; its arguments and result are pickled.
        *args: Its arguments.
        **options: Its named arguments.

    Raises:
        ForeviewError: What the function raised.
        RefusedError: It ran out of time or memory, or its process died.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    work = (theirs, megabytes, function, args, options)
    process = context.Process(target=_run, args=work, daemon=True)
    process.start()
    theirs.close()
    try:
        if not ours.poll(seconds):
            raise _too_much(name, f"takes longer than {seconds:g} seconds to read")
        kind, result = ours.recv()
    except EOFError:
        process.join()
        raise _too_much(name, f"made its reader crash (exit code {process.exitcode})") from None
    finally:
        process.kill()
        process.join()
        ours.close()
    if kind == "memory":
        raise _too_much(name, f"needs more than {megabytes} MiB of memory to read")
    if kind == "error":
        raise result
    return result  # type: ignore[no-any-return]


def _run(
    answers: Connection,
    megabytes: int,
    function: Callable[..., Any],
    args: tuple[Any, ...],
    options: dict[str, Any],
) -> None:
    _limit_memory(megabytes)
    gc.disable()  # it would look again and again at a million cells, all of them in use
    try:
        answer = ("result", function(*args, **options))
    except ForeviewError as error:
        error.__cause__ = error.__context__ = None  # may be what can't be pickled
        answer = ("error", error)
    except MemoryError:
        answer = ("memory", None)
    answers.send(answer)
    answers.close()
    os._exit(0)  # nothing is left to tidy up, and freeing a million rows takes long


def _limit_memory(megabytes: int) -> None:
    import sys

    if sys.platform == "linux":
        import resource

        limit = megabytes << 20
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


def _too_much(name: str, what: str) -> RefusedError:
    fix = "Export a fresh workbook, or a smaller part, and paste the edits into it."
    return RefusedError(Problem("file-too-large", f"{name} {what}.", name, fix=fix))
