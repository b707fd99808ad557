"""Reading the project's YAML files, by libyaml: several times as fast as PyYAML's own reader."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def properties_files(folder: Path) -> list[Path]:
    """Return the files below a folder of models that dbt reads as their properties, in order."""
    return sorted(path for path in folder.rglob("*") if path.suffix in (".yml", ".yaml"))


def read_yaml(path: Path) -> Any:
    """Return what a file holds.

    Raises:
        yaml.YAMLError: It is no YAML.
    """
    return parse_yaml(path.read_text(encoding="utf-8"))


def parse_yaml(text: str) -> Any:
    """Return what a text of YAML holds.

    Raises:
        yaml.YAMLError: It is none.
    """
    import yaml

    return yaml.load(text, yaml.CSafeLoader)
