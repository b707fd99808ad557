"""Calls of the project's macros on its own graph, without an engine: nothing connects."""

from __future__ import annotations

import copy
from argparse import Namespace
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from conftest import make_workspace
from foreview.dbt_project import _invoke
from foreview.workspace import Workspace


class Macros:
    """A project as dbt parsed it."""

    def __init__(self, workspace: Workspace, manifest: Any) -> None:
        from dbt.adapters.factory import get_adapter, register_adapter, reset_adapters
        from dbt.config.runtime import RuntimeConfig
        from dbt.context.providers import generate_runtime_macro_context
        from dbt.flags import set_from_args

        given = Namespace(
            project_dir=str(workspace.dbt_folder),
            profiles_dir=str(workspace.project),
            target="local",
            profile=None,
            vars={},
            threads=None,
            which="run",
        )
        set_from_args(given, None)
        config = RuntimeConfig.from_args(given)
        reset_adapters()
        register_adapter(config, get_context("spawn"))
        self._adapter: Any = get_adapter(config)
        self._adapter.set_macro_resolver(manifest)
        self._adapter.set_macro_context_generator(generate_runtime_macro_context)
        manifest.build_flat_graph()
        self.workspace = workspace
        self._manifest = manifest
        self._graph = copy.deepcopy(manifest.flat_graph)

    def forget(self) -> None:
        """Take back what a test did to the graph, and what macros keep in it."""
        self._manifest.flat_graph.clear()
        self._manifest.flat_graph.update(copy.deepcopy(self._graph))

    def forget_kept(self, name: str) -> None:
        """Take back one thing that macros keep in the graph."""
        self._manifest.flat_graph.pop(name, None)

    @contextmanager
    def changed_macro(self, name: str) -> Iterator[None]:
        """The project with another text of a macro."""
        macro = self._manifest.macros[f"macro.foreview.{name}"]
        text = macro.macro_sql
        macro.macro_sql = text + " "
        try:
            yield
        finally:
            macro.macro_sql = text

    @property
    def nodes(self) -> dict[str, Any]:
        """The nodes that macros see, by id."""
        nodes: dict[str, Any] = self._manifest.flat_graph["nodes"]
        return nodes

    def node(self, name: str, kind: str = "model") -> dict[str, Any]:
        """Return a node of the project as macros see it."""
        node: dict[str, Any] = self.nodes[f"{kind}.foreview.{name}"]
        return node

    def add(self, node: Mapping[str, Any], name: str, sql: str, **changes: Any) -> dict[str, Any]:
        """Put a copy of a model into the graph, under another name and with other SQL."""
        added: dict[str, Any] = copy.deepcopy(dict(node))
        unique_id = f"model.foreview.{name}"
        added |= {"name": name, "alias": name, "unique_id": unique_id, "raw_code": sql, **changes}
        self.nodes[unique_id] = added
        return added

    def call(
        self, macro: str, context: Mapping[str, Any] | None = None, /, **arguments: Any
    ) -> Any:
        """Return what a macro returns; `context` stands in for what asks the engine."""
        return self._adapter.execute_macro(
            macro, context_override=dict(context or {}), kwargs=arguments
        )


@cache
def macros() -> Macros:
    """Return the project, parsed once for all tests of a process."""
    workspace = make_workspace(Path(mkdtemp()), "unparsed")
    parsed = _invoke(workspace, ["parse"], None)
    assert parsed.success, parsed.exception
    return Macros(workspace, parsed.result)
