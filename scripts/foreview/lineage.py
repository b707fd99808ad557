"""Lineage for other systems: OpenLineage events of submit, what-if and promote.

Where events go is said by the settings of OpenLineage's own Python client; without them nothing is
sent and the client isn't even imported. A command never fails because its events can't be sent.

The words are those of the standard, https://openlineage.io/docs/spec/object-model: a run of a job
has one START and one of COMPLETE, FAIL and ABORT, and its events together are what is known of it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from foreview import __version__
from foreview.errors import Problem
from foreview.loads import PENDING_EDITS
from foreview.workspace import Workspace, to_stderr
from foreview.yaml_files import read_yaml

if TYPE_CHECKING:
    from openlineage.client.event_v2 import RunEvent

    from foreview.changes import ChangeSet
    from foreview.impact import Impact
    from foreview.registry import Receipt, Step

NAMESPACE = "foreview"
"""The namespace of jobs and datasets, unless OPENLINEAGE_NAMESPACE names another."""

PRODUCER = f"urn:foreview:{__version__}"


@dataclass(frozen=True)
class Dataset:
    """A table or file in one version."""

    name: str
    version: str


@dataclass(frozen=True)
class Run:
    """One run of a job, whose events have the same id wherever they are sent from.

    Attributes:
        workspace: Where.
        job: `submit`, `what_if` or `promote`.
        about: What it is of; with the instant at which it began it makes the run's id.
        began_at: That instant.
        inputs: The datasets that it is known to read when it begins.
    """

    workspace: Workspace
    job: str
    about: str
    began_at: datetime
    inputs: tuple[Dataset, ...] = ()

    def tell(
        self,
        *states: str,
        inputs: Sequence[Dataset] = (),
        outputs: Sequence[Dataset] = (),
        error: str = "",
    ) -> None:
        """Send an event for each state, or warn on stderr that they can't be sent.

        Args:
            states: `START`, `COMPLETE`, `FAIL` or `ABORT`, in their order.
            inputs: More datasets that it read.
            outputs: The datasets that it wrote.
            error: What went wrong.
        """
        try:
            if is_configured(os.environ, Path.cwd(), Path.home()):
                read = (*self.inputs, *inputs)
                _send(_event(self, one, read, outputs, error) for one in states)
        except Exception as problem:  # whatever a transport raises: the work is done all the same
            _warn(self.job, problem)


def is_configured(environment: Mapping[str, str], folder: Path, home: Path) -> bool:
    """Return whether OpenLineage's settings say where events go, as its client reads them.

    The client prints events where they don't; so this is found out before it is imported.

    Args:
        environment: The process's environment.
        folder: The working directory.
        home: The user's.

    Raises:
        OSError: A settings file can't be read.
        yaml.YAMLError: It is no YAML.
    """
    if environment.get("OPENLINEAGE_DISABLED", "").strip().lower() == "true":
        return False
    if environment.get("OPENLINEAGE_URL"):
        return True
    if any(one.startswith("OPENLINEAGE__TRANSPORT") for one in environment):
        return True
    named = environment.get("OPENLINEAGE_CONFIG")
    places = [folder / "openlineage.yml", home / ".openlineage" / "openlineage.yml"]
    if named:
        places.insert(0, Path(named))
    path = next((one for one in places if one.is_file()), None)
    return path is not None and "transport" in _settings(path)


def _settings(path: Path) -> Mapping[str, Any]:
    found = read_yaml(path)
    return found if isinstance(found, dict) else {}


SECONDS_TO_CLOSE = 10
"""How long a transport that sends meanwhile may take to send the rest."""


def _send(events: Iterable[RunEvent]) -> None:
    from openlineage.client.client import OpenLineageClient

    client = OpenLineageClient()
    try:
        for event in events:
            client.emit(event)
    finally:
        client.close(SECONDS_TO_CLOSE)


def _event(
    run: Run, state: str, inputs: Sequence[Dataset], outputs: Sequence[Dataset], error: str
) -> RunEvent:
    from openlineage.client import event_v2
    from openlineage.client.facet_v2 import dataset_version_dataset, error_message_run
    from openlineage.client.uuid import generate_static_uuid

    namespace = os.environ.get("OPENLINEAGE_NAMESPACE") or NAMESPACE

    def version(one: Dataset) -> dict[str, Any]:
        facet = dataset_version_dataset.DatasetVersionDatasetFacet(one.version, producer=PRODUCER)
        return {"version": facet}

    id_ = generate_static_uuid(run.began_at, f"{namespace} {run.job} {run.about}".encode())
    facets: dict[str, Any] = {}
    if error:
        facets["errorMessage"] = error_message_run.ErrorMessageRunFacet(
            message=error, programmingLanguage="python", producer=PRODUCER
        )
    return event_v2.RunEvent(
        eventType=event_v2.RunState[state],
        eventTime=run.workspace.clock().isoformat(),
        run=event_v2.Run(str(id_), facets),
        job=event_v2.Job(namespace, run.job),
        inputs=[event_v2.InputDataset(namespace, one.name, facets=version(one)) for one in inputs],
        outputs=[
            event_v2.OutputDataset(namespace, one.name, facets=version(one)) for one in outputs
        ],
        producer=PRODUCER,
    )


def _warn(job: str, error: Exception) -> None:
    reason = " ".join(str(error).split()).rstrip(".") or type(error).__name__
    message = f"The lineage events of {job} were not sent: {reason}."
    fix = "Nothing else is wrong. Check OpenLineage's settings, and that its server is up."
    problem = Problem("lineage-not-sent", message, value=job, fix=fix)
    to_stderr(f"{problem.message} [{problem.rule}]\n    {problem.fix}")


# The jobs


def tell_submission(workspace: Workspace, change_set: ChangeSet) -> None:
    """Tell that a change set was recorded: from a file, or from rows that a rollback compared."""
    source = (
        [Dataset(f"submitted/{change_set.source_name}", change_set.source_hash)]
        if change_set.source_hash
        else _dimensions(workspace, change_set.dimensions, change_set.base_release)
    )
    run = Run(workspace, "submit", change_set.id, workspace.clock(), tuple(source))
    run.tell("START", "COMPLETE", outputs=[_pending(workspace, [change_set.id])])


@contextmanager
def preview_told(
    workspace: Workspace, change_sets: Sequence[ChangeSet]
) -> Iterator[Callable[[Impact], None]]:
    """Tell that a preview begins, and how it ended; yields what takes its impact."""
    ids = sorted(one.id for one in change_sets)
    rows = _dimensions(workspace, workspace.contracts, workspace.registry.latest_release())
    inputs = (_pending(workspace, ids), *rows)
    run = Run(workspace, "what_if", " ".join(ids), workspace.clock(), inputs)
    found: list[Impact] = []
    run.tell("START")
    try:
        yield found.append
    except Exception as error:
        run.tell("FAIL", error=str(error) or type(error).__name__)
        raise
    except BaseException:  # the user interrupted it
        run.tell("ABORT")
        raise
    (impact,) = found
    horizon = f"{impact.horizon_day}, batch {impact.horizon_batch}"
    viewing = Dataset(workspace.table("fct_viewing"), horizon)
    run.tell("COMPLETE", inputs=[viewing], outputs=[_impact(workspace, impact.checksum)])


def promotion_run(workspace: Workspace, begun: Step) -> Run:
    """Return the run of a promotion: the same, whichever process goes on with it."""
    ids = begun.detail["change_sets"]
    inputs = (_pending(workspace, ids), _impact(workspace, begun.detail["receipt"]))
    about = " ".join([str(begun.release), *ids])
    return Run(workspace, "promote", about, datetime.fromisoformat(begun.at), inputs)


def promoted(
    workspace: Workspace, change_set: ChangeSet, receipt: Receipt, release: int, publication: int
) -> list[Dataset]:
    """Return what a promotion wrote: the dimensions' rows, and the marts whose figures moved."""
    moved = [name for name, count in receipt.content.get("figures_moved", {}).items() if count]
    return [
        *_dimensions(workspace, change_set.dimensions, release),
        *(Dataset(workspace.table(name, "published"), str(publication)) for name in sorted(moved)),
    ]


def _dimensions(workspace: Workspace, names: Iterable[str], release: int) -> list[Dataset]:
    return [Dataset(workspace.table(f"dim_{one}"), str(release)) for one in sorted(names)]


def _pending(workspace: Workspace, ids: Sequence[str]) -> Dataset:
    return Dataset(workspace.table(PENDING_EDITS, "landing"), " ".join(sorted(ids)))


def _impact(workspace: Workspace, checksum: str) -> Dataset:
    """The impact of any scenario: one dataset, though each scenario has a schema of its own."""
    return Dataset(f"{workspace.schema}_what_if.impact", checksum)
