"""Somebody who reads a market's mart and dimensions all the while, in one query."""

from collections.abc import Callable
from threading import Event, Thread
from typing import Any, Self


class Reader(Thread):
    """Reads in a loop until it leaves its block.

    Attributes:
        seen: The newest publication before and after each query, and what the query gave.
        problem: What broke the loop; None.
    """

    def __init__(self, newest: Callable[[], int], read: Callable[[], Any]) -> None:
        super().__init__(daemon=True)
        self._newest, self._read, self._is_over = newest, read, Event()
        self.seen: list[tuple[int, int, Any]] = []
        self.problem: Exception | None = None

    def run(self) -> None:
        try:
            is_last = False
            while not is_last:  # one more time after the block's end, so that this is seen too
                is_last = self._is_over.wait(0.5)  # leaves the engine to the others
                before = self._newest()
                found = self._read()
                self.seen.append((before, self._newest(), found))
        except Exception as error:
            self.problem = error

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self.join()
        assert self.problem is None, self.problem

    def assert_never_a_mixture(self, believed: Callable[[int], Any]) -> set[int]:
        """Check that each query gave one publication, and return which publications were seen.

        Args:
            believed: Gives what a publication shows.
        """
        whole = {number: believed(number) for one in self.seen for number in one[:2]}
        shown = set()
        for before, after, found in self.seen:
            numbers = [one for one in range(before, after + 1) if whole[one] == found]
            assert numbers, f"between publications {before} and {after} another was seen"
            shown.update(numbers)
        return shown
