"""Who uses the figures: the exposures of the dbt project, with their owners.

An exposure uses a mart also through models that are built on it. What is built on what says dbt's
manifest, where there is one; the SQL of the models says it too, so that one that is not there yet,
or older than a model, hides nobody.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from foreview.workspace import Workspace
from foreview.yaml_files import properties_files, read_yaml


@dataclass(frozen=True)
class Client:
    """One exposure.

    Attributes:
        name: Its label.
        owner: Whom to tell.
        email: How.
        products: The models that it depends on, and those that these are built on: marts too.
    """

    name: str
    owner: str
    email: str
    products: frozenset[str]

    def told(self) -> str:
        """Return it as people read it."""
        return f"{self.name} ({self.owner}, {self.email})"


def read_clients(workspace: Workspace) -> dict[str, Client]:
    """Return all exposures of the dbt project by their name there."""
    found = {}
    parents = _parents(workspace)
    for path in properties_files(workspace.project / "models"):
        for one in (read_yaml(path) or {}).get("exposures") or []:
            found[one["name"]] = Client(
                one.get("label", one["name"]),
                one["owner"].get("name", ""),
                one["owner"].get("email", ""),
                _with_ancestors(_referred(" ".join(one.get("depends_on") or [])), parents),
            )
    return found


def clients_of(workspace: Workspace, product: str) -> list[Client]:
    """Return who uses a product."""
    return [one for one in read_clients(workspace).values() if product in one.products]


def _referred(text: str) -> set[str]:
    """Return the models that a text names in `ref`; of two names the first is the package's."""
    calls = re.findall(r"\bref\(([^)]*)\)", text)
    named = (re.findall(r"""(?<![=\w])\s*['"](\w+)['"]""", one) for one in calls)
    return {names[-1] for names in named if names}


def _parents(workspace: Workspace) -> dict[str, set[str]]:
    """Return the models that each model is built on."""
    found: dict[str, set[str]] = {}
    for path in (workspace.project / "models").rglob("*.sql"):
        found[path.stem] = _referred(path.read_text(encoding="utf-8"))
    manifest = workspace.home / "target" / "manifest.json"
    if manifest.is_file():
        known = json.loads(manifest.read_text(encoding="utf-8")).get("parent_map", {})
        for node, parents in known.items():
            if node.startswith("model."):
                models = {one.rpartition(".")[2] for one in parents if one.startswith("model.")}
                found.setdefault(node.rpartition(".")[2], set()).update(models)
    return found


def _with_ancestors(names: Iterable[str], parents: Mapping[str, Iterable[str]]) -> frozenset[str]:
    found: set[str] = set()
    waiting = set(names)
    while waiting:
        one = waiting.pop()
        found.add(one)
        waiting |= set(parents.get(one, ())) - found
    return frozenset(found)
