"""Somebody who reads a market's marts and dimensions all the while, in one query."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from threading import Event, Thread
from typing import Any, Self

from oracle import GRAINS

from foreview.workspace import Workspace


class Reader(Thread):
    """Reads in a loop until it leaves its block, and rests between: the engine is the others', too.

    Attributes:
        seen: The newest publication before and after each query, and what the query gave.
        problem: What broke the loop; None.
    """

    def __init__(
        self, newest: Callable[[], int], read: Callable[[], Any], *, seconds_of_rest: float = 2
    ) -> None:
        super().__init__(daemon=True)
        self._newest, self._read, self._is_over = newest, read, Event()
        self._rest = seconds_of_rest
        self.seen: list[tuple[int, int, Any]] = []
        self.problem: Exception | None = None

    def run(self) -> None:
        try:
            is_last = False
            while not is_last:  # one more time after the block's end, so that this is seen too
                is_last = self._is_over.wait(self._rest)
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
        numbers = {one for before, after, _ in self.seen for one in range(before, after + 1)}
        whole = {number: believed(number) for number in numbers}
        shown = set()
        for before, after, found in self.seen:
            same = [one for one in range(before, after + 1) if whole[one] == found]
            assert same, f"between publications {before} and {after} another was seen"
            shown.update(same)
        return shown


def in_one_query(spark: Any, market: Workspace, tables: Sequence[str]) -> str:
    """Return a hash of the rows of marts and dimensions as readers see them, by one query."""
    texts = (
        " ".join(("select", _row_text(market, one), "from", market.table(one, "published")))
        for one in tables
    )
    return _hash(row[0] for row in spark.sql(" union all ".join(texts)).collect())


def believed(spark: Any, market: Workspace, tables: Sequence[str], number: int) -> str:
    """Return the same of what a publication shows, from the versions alone."""
    from pyspark.sql import DataFrame

    publications = spark.table(market.table("publications"))
    cut = publications.where(f"number = {number}").first()["snapshot_cut"]
    texts = []
    for one in tables:
        names = ("known_from", "known_to", f"'{cut}'")
        if one in GRAINS:
            names = ("published_from", "published_to", str(number))
        first, last, now = names
        versions = spark.table(market.table(f"{one}__versions"))
        shown = versions.where(f"{first} <= {now} and ({last} is null or {last} > {now})")
        texts.append(shown.selectExpr(_row_text(market, one)))
    return _hash(row[0] for row in reduce(DataFrame.unionAll, texts).collect())


def _hash(rows: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(sorted(rows)).encode()).hexdigest()


def _row_text(market: Workspace, name: str) -> str:
    """Return SQL for a row as text: a figure's grain and sums, or a dimension's columns."""
    names = ("seconds", "weighted_seconds", "sessions", "reach", "weighted_reach")
    if name in GRAINS:
        names = (*GRAINS[name], *names)
    else:
        names = market.contract(name.removeprefix("dim_")).row_columns
    return f"to_json(struct('{name}' as table, {', '.join(names)}))"
