"""Promotions in processes of their own, killed with SIGKILL, their JVM with them, or that lose it
or the disk.

What readers see is read by delta-rs, beside the engine that is being killed.
"""

import json
import os
import random
import resource
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from deltalake import DeltaTable
from oracle import GRAINS, Viewing, assert_same, columns_of, figures
from random_edits import channels_moved, random_change_set, states

from conftest import project_with
from foreview.promotion import STEPS
from foreview.status import status_of
from foreview.submission import record
from foreview.workspace import Workspace, open_workspace

MART = "audience_by_network_day"
SECONDS_AT_MOST = 900
"""A command that takes longer hangs."""
Way = Literal["killed", "without JVM", "disk full"]
TOLD: dict[Way, str] = {"without JVM": "[engine-lost]", "disk full": "[disk-full]"}
COMMANDS = """
import json, os, sys
from foreview.cli import main
codes = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
for line in sys.stdin:
    sys.argv = ["foreview", *json.loads(line)]
    code = 0
    try:
        main()
    except SystemExit as ended:
        code = ended.code
    print(code or 0, file=codes, flush=True)
"""
"""Runs a command for each line that comes in, and answers each with its exit code."""


@dataclass
class Market:
    """A workspace whose commands run in a process of their own, another one after each kill.

    Channels are edited where it has one mart, all dimensions where it has more.
    """

    workspace: Workspace
    marts: tuple[str, ...]
    process: subprocess.Popen[str] | None = None
    found: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        home = self.workspace.home
        if self.process is None:
            self.process = subprocess.Popen(
                # By cat, since a process whose disk is full may still say so.
                ["bash", "-c", 'exec "$@" 2> >(cat >>output)', "-", sys.executable, "-c", COMMANDS],
                env=own_environment() | {"FOREVIEW_PROJECT": str(self.workspace.project)},
                cwd=home,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                start_new_session=True,  # the JVM dies with it
            )
        who = () if arguments[0] == "verify" else ("--as", "rob")
        print(json.dumps([*arguments, "--home", str(home), *who]), file=self.process.stdin)
        self.process.stdin.flush()
        return self.process

    @property
    def output(self) -> Path:
        return self.workspace.home / "output"

    def run(self, *arguments: str) -> None:
        process = self.start(*arguments)
        assert has_ended(process, SECONDS_AT_MOST), self.output.read_text(encoding="utf-8")
        self.check_code()

    def check_code(self) -> None:
        code = self.process.stdout.readline()
        assert code == "0\n", self.output.read_text(encoding="utf-8")

    def run_killed(self, draw: random.Random, way: Way, *arguments: str) -> str:
        """Run a command and kill it some time after a step that is drawn; return that step.

        Or kill its JVM alone, or let neither write a byte more; the command must say so then.

        The step is one of the next two, so that a promotion is killed many times. A command that
        ended before is not killed, and must have gone well; "" then. One kill in ten comes before
        any step; a command that gives a promotion up does no step.
        """
        open_ = [one for one in STEPS if one not in self.done_steps()]
        is_early = arguments[-1] == "--abandon" or not open_ or draw.random() < 0.1
        step = "start" if is_early else draw.choice(open_[:2])
        spark_starts = 17 if is_early and self.process is None else 0
        wait = draw.random() * (8 + spark_starts)  # a step takes seconds
        process = self.start(*arguments)
        while step != "start" and step not in self.done_steps():
            if has_ended(process, 0.05):
                break
        if has_ended(process, wait):
            self.check_code()
            return ""
        if way == "killed":
            os.killpg(process.pid, signal.SIGKILL)
        elif not self.fails(way):
            step = ""
        self.close()
        return step

    def fails(self, way: Way) -> bool:
        """Take the JVM or the disk away; return whether the command ended with an error."""
        before = len(self.output.read_text(encoding="utf-8"))
        while not (jvms := children(self.process.pid, "java")):
            assert not has_ended(self.process, 0.1), self.output.read_text(encoding="utf-8")
        for pid in jvms:
            if way == "without JVM":
                os.kill(pid, signal.SIGKILL)
            else:
                resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, 0))
        if way == "disk full":
            resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (0, 0))
        assert has_ended(self.process, SECONDS_AT_MOST), self.output.read_text(encoding="utf-8")
        if self.process.stdout.readline() == "0\n":
            return False
        for _ in range(100):
            output = self.output.read_text(encoding="utf-8")
            if TOLD[way] in output[before:]:
                return True
            time.sleep(0.1)  # cat may still be writing it
        raise AssertionError(output)

    def close(self) -> None:
        if self.process is not None:
            self.process.communicate()
            self.process = None

    def done_steps(self) -> set[str]:
        registry = self.workspace.registry
        begun = registry.unfinished_promotion()
        steps = registry.steps(begun.release) if begun else []
        return {one.step for one in steps if one.state == "done"}

    def shown(self) -> tuple[int, Any]:
        """Return the newest publication's number, and the figures and dimensions in it."""
        tables = self.workspace.warehouse / f"{self.workspace.schema}.db"
        newest = max(rows(tables / "publications"), key=lambda one: one["number"])
        number, cut = newest["number"], newest["snapshot_cut"]
        self.found = {
            mart: [
                {name: value for name, value in row.items() if not name.startswith("published_")}
                for row in rows(tables / f"{mart}__versions")
                if row["published_from"] <= number
                and (row["published_to"] is None or row["published_to"] > number)
            ]
            for mart in self.marts
        }
        dimensions = {
            name: [
                {column: value for column, value in row.items() if not column.startswith("dbt_")}
                for row in rows(tables / f"{name}_history")
                if row["dbt_valid_from"] <= cut
                and (row["dbt_valid_to"] is None or row["dbt_valid_to"] > cut)
            ]
            for name in self.workspace.contracts
        }
        shown = self.found | dimensions
        return number, {name: sorted(map(str, found)) for name, found in shown.items()}

    def assert_figures(self) -> None:
        """Check that the figures shown last are those that the oracle adds up from all rows."""
        expected = figures(Viewing(None, self.workspace), *states(self.workspace))
        for mart, found in self.found.items():
            shown = {
                tuple(str(row[name]) for name in GRAINS[mart]): {
                    name: row[name] for name in columns_of(mart)
                }
                for row in found
            }
            assert len(shown) == len(found), "a figure is shown twice"
            assert_same({mart: shown}, {mart: expected[mart]})


