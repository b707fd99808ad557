"""An impact in plain words, as analysts and reviewers use them."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal

from foreview.future import MOST_ENDED_CODES, FutureEdit
from foreview.impact import (
    NONE,
    UNMAPPED,
    FigureImpact,
    Impact,
    MartImpact,
    Measure,
    ModelImpact,
    Number,
    are_small,
    magnitude,
)
from foreview.rekeying import replaced_codes
from foreview.report.figures import Mover, key_columns, movers
from foreview.report.requests import row_edits

MINUS = "\N{MINUS SIGN}"
DASH = "\N{EN DASH}"
UNASSIGNED = "unassigned viewing"
ILLUSTRATED = 4
LISTED = 3


def verdict(impact: Impact) -> str:
    """Return what the change requests do, in one sentence."""
    marts = [mart for mart in impact.marts if mart.figures]
    count = sum(len(row_edits(one)) for one in impact.change_sets)
    if not marts:
        held = sum(len(mart.held) for mart in impact.marts)
        if held:
            return f"No figure moves: {plural(held, 'figure')} held."
        are_later = 0 < count <= len(impact.future)
        return f"No figures yet: {_later(impact)}." if are_later else "No figure moves."
    subject = f"{plural(count, 'change')} move{'s' if count == 1 else ''}"
    moved = _moved(impact)
    mart = headline_mart(impact)
    measure = headline_measure(mart)
    ranked = [one for one in movers(mart, measure.name) if one.difference]
    if not ranked:
        return f"{subject} {moved}, but over all days nothing gains or loses."
    told = [_told(mart, measure, one) for one in _both_ways(ranked)]
    rest = len(ranked) - len(told)
    if rest:
        ending = f"{whole(rest)} more gain or lose"
    elif len(marts) == 1:
        ending = "nothing else moves"
    else:
        ending = f"nothing else moves in {mart.label}"
    return f"{subject} {moved}: {', '.join(told)}; {ending}."


def _moved(impact: Impact) -> str:
    """Return how much viewing moves; what only moves as it is now is counted by its records."""
    now, touched = touched_now(impact), impact.touched_records
    if now and not touched:
        return f"{plural(now, 'viewing record', impact.smallest_count)}, only as it is now"
    moved = f"{whole(impact.touched_seconds)} seconds over {plural(impact.touched_days, 'day')}"
    if now <= touched:
        return moved
    if are_small([(touched, now)], impact.smallest_count):
        return f"{moved} and more viewing as it is now"
    return f"{moved} and, as it is now, {plural(now - touched, 'viewing record')} more"


def touched_now(impact: Impact) -> int:
    """Return how many viewing records are touched in the reports as it is now."""
    return sum(one.touched_records for one in impact.paths if one.period == "now")


def headline_mart(impact: Impact) -> MartImpact:
    """Return the mart that tells the impact with the fewest names; one must have figures."""
    marts = [mart for mart in impact.marts if mart.figures]

    def breadth(mart: MartImpact) -> tuple[bool, int]:
        ranked = movers(mart, headline_measure(mart).name)
        return (not any(one.difference for one in ranked), len(ranked))

    return min(marts, key=breadth)


def headline_measure(mart: MartImpact) -> Measure:
    """Return the main measure if it moves, else the first measure that does."""
    ordered = [mart.main_measure, *mart.measures]
    for measure in ordered:
        if any(figure.difference(measure.name) for figure in mart.figures):
            return measure
    return ordered[0]


def _both_ways(ranked: Sequence[Mover]) -> list[Mover]:
    """Return up to two losses and two gains, the largest first."""
    losses = [one for one in ranked if one.difference < 0][:2]
    gains = [one for one in ranked if one.difference > 0][:2]
    return sorted(losses + gains, key=lambda one: (-magnitude(one.difference), one.difference > 0))


def _told(mart: MartImpact, measure: Measure, mover: Mover) -> str:
    name = spoken_name(mart, mover.key)
    what = "" if measure == mart.main_measure else f" of {measure.label.lower()}"
    if not mover.before:
        return f"{name} gains {number(mover.after)} {measure.unit} from nothing"
    if not mover.after:
        return f"{name} loses all{what}"
    verb = "gains" if mover.difference > 0 else "loses"
    return f"{name} {verb} {share(magnitude(mover.difference), mover.before)}{what}"


def spoken_name(mart: MartImpact, key: tuple[str, ...]) -> str:
    """Return what people call the figures of a key: by the columns that the mart is named by."""
    pairs = zip(key_columns(mart), key, strict=True)
    named = [one for one in pairs if not mart.named_by or one[0] in mart.named_by]
    return spoken_key([column for column, _ in named], [value for _, value in named])


def spoken_key(columns: Sequence[str], values: Sequence[str]) -> str:
    """Return grain values as a name, with the two special ones in words."""
    return " · ".join(spoken_values(columns, values)) or "everything"


def spoken_values(columns: Sequence[str], values: Sequence[str]) -> list[str]:
    """Return grain values in words."""
    return [spoken_value(*pair) for pair in zip(columns, values, strict=True)]


def spoken_value(column: str, value: str) -> str:
    """Return one grain value in words."""
    if value == UNMAPPED:
        return UNASSIGNED
    if value == NONE:
        return f"viewing without {column_label(column).lower()}"
    return value


def column_label(column: str) -> str:
    """Return a column's name as a heading."""
    plain = {"viewing_date": "Day"}.get(column)
    return plain or column.removesuffix("_id").replace("_", " ").capitalize()


