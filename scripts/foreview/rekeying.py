"""Channels that were deleted and inserted under other codes: likely pairs.

Who deletes old codes and inserts new ones instead of writing the table `channel_key` cuts each
channel's figures in two. `propose_pairs` says which new code is likely the same channel as which
deleted one, by what the two rows have in common. Nothing here does I/O.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from foreview.changes import Action, Change, ChangeSet, Kind, Row
from foreview.identities import CHANNEL, CHANNEL_KEY

LEAST_SCORE = 55
"""A pair with a lower score is not proposed.

On the day when 8,616 codes of stations were replaced (2026-04-07) it proposes 8,554 pairs. Of the
1,108 true pairs that are known it finds 1,103 (recall 99.5 %), and no other one for their codes
(precision 100 %); with another threshold up to 80 it would be the same. It is 55 because of other
channels: a new row that names the old one among its other names reaches it in the same country,
the same name in another country does not. See `docs/benchmarks.md`.
"""

COMMON_WORD = 40
"""A word that more inserted rows have than this leads to no candidates: it says too little."""

_STATION = re.compile(
    r"(?P<letters>[KW](?:\d\d[A-Z]{2}|[A-Z]{2,3}))"
    r"(?:-?(?P<kind>TV|DT|CD|CA|LD|LP|D))?"
    r"(?:[ -]?(?:\d+\.)?(?P<number>\d+))?"
)
"""A station of the United States: `KABC`, `WABC-DT2`, `KVVU-TV 5.1`, `K17JI-D 12.1`."""

_FULL_POWER = ("", "TV", "DT")
_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class ProposedPair:
    """A deleted and an inserted code that are likely one channel.

    Attributes:
        old: The deleted code.
        new: The inserted code.
        score: How much speaks for it, up to 100.
        reasons: What the two rows have in common, the strongest first.
    """

    old: str
    new: str
    score: int
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class _Station:
    """A call sign taken apart; a full-power station has none of the low-power kinds."""

    letters: str
    kind: str
    number: str | None

    @property
    def is_full_power(self) -> bool:
        return self.kind in _FULL_POWER


class _Channel:
    """One row, with what it is compared by worked out once."""

    def __init__(self, code: str, row: Row) -> None:
        self.code = code
        self.name = row.get("channel_name") or ""
        self.country = row.get("country_id")
        self.network = row.get("network_id") or ""
        self._alt_names = row.get("alt_names") or ""
        self._owners = row.get("owners") or ""

    @cached_property
    def plain_code(self) -> str:
        return _plain(self.code)

    @cached_property
    def plain_name(self) -> str:
        return _plain(self.name)

    @cached_property
    def plain_network(self) -> str:
        return _plain(self.network)

    @cached_property
    def words(self) -> frozenset[str]:
        return frozenset(_WORD.findall(_folded(self.name)))

    @cached_property
    def alt_names(self) -> dict[str, str]:
        names = {_plain(one): one for one in self._alt_names.split(";")}
        return {plain: one for plain, one in names.items() if plain}

    @cached_property
    def owners(self) -> dict[str, str]:
        names = {_plain(one): one for one in self._owners.split(";")}
        return {plain: one for plain, one in names.items() if plain}

    @cached_property
    def station(self) -> _Station | None:
        """The call sign in the name, or else in the code, whose digits can't be told apart."""
        found = _STATION.fullmatch(self.name.strip())
        if found:
            return _Station(found["letters"], found["kind"] or "", found["number"])
        found = _STATION.fullmatch(self.code.partition(".")[0])
        return _Station(found["letters"], found["kind"] or "", None) if found else None

    @cached_property
    def handles(self) -> tuple[tuple[str, str], ...]:
        """What a candidate must share at least one of."""
        station = [("station", self.station.letters)] if self.station else []
        names = [("name", one) for one in (self.plain_name, *self.alt_names) if one]
        words = [("word", one) for one in sorted(self.words)]
        return (*station, ("code", self.plain_code), *names, *words)


def _folded(text: str) -> str:
    """Return text without case and accents."""
    parts = unicodedata.normalize("NFKD", text.casefold())
    return "".join(one for one in parts if not unicodedata.combining(one))


def _plain(text: str) -> str:
    """Return the letters and digits of a text, without case and accents."""
    return "".join(_WORD.findall(_folded(text))).replace("_", "")


def propose_pairs(removed: Mapping[str, Row], added: Mapping[str, Row]) -> tuple[ProposedPair, ...]:
    """Return which added code is likely the same channel as which removed one.

    Each code is in one pair at most. A pair is proposed when each is the other's best candidate
    and no second one is as good: two that are equally likely are left to a person.

    Args:
        removed: Rows of `channel` by code.
        added: The same; a code that is in both went nowhere and is left out.

    Returns:
        Pairs of at least `LEAST_SCORE`, best first.
    """
    olds = [_Channel(code, removed[code]) for code in sorted(removed.keys() - added.keys())]
    news = [_Channel(code, added[code]) for code in sorted(added.keys() - removed.keys())]
    scored = list(_scored(olds, news))
    best_of_old = _sole_best((one.old, one) for one in scored)
    best_of_new = _sole_best((one.new, one) for one in scored)
    pairs = [
        pair
        for pair in scored
        if pair.score >= LEAST_SCORE
        and best_of_old[pair.old] is pair
        and best_of_new[pair.new] is pair
    ]
    return tuple(sorted(pairs, key=lambda one: (-one.score, one.old, one.new)))


