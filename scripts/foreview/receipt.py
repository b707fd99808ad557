"""The receipt of an impact: what it was computed from and came to, and how two of them differ."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from foreview.clients import read_clients
from foreview.errors import Problem, RefusedError
from foreview.impact import NONE, UNMAPPED, Impact, MartImpact, are_small
from foreview.thresholds import ANY, Known, Threshold, crossed, never_reached

if TYPE_CHECKING:
    from foreview.changes import ChangeSet
    from foreview.workspace import Workspace


def receipt_content(impact: Impact) -> dict[str, Any]:
    """Return what a receipt keeps: inputs, horizon, read set, and each mart's figures' hash."""
    return {
        "change_sets": sorted(one.id for one in impact.change_sets),
        "base_release": impact.base_release,
        "horizon": {"last_day": impact.horizon_day, "load_batch": impact.horizon_batch},
        "contracts": dict(impact.contracts),
        "read_set": dict(impact.read_set),
        "touched": [impact.touched_records, impact.touched_days, impact.touched_seconds],
        "figures": {mart.name: figures_hash(mart) for mart in impact.marts},
        "figures_moved": {mart.name: len(mart.figures) for mart in impact.marts},
        "figures_held": {mart.name: len(mart.held) for mart in impact.marts if mart.held},
    }


def figures_hash(mart: MartImpact) -> str:
    """Return the SHA-256 over a mart's moved figures, ordered, before and after."""
    return digest(
        [
            [list(one.grain), one.change, _plain(one.before), _plain(one.after)]
            for one in mart.figures
        ]
    )


def _plain(values: Mapping[str, Any]) -> list[list[str]]:
    return [[name, str(value)] for name, value in sorted(values.items())]


def digest(value: Any) -> str:
    """Return the SHA-256 of a value of plain types, by its canonical JSON."""
    import json

    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def record_receipt(workspace: Workspace, impact: Impact) -> None:
    """Record an impact's receipt in the registry, and keep its figures for a renewal."""
    from foreview.receipt_figures import kept_digest, moved_figures, write_figures

    write_figures(workspace, impact)
    moved = {mart.name: moved_figures(mart) for mart in impact.marts if mart.figures}
    workspace.registry.record_receipt(
        {
            "checksum": impact.checksum,
            "change_set_ids": sorted(one.id for one in impact.change_sets),
            "base_release": impact.base_release,
            "horizon_day": impact.horizon_day,
            "horizon_batch": impact.horizon_batch,
            # Not in the checksum: what has to be done with the figures, not what they are.
            "content": receipt_content(impact)
            | {"review": review_needed(workspace, impact), "kept": kept_digest(moved)},
        },
        actor=workspace.actor,
    )


def review_needed(workspace: Workspace, impact: Impact) -> dict[str, Any]:
    """Return how many people have to agree to an impact, and the thresholds that say so.

    Raises:
        RefusedError: As `checked_thresholds`.
    """
    thresholds, clients = checked_thresholds(workspace, impact.change_sets)
    reached = crossed(impact, thresholds, clients)
    return {
        "reviewers": max((one.reviewers for one in reached), default=1),
        "because": [one.told() for one in reached],
    }


def checked_thresholds(
    workspace: Workspace, change_sets: Iterable[ChangeSet]
) -> tuple[list[Threshold], Mapping[str, Collection[str]]]:
    """Return the thresholds of change sets' tables, and the marts that each client uses.

    Raises:
        RefusedError: A threshold names a client that is no exposure, or no figure can reach it.
    """
    dimensions = sorted({name for one in change_sets for name in one.dimensions})
    thresholds = [one for name in dimensions for one in workspace.contract(name).thresholds]
    if not thresholds:
        return [], {}
    known = _known(workspace, any(one.market != ANY for one in thresholds))
    problems = []
    for one in thresholds:
        if one.client not in (ANY, *known.clients):
            message = f"A threshold names the client {one.client!r}, which is no exposure."
            fix = f"Use one of: {', '.join(known.clients) or 'none yet; declare one'}."
            problems.append(Problem("unknown-client", message, value=one.client, fix=fix))
        elif found := never_reached(one, known):
            message = f"No figure can reach the threshold {one.told()!r}: {found[0]}."
            problems.append(Problem("unknown-in-threshold", message, fix=found[1]))
    if problems:
        raise RefusedError(problems)
    return thresholds, known.clients


