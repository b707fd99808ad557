"""Status: what is in effect, what is open, and whether a promotion is unfinished; without Spark."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from foreview.loads import newest_published
from foreview.promotion import GIVEN_UP, STEPS
from foreview.schedule import scheduled
from foreview.workspace import Workspace

if TYPE_CHECKING:
    from foreview.registry import Step


@dataclass(frozen=True)
class Status:
    """The state of a workspace.

    Attributes:
        release: The newest reference version; 0 before the first.
        publication: The newest publication's number, with its last day and instant; None before
            the first, or where the tables are not in the workspace's folder.
        open: Number of open change requests by status.
        unfinished: The promotion that was begun and neither ended nor was given up, or None.
        steps: Its steps by name, with the instant at which each was done, or None.
        is_given_up: Whether giving it up has begun.
        because: What refused it, if that is why it is given up.
        erasing: Households whose erasure was interrupted.
        running: The command that holds the workspace now, or "".
        scheduled: Approved change requests and the instants of their promotion, UTC.
        void: Approved change requests whose approval was found void, and when, UTC.
    """

    release: int
    publication: dict[str, Any] | None
    open: dict[str, int]
    unfinished: Step | None
    steps: dict[str, str | None]
    is_given_up: bool
    erasing: tuple[int, ...]
    running: str
    scheduled: dict[str, str]
    void: dict[str, str]
    because: tuple[str, ...] = ()

    def told(self) -> str:
        """Return the status as lines of text, the last of which says what to do."""
        shown = self.publication
        lines = [
            f"Reference version {self.release}",
            f"Publication {shown['number']} of {str(shown['published_at'])[:16]}, "
            f"viewing to {shown['last_day']}"
            if shown
            else "Nothing is published yet.",
            "Open change requests: "
            + (", ".join(f"{n} {name}" for name, n in sorted(self.open.items())) or "none"),
        ]
        lines += [f"Scheduled: {one} at {at[:16]} UTC" for one, at in self.scheduled.items()]
        lines += [
            f"Void since {at[:16]} UTC: the approval of {one}. See foreview what-if {one}, and "
            "have it approved anew."
            for one, at in self.void.items()
        ]
        if self.running:
            lines.append(f"Running now: {self.running}")
        lines += [
            f"Unfinished: the erasure of household {one}; finish it: "
            f"foreview erase-household {one} --reason REASON"
            for one in self.erasing
            if not self.running
        ]
        if self.unfinished is None:
            return "\n".join(lines)
        ids = ", ".join(self.unfinished.detail["change_sets"])
        lines.append(f"Unfinished: reference version {self.unfinished.release} from {ids}")
        lines += [
            f"  {'done' if at else 'open':4}  {name:10}  {(at or '')[:19]:19}  {STEPS[name]}"
            for name, at in self.steps.items()
        ]
        if self.is_given_up:
            lines.append("It is being given up; finish that: foreview promote --abandon")
            lines += [f"  because: {one}" for one in self.because]
        elif not self.running:
            lines.append("Finish it: foreview promote --resume")
            if self.steps and not self.steps["publish"]:  # a first load can't be given up
                lines.append("Or give it up: foreview promote --abandon")
        return "\n".join(lines)


def status_of(workspace: Workspace) -> Status:
    """Return a workspace's status."""
    registry = workspace.registry
    open_ = Counter(
        one.status
        for one in registry.change_sets()
        if one.status in ("pending", "approved", "sent-back")
    )
    unfinished = registry.unfinished_promotion()
    steps = registry.steps(unfinished.release) if unfinished else []
    done = {one.step: one.at for one in steps if one.state == "done"}
    is_promotion = unfinished is not None and unfinished.detail["kind"] == "promotion"
    return Status(
        release=registry.latest_release(),
        publication=_newest_publication(workspace),
        open=dict(open_),
        unfinished=unfinished,
        steps={name: done.get(name) for name in (STEPS if is_promotion else ())},
        is_given_up=any(one.step == GIVEN_UP for one in steps),
        erasing=tuple(registry.unfinished_erasures()),
        running=workspace.lock_holder(),
        scheduled={one: at.isoformat() for one, at in scheduled(workspace).items()},
        void=registry.voided(),
        because=tuple(
            one for step in steps if step.step == GIVEN_UP for one in step.detail.get("because", ())
        ),
    )


def _newest_publication(workspace: Workspace) -> dict[str, Any] | None:
    newest = newest_published(workspace)
    told = ("number", "release", "last_day", "published_at")
    return newest and {name: newest[name] for name in told}