def plural(count: int, noun: str, smallest: int = 0) -> str:
    """Return a count and its noun; of what is fewer than the smallest only that."""
    told = few_or_whole(count, smallest)
    return f"{told} {noun}{'' if told == '1' else 's'}"


def few_or_whole(count: int, smallest: int) -> str:
    """Return a count, or only that it is small: reports do not tell it then."""
    return f"fewer than {smallest}" if 0 < count < smallest else whole(count)


def whole(value: Number) -> str:
    """Return a number with thousands set off."""
    return f"{value:,}"


def number(value: Number | None) -> str:
    """Return a number as reports show it, exact; a dash for none."""
    return DASH if value is None else f"{value:,}".replace("-", MINUS)


def signed(value: Number) -> str:
    """Return a difference with its sign."""
    return f"{'+' if value > 0 else ''}{number(value)}"


def share(part: Number, of: Number) -> str:
    """Return a share in percent with one decimal, and never a false 0 or 100."""
    percent = Decimal(part) * 100 / Decimal(of)
    rounded = percent.quantize(Decimal("0.1"), ROUND_HALF_UP)
    if not rounded and percent:
        return "less than 0.1%"
    if rounded == 100 and percent < 100:
        return "more than 99.9%"
    return f"{rounded:,}%"


def relative(mover: Mover) -> str:
    """Return a mover's difference in percent of before, signed."""
    if not mover.difference:
        return "0%"
    if not mover.before:
        return "new"
    text = share(magnitude(mover.difference), magnitude(mover.before))
    return f"{'+' if mover.difference > 0 else MINUS}{text}" if text[0].isdigit() else text


def warnings(impact: Impact) -> tuple[str, ...]:
    """Return what a reviewer should not overlook, a sentence each."""
    return (
        *rekeyed(impact),
        *_unassigned(impact),
        *_held(impact),
        *_future(impact),
        *_reach_alone(impact),
    )


def _held(impact: Impact) -> list[str]:
    """Return for each mart how many figures keep what readers have, because they are published."""
    return [
        f"{mart.label}: {plural(len(mart.held), 'figure')} would move but "
        f"{'is' if len(mart.held) == 1 else 'are'} published and held, "
        f"{_days_told(sorted({one.grain[mart.day_place or 0] for one in mart.held}))}. "
        "To restate them: foreview reopen-period."
        for mart in impact.marts
        if mart.held
    ]


def _days_told(days: Sequence[str]) -> str:
    return days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"


