"""Thresholds: how much a change may move before more people have to agree to it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from foreview.impact import FigureImpact, Impact, MartImpact

ANY = "*"


@dataclass(frozen=True)
class Threshold:
    """When a change needs more reviewers: one of its three limits is reached by some figure.

    Attributes:
        reviewers: How many people have to agree then, the author not among them.
        product: A mart, or `*`.
        client: An exposure of the dbt project: one of the marts that it uses; or `*`.
        market: A market's id, or `*`; marts without markets have none.
        measure: A measure, or `*`.
        absolute: By how much a value moves, at least.
        relative: By which share of itself a value moves, at least; one from nothing always does.
        rank: A figure gains or loses a place among so many.
    """

    reviewers: int
    product: str = ANY
    client: str = ANY
    market: str = ANY
    measure: str = ANY
    absolute: Decimal | None = None
    relative: Decimal | None = None
    rank: int | None = None

    def told(self) -> str:
        """Return the threshold as people say it."""
        limits = [
            f"by {self.absolute:,} or more" if self.absolute is not None else "",
            f"by {self.relative:.1%} or more" if self.relative is not None else "",
            f"among the first {self.rank}" if self.rank is not None else "",
        ]
        named = (self.client, self.product, self.market, self.measure)
        where = [name for name in named if name != ANY]
        return f"{', '.join(where) or 'any figure'} moves {' or '.join(filter(None, limits))}"


def parse_threshold(declared: Mapping[str, Any]) -> Threshold:
    """Return a threshold as a contract declares it.

    Raises:
        ValueError: A name is unknown, there is no limit, or too few reviewers.
    """
    if unknown := sorted(declared.keys() - Threshold.__dataclass_fields__.keys()):
        raise ValueError(f"unknown in a threshold: {', '.join(unknown)}")
    numbers = {
        name: Decimal(str(declared[name])) for name in ("absolute", "relative") if name in declared
    }
    if not numbers and "rank" not in declared:
        raise ValueError("a threshold needs absolute, relative or rank")
    if int(declared.get("reviewers", 0)) < 2:
        raise ValueError("a threshold asks for two reviewers or more: reviewers: 2")
    return Threshold(**{**declared, **numbers})


def crossed(
    impact: Impact,
    thresholds: Sequence[Threshold],
    products: Mapping[str, Collection[str]] | None = None,
) -> list[Threshold]:
    """Return the thresholds that an impact reaches, in their order.

    Args:
        impact: The impact.
        thresholds: The thresholds.
        products: The marts that each client uses.

    Raises:
        KeyError: A threshold's client is unknown.
    """
    return [one for one in thresholds if any(_reached(impact, one, products or {}))]


def _reached(
    impact: Impact, threshold: Threshold, products: Mapping[str, Collection[str]]
) -> Iterator[bool]:
    used = None if threshold.client == ANY else products[threshold.client]
    for mart in impact.marts:
        if threshold.product not in (ANY, mart.name) or (
            used is not None and mart.name not in used
        ):
            continue
        yield any(_moves_enough(mart, one, threshold) for one in mart.figures)
        if threshold.rank is not None:
            yield any(
                min(place for place in (one.before, one.after) if place) <= threshold.rank
                for one in mart.rank_changes
                if _is_in_market(mart, one.grain, threshold)
            )


def _is_in_market(mart: MartImpact, grain: Sequence[str], threshold: Threshold) -> bool:
    if threshold.market == ANY:
        return True
    return "market_id" in mart.grain and grain[mart.grain.index("market_id")] == threshold.market


def _moves_enough(mart: MartImpact, figure: FigureImpact, threshold: Threshold) -> bool:
    if not _is_in_market(mart, figure.grain, threshold):
        return False
    names = [one.name for one in mart.measures if threshold.measure in (ANY, one.name)]
    for name in names:
        moved = abs(Decimal(figure.difference(name)))
        if threshold.absolute is not None and moved >= threshold.absolute and moved:
            return True
        before = abs(Decimal(figure.before.get(name) or 0))
        if threshold.relative is not None and moved and moved >= threshold.relative * before:
            return True
    return False
