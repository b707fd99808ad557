"""The documents say what the code does: commands, rule codes, links."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from foreview.cli import app

PROJECT = Path(__file__).parents[2]
PACKAGE = PROJECT / "scripts" / "foreview"
DOCUMENTS = sorted([*PROJECT.glob("*.md"), *(PROJECT / "docs").rglob("*.md")])
RULE_NAMES = ("rule", "code")


def read(name: str) -> str:
    return (PROJECT / name).read_text(encoding="utf-8")


def test_the_readme_names_every_command_and_no_other() -> None:
    commands = set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
    named = set(re.findall(r"\bforeview ([a-z][a-z-]*)", read("README.md")))
    assert named == commands


def test_the_page_of_errors_names_every_rule_that_the_code_raises_and_no_other() -> None:
    headings = re.findall(r"^### `([^`]+)`$", read("docs/errors.md"), re.MULTILINE)
    assert len(headings) == len(set(headings)), "a rule is explained twice"
    assert set(headings) == rules_raised()


def test_the_page_of_marts_names_every_period_that_may_be_declared() -> None:
    macros = read("macros/what_if/periods.sql")
    (listed,) = re.findall(r"macro periods\(\).*?return\((\[.*?\])\)", macros, re.DOTALL)
    (row,) = re.findall(r"^\| `period` \|.*$", read("docs/adding-a-mart.md"), re.MULTILINE)
    periods = set(ast.literal_eval(listed)) - {"now"}
    assert periods == {"day", "week", "airing"}
    assert all(f"`{one}`" in row for one in periods)


def test_every_rule_says_why_and_how_to_fix() -> None:
    _, *sections = re.split(r"^### ", read("docs/errors.md"), flags=re.MULTILINE)
    short = [one.split("\n")[0] for one in sections if "Why:" not in one or "Fix:" not in one]
    assert short == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_of_a_document_lead_somewhere(document: Path) -> None:
    text = re.sub(r"```.*?```", "", document.read_text(encoding="utf-8"), flags=re.DOTALL)
    broken = []
    for link in re.findall(r"\[[^\]]*\]\(([^)\s]+)\)", text):
        place, _, anchor = link.partition("#")
        if re.match(r"[a-z]+:", place):
            continue
        target = document.parent / place if place else document
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


def anchors(document: Path) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", one.lower()).replace(" ", "-") for one in headings}


# Rule codes: the constants that reach `Problem`'s first argument, directly or through a function,
# class or table that passes on a parameter, field or loop variable named `rule` or `code`.


def rules_raised() -> set[str]:
    return {rule for path in sorted(PACKAGE.rglob("*.py")) for rule in rules_of(path)}


def rules_of(path: Path) -> Iterator[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    places = {"Problem": 0} | dict(passing_on(tree)) | IMPORTED
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if name in places and name != "__init__":
                yield from constants(rule_argument(node, places[name]), f"{path}:{node.lineno}")
        elif isinstance(node, ast.For) and isinstance(node.target, ast.Tuple):
            yield from rules_of_table(tree, node.target, node.iter)


IMPORTED = {"UnreadableCellError": 0, "Rule": 0, "read_frame": 2}
"""What carries a rule from one module to another, with its place among the arguments."""


def passing_on(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Yield functions and classes that take a rule, with its position among the arguments."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            names = [one.arg for one in node.args.args if one.arg not in ("self", "cls")]
        elif isinstance(node, ast.ClassDef):
            fields = [one for one in node.body if isinstance(one, ast.AnnAssign)]
            names = [one.target.id for one in fields if isinstance(one.target, ast.Name)]
        else:
            continue
        for position, name in enumerate(names):
            if name in RULE_NAMES:
                yield node.name, position


def rule_argument(call: ast.Call, position: int) -> ast.expr:
    for keyword in call.keywords:
        if keyword.arg in RULE_NAMES:
            return keyword.value
    return call.args[position]


def constants(value: ast.expr, where: str) -> Iterator[str]:
    if isinstance(value, ast.Constant):
        yield str(value.value)
    elif isinstance(value, ast.IfExp):
        yield from constants(value.body, where)
        yield from constants(value.orelse, where)
    else:
        name = getattr(value, "id", getattr(value, "attr", ""))
        assert name in RULE_NAMES, f"{where}: this test can't see which rule this is"


def rules_of_table(tree: ast.Module, target: ast.Tuple, table: ast.expr) -> Iterator[str]:
    names = [getattr(one, "id", "") for one in target.elts]
    if "rule" not in names or not isinstance(table, ast.Name):
        return
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Tuple):
            assigned = node.targets[0] if isinstance(node, ast.Assign) else node.target
            if isinstance(assigned, ast.Name) and assigned.id == table.id:
                for row in ast.literal_eval(node.value):
                    yield str(row[names.index("rule")])