def rekeyed(impact: Impact) -> list[str]:
    """Return the warning that channels were deleted and inserted under new codes, if they were."""
    pairs = len(impact.proposed_pairs)
    if not pairs:
        return []
    replaced = replaced_codes(impact.change_sets)
    deleted, inserted = len(replaced.deleted), len(replaced.inserted)
    lost = _newly_unassigned(impact)
    effect = (
        f"{lost} become {UNASSIGNED}"
        if lost
        else f"no viewing becomes unassigned up to {impact.horizon_day or 'now'}"
    )
    return [
        f"New codes for the same channels? {plural(deleted, 'channel code')} "
        f"{'is' if deleted == 1 else 'are'} deleted and {whole(inserted)} inserted, and "
        f"{plural(pairs, 'pair')} of them look{'s' if pairs == 1 else ''} like the same channel. "
        f"{effect[0].upper()}{effect[1:]}, and the figures of these channels are cut in two."
    ]


def _newly_unassigned(impact: Impact) -> str:
    """Return the most viewing that one report loses to unassigned, with its unit; empty for none.

    Only figures that grow are counted: new codes may find viewing that was unassigned, and that
    does not make good what the old ones lose.
    """
    most: Number = 0
    unit = ""
    for mart in impact.marts:
        growing = max(
            sum(one for one in _unassigned_by_day(mart, place) if one > 0)
            for place in range(len(mart.grain))
        )
        if growing > most:
            most, unit = growing, mart.main_measure.unit
    return f"{whole(most)} {unit}" if most else ""


def _unassigned_by_day(mart: MartImpact, place: int) -> list[Number]:
    """Return by how much a column's unassigned viewing grows on each day, in each mode.

    What only moves from one value of another column to another is not in it.
    """
    kept = {
        number
        for number, name in enumerate(mart.grain)
        if number == mart.day_place or name == "playback_mode"
    }
    found: dict[tuple[str, ...], Number] = {}
    for one in mart.disjoint_figures:
        if one.grain[place] == UNMAPPED:
            key = tuple(value for number, value in enumerate(one.grain) if number in kept)
            found[key] = found.get(key, 0) + one.difference(mart.main_measure.name)
    return list(found.values())


def _unassigned(impact: Impact) -> list[str]:
    found = []
    for mart in impact.marts:
        measure = mart.main_measure
        told: list[list[FigureImpact]] = []
        for place, column in enumerate(mart.grain):
            figures = [one for one in mart.disjoint_figures if one.grain[place] == UNMAPPED]
            if figures in told:  # without an airing there is no programme and no genre either
                continue
            told.append(figures)
            moved = _unassigned_by_day(mart, place)
            for verb, part in (
                ("appear as", [one for one in moved if one > 0]),
                ("leave", [-one for one in moved if one < 0]),
            ):
                if part:
                    found.append(
                        f"{whole(sum(part))} {measure.unit} {verb} {UNASSIGNED} "
                        f"(no {column_label(column).lower()} on that day) in {mart.label}."
                    )
    return found


def _future(impact: Impact) -> list[str]:
    horizon = impact.horizon_day
    if horizon is None:
        return ["There is no viewing yet: the changes have no effect that could be shown."]
    if not impact.future:
        return []
    return [f"{_later(impact)} ({_listed(impact.future)}): no figures yet."]


def _later(impact: Impact) -> str:
    """Return how many changes begin to matter after the last day with viewing."""
    verb = "starts" if len(impact.future) == 1 else "start"
    count = plural(len(impact.future), "change")
    return f"{count} {verb} after {impact.horizon_day}, the last day with viewing"


def _listed(edits: Sequence[FutureEdit]) -> str:
    listed = ", ".join(f"{' '.join(one.key)} from {one.day}" for one in edits[:LISTED])
    return listed + (f" and {whole(len(edits) - LISTED)} more" if edits[LISTED:] else "")


def _reach_alone(impact: Impact) -> list[str]:
    found = []
    for mart in impact.marts:
        main = mart.main_measure
        alone = [one for one in mart.figures if main.additive and not one.difference(main.name)]
        for measure in (one for one in mart.measures if not one.additive):
            count = sum(1 for figure in alone if figure.difference(measure.name))
            if count:
                verb = "moves" if count == 1 else "move"
                found.append(
                    f"{plural(count, 'figure')} of {mart.label} {verb} in {measure.label.lower()} "
                    f"though {main.unit} stay the same."
                )
    return found