def _known(workspace: Workspace, with_markets: bool) -> Known:
    from foreview.impact_tables import measures_of, read_marts

    marts = {one["name"]: one for one in read_marts(workspace)}
    # A market may be told by its special values too, as figures have them.
    markets = {NONE, UNMAPPED}
    if with_markets:
        markets |= {identity[0] for identity in workspace.registry.approved_rows("market")[0]}
    measures = {name: measures_of(mart) for name, mart in marts.items()}
    return Known(
        measures={
            name: [*(one.name for one in measures[name]), *mart.get("ratios", {})]
            for name, mart in marts.items()
        },
        main_measures={
            name: next(one.name for one in measures[name] if one.additive)
            for name, mart in marts.items()
            if "ranks_within" in mart
        },
        with_markets=[name for name, mart in marts.items() if "market_id" in mart["grain"]],
        clients={name: one.products for name, one in read_clients(workspace).items()},
        markets=markets,
        most_ranks=int(workspace.settings["most_ranks"]),
    )


def what_changed(
    earlier: Mapping[str, Any], later: Mapping[str, Any], *, smallest: int = 0
) -> tuple[str, ...]:
    """Return which inputs changed between two receipts of the same change sets, and if it matters.

    Args:
        earlier: The content of a receipt, as `receipt_content` gives it.
        later: That of a newer one.
        smallest: Counts of fewer viewing records than these are not told.

    Returns:
        A sentence an input that changed, and last what that does to the figures; one sentence
        alone when nothing changed.
    """
    inputs = _changed_inputs(earlier, later, smallest)
    moved = sorted(
        name
        for name in {*earlier["figures"], *later["figures"]}
        if earlier["figures"].get(name) != later["figures"].get(name)
    )
    if moved:
        effect = (
            "It matters: these figures would move otherwise, or from other values, than before: "
            f"{', '.join(moved)}."
        )
    elif inputs:
        effect = "It does not matter: every figure would move just as before."
    else:
        effect = "Nothing it was computed from has changed since the preview before."
    return (*inputs, effect)


_PLAIN = {
    "publication": "The publication of the figures",
    "device_load": "The last load of devices",
    "touched_keys": "The number of keys that are touched",
    "touched_keys_hash": "The keys and days that are touched",
    "what_if_sql": "The SQL that computes what-ifs",
    "calendar": "The publication calendar",
    "clients": "The reports of the clients that the tables' rules name",
}
_BY_NAME = {"mart_definitions", "mart_declarations", "settings"}
"""Parts of the read set that hold several values by name."""


def _changed_inputs(
    earlier: Mapping[str, Any], later: Mapping[str, Any], smallest: int
) -> list[str]:
    pairs = [
        ("The reference version", earlier["base_release"], later["base_release"]),
        *(
            (label, earlier["horizon"][name], later["horizon"][name])
            for name, label in (
                ("last_day", "The last day with viewing"),
                ("load_batch", "The last load of viewing"),
            )
        ),
        *(
            (f"The rules of {name}", earlier["contracts"].get(name), later["contracts"].get(name))
            for name in sorted({*earlier["contracts"], *later["contracts"]})
        ),
        *_by_name("The definition of", "mart_definitions", earlier, later),
        *_by_name("The declaration of", "mart_declarations", earlier, later),
        *_by_name("The setting", "settings", earlier, later),
        *(
            (_PLAIN.get(name, name), earlier["read_set"].get(name), later["read_set"].get(name))
            for name in sorted({*earlier["read_set"], *later["read_set"]} - _BY_NAME)
        ),
        _touched(earlier["touched"], later["touched"], smallest),
    ]
    return [
        f"{label} changed: {_short(before)} → {_short(after)}."
        for label, before, after in pairs
        if before != after
    ]


def _touched(earlier: Sequence[int], later: Sequence[int], smallest: int) -> tuple[str, str, str]:
    """Return the records, days and seconds that are touched, without the records where few are."""
    names = ("records", "days", "seconds")
    first = 1 if are_small([(earlier[0], later[0])], smallest) else 0
    before, after = (", ".join(f"{one:,}" for one in each[first:]) for each in (earlier, later))
    return f"The viewing that is touched ({', '.join(names[first:])})", before, after


def _by_name(
    label: str, part: str, earlier: Mapping[str, Any], later: Mapping[str, Any]
) -> list[tuple[str, str | None, str | None]]:
    """Return the two values of each name in a part of the read set, `name=value;...` or a dict.

    Nothing when the earlier receipt is of a version that did not keep that part.
    """
    parts = [content["read_set"].get(part) for content in (earlier, later)]
    if None in parts:
        return []
    old, new = (
        one
        if isinstance(one, Mapping)
        else dict(each.split("=", 1) for each in one.split(";") if each)
        for one in parts
    )
    return [(f"{label} {name}", old.get(name), new.get(name)) for name in sorted({*old, *new})]


def _short(value: object) -> str:
    text = "none" if value is None else str(value)
    return text if len(text) <= 40 else f"{text[:12]}…"
