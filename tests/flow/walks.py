"""Random walks of several people through a small market, beside a model of both time axes.

The model is a list of publications, each with the channels and the figures that it shows. Figures
come from the plain oracle; those of published days stay what they were. After each step readers
see the model's last publication, and one drawn at random is believed as it was.
"""

import random
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from oracle import Viewing, assert_same, figures, published
from random_edits import DAYS, channels_moved, states
from small_market import MART, Killed, killed_at, load, newest

from conftest import acting
from foreview.approval import approve
from foreview.audit import verify
from foreview.changes import ChangeSet, Kind, State
from foreview.closing import ask_to_reopen, close_period, confirm_reopening
from foreview.errors import RefusedError
from foreview.past import as_of, plain_rows
from foreview.promotion import STEPS, abandon, promote, resume
from foreview.receipt import record_receipt
from foreview.reviewing import send_back, take_part
from foreview.rollback import rollback
from foreview.status import status_of
from foreview.submission import close, record
from foreview.what_if import preview
from foreview.workspace import Workspace

PEOPLE = ("ana", "rob", "eve")
STEPS_TAKEN = (
    "submit",
    "put_into_effect",
    "put_into_effect",
    "load",
    "close",
    "reopen",
    "roll_back",
    "decide",
)


@dataclass
class Publication:
    """What the model holds that readers see."""

    channels: State
    figures: Mapping[tuple[str, ...], Any]


