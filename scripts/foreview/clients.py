"""Who uses the figures: the exposures of the dbt project, with their owners."""

from __future__ import annotations

import re
from dataclasses import dataclass

from foreview.workspace import Workspace
from foreview.yaml_files import read_yaml


@dataclass(frozen=True)
class Client:
    """One exposure.

    Attributes:
        name: Its label.
        owner: Whom to tell.
        email: How.
        products: The marts that it depends on.
    """

    name: str
    owner: str
    email: str
    products: frozenset[str]


def read_clients(workspace: Workspace) -> dict[str, Client]:
    """Return all exposures of the dbt project by their name there."""
    found = {}
    for path in sorted((workspace.project / "models").rglob("*.yml")):
        document = read_yaml(path) or {}
        for one in document.get("exposures", []):
            named = (re.findall(r"['\"](\w+)['\"]", ref) for ref in one.get("depends_on", []))
            found[one["name"]] = Client(
                one.get("label", one["name"]),
                one["owner"].get("name", ""),
                one["owner"].get("email", ""),
                frozenset(names[-1] for names in named if names),
            )
    return found


def clients_of(workspace: Workspace, product: str) -> list[Client]:
    """Return who uses a product."""
    return [one for one in read_clients(workspace).values() if product in one.products]