def illustrated(impact: Impact) -> tuple[str, ...]:
    """Return what edits of a later day would have done, a sentence a mart, and which have no such.

    Empty without edits of a later day.
    """
    shown = impact.illustration
    if shown is None:
        return _not_illustrated(impact)
    found = []
    for mart in shown.marts:
        measure = mart.main_measure
        told = [
            f"{spoken_name(mart, one.key)} {signed(one.difference)}"
            for one in movers(mart, measure.name, ILLUSTRATED)
            if one.difference
        ]
        if told:
            found.append(f"{mart.label}, {measure.unit}: {'; '.join(told)}.")
    return (
        f"Illustration, no figures and not in the preview record: had the rows of {shown.day} held "
        f"from {shown.first_day} to {shown.last_day}, the differences would have been these.",
        *_partly_shown(impact.future, shown.shown),
        *(found or ["Nothing would have moved."]),
        *_not_illustrated(impact),
    )


def _partly_shown(edits: Sequence[FutureEdit], shown: Sequence[FutureEdit]) -> list[str]:
    """Return which edits an illustration shows, when there is no day on which all of them hold."""
    possible = sum(1 for one in edits if one.has_illustration)
    if len(shown) in (0, possible):
        return []
    count = f"{whole(len(shown))} of {plural(possible, 'change')}"
    return [f"No one day has them all. This one has {count}: {_listed(shown)}."]


def _not_illustrated(impact: Impact) -> tuple[str, ...]:
    """Return which edits of a later day have no illustration, and why."""
    events = [one for one in impact.future if one.is_event]
    codes = [one for one in impact.future if one.is_new_code]
    found = []
    if events:
        found.append(
            f"No illustration of {_listed(events)}: what will be on then is in no viewing yet."
        )
    if codes:
        found.append(
            f"No illustration of {_listed(codes)}: a channel gets another code, and the viewing "
            "of the days before carries the old one. Its figures go on where they were."
        )
    possible = any(one.has_illustration for one in impact.future)
    if possible and impact.illustration is None and len(codes) > MOST_ENDED_CODES:
        found.append("So many codes change that the other changes are not illustrated either.")
    return tuple(found)


def model_told(model: ModelImpact) -> str:
    """Return what happens to a model's rows, in a sentence."""
    if model.reason:
        return f"{model.name}: what happens to it is not shown: {model.reason}."
    if not model.removed and not model.added:
        return f"{model.name}: nothing changes in {plural(model.rows_before, 'row')}."
    return (
        f"{model.name}: {plural(model.removed, 'row')} of {whole(model.rows_before)} disappear or "
        f"change, {plural(model.added, 'row')} of {whole(model.rows_after)} are new or changed."
    )


def daily_label(measure: Measure) -> str:
    """Return a measure's name above sums over days, which not every measure has."""
    return measure.label + ("" if measure.additive else " (daily, added up)")


def place(value: int | None, otherwise: str) -> str:
    """Return a rank, or a word where there is none."""
    return otherwise if value is None else whole(value)


def ranks_moved(mart: MartImpact) -> str:
    """Return in a sentence what happens to ranks in a mart; empty when nothing does."""
    count = len(mart.rank_changes) + mart.unnamed_ranks
    if not count:
        return ""
    told = f"{plural(count, 'figure')} {'changes' if count == 1 else 'change'} rank among the first"
    if not mart.rank_changes:
        return f"{told}; none is named."
    best = mart.rank_changes[0]
    which = "the best that is named" if mart.unnamed_ranks else "the best"
    name = spoken_key(mart.grain, best.grain)
    return (
        f"{told}, {which}: {name}, {place(best.before, 'not there')} → {place(best.after, 'gone')}."
    )


def change_word(figure: FigureImpact) -> str:
    """Return what happens to a figure, in words."""
    return {"added": "appears", "removed": "disappears"}.get(figure.change, "changes")