@dataclass
class Walk:
    """One walk; `told` is what was done, for messages."""

    spark: Any
    market: Workspace
    folder: Path
    draw: random.Random
    held: set[str] = field(default_factory=set)
    open: list[ChangeSet] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    past: dict[int, Publication] = field(default_factory=dict)
    batches: int = 0

    def __post_init__(self) -> None:
        self.past[newest(self.spark, self.market)] = Publication(self.channels(), self.rebuilt())

    def go(self, steps: int) -> None:
        """Take so many random steps, and check the whole past at the end."""
        self.take(self.draw.choice(STEPS_TAKEN) for _ in range(steps))

    def take(self, steps: Iterable[str]) -> None:
        """Take these steps, and check the whole past at the end."""
        for step in steps:
            self.told.append(step)
            getattr(self, step)()
            self.check()
        for number in self.past:
            self.check_past(number)
        assert verify(self.market)[1] == []

    # What people do

    def submit(self) -> None:
        who = self.somebody()
        change_set = channels_moved(
            who, self.draw.randrange(1 << 30), self.draw.randint(2, 8), DAYS[:4]
        )
        record(who, change_set)
        self.open.append(change_set)

    def decide(self) -> None:
        """Somebody sends a change set back, rejects it, or takes a part of it."""
        if not self.open:
            return self.submit()
        change_set = self.open.pop(self.draw.randrange(len(self.open)))
        other = self.somebody(but=change_set.author)
        decision = self.draw.choice(("send back", "reject", "part"))
        keys = {one.identity[0] for one in change_set.changes}
        if decision == "send back" or (decision == "part" and len(keys) == 1):
            send_back(other, change_set.id, "why?")
        elif decision == "reject":
            close(other, change_set.id, "reject")
        else:
            part = take_part(other, change_set.id, [self.draw.choice(sorted(keys))])
            self.open += [change_set, part]
        return None

    def put_into_effect(self) -> None:
        """A change set is previewed, approved and promoted, killed at some step or not."""
        if not self.open:
            self.submit()
        change_set = self.open.pop(self.draw.randrange(len(self.open)))
        reviewer = self.somebody(but=change_set.author)
        try:
            impact = preview(self.market, [change_set.id])
            record_receipt(self.market, impact)
            approve(reviewer, change_set.id, preview=impact.checksum)
        except RefusedError as error:
            self.is_clash(error)
            return
        step = self.draw.choice((None, None, *STEPS))
        self.told.append(f"killed at {step}")
        if step is None:
            promote(reviewer, change_set.id)
        else:
            with killed_at(step), suppress(Killed):
                promote(reviewer, change_set.id)
            is_seen = newest(self.spark, self.market) in self.past
            if is_seen and not status_of(self.market).is_given_up and self.draw.random() < 0.4:
                abandon(self.market)
                self.told.append("given up")
                return
            resume(self.somebody())
        self.published(change_set)

    def roll_back(self) -> None:
        releases = [
            one
            for one in range(1, self.market.registry.latest_release() + 1)
            if self.market.registry.release(one).kind == "promotion"
        ]
        if not releases:
            return self.put_into_effect()
        try:
            inverse = rollback(self.somebody(), self.draw.choice(releases))
        except RefusedError as error:
            self.is_clash(error)
            return None
        self.open = [*(one for one in self.open if one.id != inverse.id), inverse]
        return None

    def load(self) -> None:
        """A nightly load of a new day, or late records of an old one."""
        self.batches += 1
        day = self.draw.choice(DAYS)
        load(
            self.spark,
            self.market,
            self.folder / f"batch{self.batches}",
            first_day=day,
            seed=self.draw.randrange(1 << 30),
        )
        self.published()

    def close(self) -> None:
        day = self.draw.choice(DAYS[:3])
        close_period(self.market, MART, day, day)
        self.held.add(day)

    def reopen(self) -> None:
        if not self.held:
            return self.close()
        day = self.draw.choice(sorted(self.held))
        asked, _ = ask_to_reopen(
            acting(self.market, "rob"), MART, day, day, reason="wrong-reference"
        )
        confirm_reopening(acting(self.market, "eve"), asked.id)
        self.held.remove(day)
        if newest(self.spark, self.market) not in self.past:
            self.published()
        return None

    def is_clash(self, error: RefusedError) -> None:
        """Check that a refusal is for what others changed meanwhile."""
        rules = {one.rule for one in error.problems}
        assert rules <= {"conflict", "no-change"}, (str(error), self.told)
        self.told.append(f"refused: {', '.join(sorted(rules))}")

    # The model

    def published(self, change_set: ChangeSet | None = None) -> None:
        """There is one publication more; what it shows follows from the one before."""
        last = self.past[max(self.past)]
        channels = dict(last.channels)
        for change in change_set.changes if change_set else ():
            if change.kind is Kind.REMOVED:
                del channels[change.identity]
            elif change.copied_from is not None:  # what is not edited is as it is today
                edited = {name: change.after[name] for name in change.before}
                days = {name: change.after[name] for name in ("valid_from", "valid_to")}
                channels[change.identity] = {**last.channels[change.copied_from], **edited, **days}
            else:
                channels[change.identity] = {**channels.get(change.identity, {}), **change.after}
        held = {grain: one for grain, one in last.figures.items() if grain[0] in self.held}
        moved = {grain: one for grain, one in self.rebuilt().items() if grain[0] not in self.held}
        assert newest(self.spark, self.market) == max(self.past) + 1, self.told
        self.past[newest(self.spark, self.market)] = Publication(channels, held | moved)

    def check(self) -> None:
        last = max(self.past)
        assert newest(self.spark, self.market) == last, self.told
        shown = published(self.spark, self.market, [MART])
        assert_same(shown, {MART: self.past[last].figures})
        self.check_past(self.draw.choice(sorted(self.past)))

    def check_past(self, number: int) -> None:
        """Ask what was believed at a publication, or its instant: the mart, a channel on a day."""
        model = self.past[number]
        at: Any = {"publication": number}
        if self.draw.random() < 0.5:
            row = self.spark.table(self.market.table("publications")).where(f"number = {number}")
            at = {"instant": row.selectExpr("string(published_at)").first()[0]}
        rows = plain_rows(as_of(self.market, MART, **at))
        assert len(rows) == len(model.figures), (number, self.told)
        for row in rows:
            grain = tuple(str(row[name]) for name in GRAIN)
            for name, value in model.figures[grain].items():
                assert row[name] == value, (number, grain, name, self.told)
        key = self.draw.choice(sorted(model.channels))[0]
        day = self.draw.choice(DAYS)
        where = [f"channel_id={key}"]
        columns = self.market.contract("channel").row_columns
        believed = plain_rows(as_of(self.market, "channel", day=day, where=where, **at))
        expected = [
            {name: row[name] for name in columns}
            for identity, row in model.channels.items()
            if identity[0] == key
            and identity[1] <= day
            and (row["valid_to"] is None or row["valid_to"] > day)
        ]
        told = [{name: one[name] for name in columns} for one in believed]
        assert told == expected, (number, key, self.told)

    def channels(self) -> State:
        return self.market.registry.approved_rows("channel")[0]

    def rebuilt(self) -> Any:
        return figures(Viewing(self.spark, self.market), *states(self.market))[MART]

    def somebody(self, but: str = "") -> Workspace:
        return acting(self.market, self.draw.choice([one for one in PEOPLE if one != but]))


GRAIN = ("viewing_date", "market_id", "network_id", "playback_mode")
