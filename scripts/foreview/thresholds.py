"""Thresholds: how much a change may move before more people have to agree to it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
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
        measure: A measure or a ratio, or `*`: any measure, but no ratio.
        absolute: By how much a value moves, at least; a ratio's as a number: 0.01 is a hundredth.
        relative: By which share of itself a value moves, at least; one from nothing always does.
        rank: A figure gains or loses a place among so many, by its mart's main measure.
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
            f"by {self.absolute:,f} or more" if self.absolute is not None else "",
            f"by {_percent(self.relative)} or more" if self.relative is not None else "",
            f"among the first {self.rank}" if self.rank is not None else "",
        ]
        named = (self.client, self.product, self.market, self.measure)
        where = [name for name in named if name != ANY]
        return f"{', '.join(where) or 'any figure'} moves {' or '.join(filter(None, limits))}"


def _percent(share: Decimal) -> str:
    """Return a share as it was declared, unrounded."""
    return f"{(share * 100).normalize():f}%"


def parse_threshold(declared: Mapping[str, Any]) -> Threshold:
    """Return a threshold as a contract declares it.

    Raises:
        ValueError: A name is unknown, a number is none, there is no limit, or too few reviewers.
    """
    if not isinstance(declared, Mapping):
        raise ValueError(f"{declared!r} is no threshold: write {{relative: 0.05, reviewers: 2}}")
    if unknown := sorted(declared.keys() - Threshold.__dataclass_fields__.keys()):
        raise ValueError(f"unknown in a threshold: {', '.join(unknown)}")
    found = {name: _READERS.get(name, _name)(name, one) for name, one in declared.items()}
    if not found.keys() & {"absolute", "relative", "rank"}:
        raise ValueError("a threshold needs absolute, relative or rank")
    if found.get("rank", 1) < 1:
        raise ValueError("a threshold's rank is a place: rank: 10")
    if found.get("reviewers", 0) < 2:
        raise ValueError("a threshold asks for two reviewers or more: reviewers: 2")
    return Threshold(**found)


def number_of(name: str, declared: object) -> Decimal:
    """Return a number that is declared under a name.

    Raises:
        ValueError: It is none, or not a finite one.
    """
    try:
        found = Decimal(str(declared))
    except InvalidOperation:
        found = Decimal("NaN")
    if not found.is_finite():
        raise ValueError(
            f"{name}: {declared} is no number: write 0.05 for a twentieth, 1000000 for a million"
        )
    return found


def _whole(name: str, declared: object) -> int:
    found = number_of(name, declared)
    if found != found.to_integral_value():
        raise ValueError(f"{name}: {declared} is no whole number")
    return int(found)


def _name(name: str, declared: object) -> str:
    if declared is None:
        raise ValueError(f"a threshold's {name} is empty: leave it out, or write * for any")
    return str(declared)  # a market may be written as a number


_READERS: Mapping[str, Callable[[str, object], Any]] = {
    "absolute": number_of,
    "relative": number_of,
    "rank": _whole,
    "reviewers": _whole,
}
"""What reads the parts of a threshold that are no names."""


@dataclass(frozen=True)
class Known:
    """What there is for thresholds to name.

    Attributes:
        measures: Each mart's measures and ratios.
        main_measures: The measure by which each mart's places are told, of those that have any.
        with_markets: The marts whose grain has a market.
        clients: The marts that each client uses.
        markets: The ids of markets.
        most_ranks: Down to which place changes of rank are told.
    """

    measures: Mapping[str, Collection[str]]
    main_measures: Mapping[str, str]
    with_markets: Collection[str]
    clients: Mapping[str, Collection[str]]
    markets: Collection[str]
    most_ranks: int


def never_reached(threshold: Threshold, known: Known) -> tuple[str, str] | None:
    """Return why no figure can reach a threshold, and what to write instead; None where some may.

    Its client must be known.
    """
    products = sorted(known.measures)
    if threshold.product not in (ANY, *products):
        return f"there is no report {threshold.product!r}", f"Use one of: {', '.join(products)}."
    if threshold.market not in (ANY, *known.markets):
        markets = ", ".join(sorted(known.markets)) or "none yet"
        return f"there is no market {threshold.market!r}", f"Use one of: {markets}."
    return _no_figure(threshold, known) or _no_place(threshold, known)


def _no_figure(threshold: Threshold, known: Known) -> tuple[str, str] | None:
    marts = _marts_of(threshold, known)
    if threshold.client != ANY and not marts:
        used = ", ".join(sorted(known.clients[threshold.client])) or "none"
        message = f"{threshold.client} does not use {threshold.product}"
        return message, f"Its reports are: {used}."
    if threshold.market != ANY and not marts & set(known.with_markets):
        message = f"no figure of {', '.join(sorted(marts))} is of one market"
        return message, f"Reports with markets are: {', '.join(sorted(known.with_markets))}."
    if threshold.market != ANY:
        marts &= set(known.with_markets)
    names = sorted({name for one in marts for name in known.measures[one]})
    if threshold.measure not in (ANY, *names):
        return f"there is no measure {threshold.measure!r}", f"Use one of: {', '.join(names)}."
    return None


def _no_place(threshold: Threshold, known: Known) -> tuple[str, str] | None:
    if threshold.rank is None:
        return None
    if threshold.rank > known.most_ranks:
        message = f"changes of place are told down to {known.most_ranks} only"
        return message, f"Write {known.most_ranks} or less, or set most_ranks in dbt_project.yml."
    marts = _marts_of(threshold, known) & known.main_measures.keys()
    if not marts:
        ranked = ", ".join(sorted(known.main_measures))
        return f"{threshold.product} has no places", f"Reports with places are: {ranked}."
    main = sorted({known.main_measures[one] for one in marts})
    if threshold.measure not in (ANY, *main):
        message = f"places are by {', '.join(main)}, not by {threshold.measure}"
        return message, "Write the rank as a threshold of its own, without measure."
    return None


def _marts_of(threshold: Threshold, known: Known) -> set[str]:
    """Return the marts that a threshold is about, of those that there are."""
    marts = set(known.measures)
    if threshold.product != ANY:
        marts &= {threshold.product}
    if threshold.client != ANY:
        marts &= set(known.clients[threshold.client])
    return marts


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
    for before, after in _values(mart, figure, threshold.measure):
        moved = abs(after - before)
        if threshold.absolute is not None and moved >= threshold.absolute and moved:
            return True
        if threshold.relative is not None and moved and moved >= threshold.relative * abs(before):
            return True
    return False


def _values(
    mart: MartImpact, figure: FigureImpact, measure: str
) -> Iterator[tuple[Decimal, Decimal]]:
    """Give a figure's values before and after: of all its measures, of one, or of a ratio."""
    from foreview.impact import ratio_of  # which needs contracts, which need this module

    for one in mart.measures:
        if measure in (ANY, one.name):
            yield (
                Decimal(figure.value("before", one.name)),
                Decimal(figure.value("after", one.name)),
            )
    for ratio in mart.ratios:
        if measure == ratio.name:
            before, after = (ratio_of(ratio, side) for side in (figure.before, figure.after))
            yield before or Decimal(0), after or Decimal(0)