def children(pid: int, name: str) -> list[int]:
    """Return a process's children of that name (Linux)."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has ended
            begin, _, end = stat.read_text(encoding="utf-8").rpartition(")")
            if begin.endswith(f"({name}") and end.split()[1] == str(pid):
                found.append(int(stat.parent.name))
    return found


def own_environment() -> dict[str, str]:
    """Return the environment without what commands that ran in this process left in it.

    The machine is in New York, since nothing may depend on where it is.
    """
    left = ("FOREVIEW_", "DBT_")
    own = {name: value for name, value in os.environ.items() if not name.startswith(left)}
    return own | {"TZ": "America/New_York"}


def has_ended(process: subprocess.Popen[str], seconds: float) -> bool:
    """Wait so long for a command to end, or its process with it."""
    return bool(select.select([process.stdout], [], [], seconds)[0])


def rows(folder: Path) -> list[dict[str, Any]]:
    return DeltaTable(folder).to_pyarrow_table().to_pylist()  # type: ignore[no-any-return]


def make_market(folder: Path, *marts: str) -> Market:
    """Return a small market with these marts or one, generated in a process of its own."""
    marts = marts or (MART,)
    home = folder / "home"
    home.mkdir(parents=True)
    (home / "allow-act-as").touch()
    own = project_with(folder / "project", *marts)
    workspace = open_workspace({"FOREVIEW_PROJECT": str(own)}, home=home, act_as="ana")
    market = Market(workspace, marts)
    market.run("generate", "--rows", "3000", "--days", "3", "--devices", "200")
    return market


def approved_edit(market: Market, seed: int) -> str:
    """Record a change set, previewed and approved; return its id."""
    workspace = market.workspace
    change_set = (
        random_change_set(workspace, Viewing(None, workspace), seed)
        if market.marts[1:]
        else channels_moved(workspace, seed, 20)
    )
    record(workspace, change_set)
    market.run("what-if", change_set.id, "-o", str(workspace.home / "report"))
    market.run("approve", change_set.id)
    return change_set.id


def kill_promotions(
    market: Market, draw: random.Random, kills: int, ways: tuple[Way, ...] = ("killed",)
) -> dict[str, int]:
    """Promote, give up and promote again, until so many were killed; return them by step.

    After each kill readers have the publication before or the one after, whole. What is given up
    shows nothing, what goes through is a publication more, and in the end the past is what it was.
    """
    killed: dict[str, int] = {}
    registry = market.workspace.registry
    while sum(killed.values()) < kills:
        number, before = market.shown()
        id_ = approved_edit(market, draw.randrange(1 << 30))
        word = id_
        while registry.status(id_) != "promoted":
            is_enough = sum(killed.values()) >= kills
            step = "" if is_enough else market.run_killed(draw, draw.choice(ways), "promote", word)
            if is_enough:
                market.run("promote", word)
            if step:
                killed[step] = killed.get(step, 0) + 1
            shown = market.shown()
            assert shown == (number, before) or shown[0] == number + 1
            unfinished = registry.unfinished_promotion()
            if unfinished is None:
                assert registry.status(id_) == "promoted" or shown == (number, before)
                word = id_
            elif is_given_up(market) or (shown[0] == number and draw.random() < 0.3):
                word = "--abandon"
            else:
                word = "--resume"
        assert market.shown()[0] == number + 1
        market.assert_figures()
    market.run("verify")
    market.close()
    return killed


def is_given_up(market: Market) -> bool:
    return status_of(market.workspace).is_given_up
