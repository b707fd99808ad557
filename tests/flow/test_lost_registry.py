"""A promotion whose registry is on a server that is lost again and again."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from oracle import Viewing, assert_same, figures, published
from random_edits import channels_moved, states
from registries import Clock, ServerStore
from small_market import MART, newest, shown_to_readers, small_market

from conftest import acting
from foreview.approval import approve
from foreview.audit import verify
from foreview.errors import ForeviewError
from foreview.mariadb_server import Server
from foreview.promotion import promote
from foreview.receipt import record_receipt
from foreview.registry import Registry
from foreview.submission import record
from foreview.what_if import preview

pytestmark = pytest.mark.spark
SEED = 2
"""Before and after records of the ledger, the first and the last of its eight among them."""


LEDGER = ("begin_promotion", "record_step", "record_release")


@contextmanager
def losing(server: Server, after: int, *, recorded: bool) -> Iterator[None]:
    """Let the server end at a record of the ledger, before or after it; then start it.

    Args:
        server: The server.
        after: How many records are made before.
        recorded: Whether that one is made, too.
    """
    left = iter(range(after))

    def losing_at(name: str) -> Callable[..., Any]:
        method = getattr(Registry, name)

        def called(self: Registry, *arguments: Any, **named: Any) -> Any:
            is_last = next(left, None) is None
            if is_last and not recorded:
                end(server)
            result = method(self, *arguments, **named)
            if is_last:
                end(server)
            return result

        return called

    with ExitStack() as patches:
        for name in LEDGER:
            patches.enter_context(patch.object(Registry, name, losing_at(name)))
        yield
    if server.process.poll() is not None:
        server.kill_and_start()


def end(server: Server) -> None:
    server.process.kill()
    server.process.wait()


def test_a_promotion_that_loses_the_registrys_server_goes_on_where_it_was(
    spark_home: Path, spark: Any, lasting_server: Server
) -> None:
    store = ServerStore(lasting_server, "registry", ("ana", "rob"))
    Registry(store.owner(), Clock())
    market = small_market(spark_home, "lost_registry", MART, registry=store.url)
    rob = acting(market, "rob")
    change_set = channels_moved(market, 1, 12)
    record(market, change_set)
    record_receipt(market, preview(market, [change_set.id]))
    approve(rob, change_set.id)
    before, first = published(spark, market, [MART]), newest(spark, market)
    draw, told = random.Random(SEED), []
    while market.registry.status(change_set.id) != "promoted":
        # A promotion has eight records.
        with losing(lasting_server, draw.randrange(4), recorded=draw.random() < 0.7):
            try:
                promote(rob, change_set.id)
            except ForeviewError as error:
                told += [one.rule for one in error.problems]
        seen = published(spark, market, [MART])
        assert (seen != before) == (shown_to_readers(spark, market) == first + 1)
    assert told == 4 * ["registry-lost"]
    assert newest(spark, market) == first + 1
    rebuilt = figures(Viewing(spark, market), *states(market))[MART]
    assert_same(published(spark, market, [MART]), {MART: rebuilt})
    assert rebuilt != before[MART]
    assert verify(market)[1] == []