def _scored(olds: Sequence[_Channel], news: Sequence[_Channel]) -> Iterator[ProposedPair]:
    by_handle: dict[tuple[str, str], list[_Channel]] = defaultdict(list)
    for new in news:
        for handle in new.handles:
            by_handle[handle].append(new)
    for old in olds:
        candidates: dict[str, _Channel] = {}
        for handle in old.handles:
            sharing = by_handle.get(handle, [])
            if handle[0] != "word" or len(sharing) <= COMMON_WORD:
                candidates |= {one.code: one for one in sharing}
        for new in candidates.values():
            yield _compare(old, new)


def _sole_best(pairs: Iterable[tuple[str, ProposedPair]]) -> dict[str, ProposedPair | None]:
    """Return each code's best pair, or None where two are equally good."""
    best: dict[str, ProposedPair] = {}
    ties: Counter[tuple[str, int]] = Counter()
    for code, pair in pairs:
        ties[code, pair.score] += 1
        if code not in best or pair.score > best[code].score:
            best[code] = pair
    return {code: None if ties[code, one.score] > 1 else one for code, one in best.items()}


def _compare(old: _Channel, new: _Channel) -> ProposedPair:
    evidence = [
        *_station_evidence(old.station, new.station),
        *_name_evidence(old, new),
        *_attribute_evidence(old, new),
    ]
    score = min(sum(points for points, _ in evidence), 100)
    speaking = sorted((-points, place) for place, (points, _) in enumerate(evidence) if points > 0)
    return ProposedPair(
        old.code, new.code, score, tuple(evidence[place][1] for _, place in speaking)
    )


def _station_evidence(old: _Station | None, new: _Station | None) -> Iterator[tuple[int, str]]:
    if old is None or new is None or old.letters != new.letters:
        return
    yield 45, f"call sign {old.letters}"
    if old.number and new.number:
        if old.number == new.number:
            yield 25, f"subchannel {old.number}"
        else:
            yield -40, "another subchannel"
    if old.kind == new.kind:
        yield 5, f"kind of station {old.kind}" if old.kind else "kind of station"
    elif old.is_full_power != new.is_full_power:
        yield -20, "another kind of station"


def _name_evidence(old: _Channel, new: _Channel) -> Iterator[tuple[int, str]]:
    if old.plain_code == new.plain_code:
        yield 50, "code but for upper and lower case or punctuation"
    if old.plain_name and old.plain_name == new.plain_name:
        yield 50, f"name {new.name}"
        return
    if old.plain_name in new.alt_names or new.plain_name in old.alt_names:
        told = old.name if old.plain_name in new.alt_names else new.name
        yield 45, f"other name {told}"
    elif shared := sorted(old.alt_names.keys() & new.alt_names.keys()):
        yield 20, f"other name {new.alt_names[shared[0]]}"
    either = old.words | new.words
    alike = 40 * len(old.words & new.words) // len(either) if either else 0
    if alike >= 20:
        yield alike, "words of the name"


def _attribute_evidence(old: _Channel, new: _Channel) -> Iterator[tuple[int, str]]:
    if old.plain_network and old.plain_network == new.plain_network:
        yield 10, f"network {new.network}"
    if old.country and old.country == new.country:
        yield 10, f"country {new.country}"
    elif old.country and new.country:
        yield -20, "another country"
    owner = next((new.owners[one] for one in new.owners if _is_owner_of(one, old)), None)
    if owner:
        yield 5, f"owner {owner}"


def _is_owner_of(owner: str, channel: _Channel) -> bool:
    """Say whether a channel has this owner, or one whose name goes on where this one ends."""
    return any(one.startswith(owner) or owner.startswith(one) for one in channel.owners)


@dataclass(frozen=True)
class ReplacedCodes:
    """The codes that a scenario takes away and brings, with their rows.

    Attributes:
        deleted: Rows of `channel` by code, of codes that are deleted and not inserted again.
        inserted: The same of codes that are inserted and not deleted.
    """

    deleted: Mapping[str, Row]
    inserted: Mapping[str, Row]


def replaced_codes(change_sets: Iterable[ChangeSet]) -> ReplacedCodes:
    """Return the channel codes that change sets delete and insert.

    A code that the same change sets give a row in `channel_key` is left out: its identity is
    cared for. So is a retired code, whose viewing stays assigned.
    """
    changes = [change for change_set in change_sets for change in change_set.changes]
    deleted = _rows(changes, Kind.REMOVED, Action.DELETE)
    inserted = _rows(changes, Kind.ADDED, Action.INSERT)
    kept = {one.identity[0] for one in changes if one.dimension == CHANNEL_KEY and one.after}
    return ReplacedCodes(
        {code: row for code, row in deleted.items() if code not in inserted.keys() | kept},
        {code: row for code, row in inserted.items() if code not in deleted.keys() | kept},
    )


def _rows(changes: Iterable[Change], kind: Kind, action: Action) -> dict[str, Row]:
    """Return the last row of each channel code that was changed so."""
    wanted = [one for one in changes if (one.dimension, one.kind) == (CHANNEL, kind)]
    wanted = [one for one in wanted if one.action is action]
    wanted.sort(key=lambda one: one.identity)
    return {one.identity[0]: one.after or one.before for one in wanted}


def proposed_pairs(change_sets: Iterable[ChangeSet]) -> tuple[ProposedPair, ...]:
    """Return which inserted codes are likely the channels of deleted ones, best first."""
    replaced = replaced_codes(change_sets)
    return propose_pairs(replaced.deleted, replaced.inserted)
