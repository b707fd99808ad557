"""An annotated copy has every problem at its cell, and the analyst's edits as they were."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.comments import Comment
from workbook_editing import ACTION, Analyst, export, read, station, submit

from foreview.errors import Problem
from foreview.workbook.annotate import write_annotated
from foreview.workbook.inspection import inspect_workbook

ROWS = [station("A", network_id="007", rank="1"), station("B"), station("C")]


@pytest.fixture
def edited(tmp_path: Path) -> Path:
    analyst = Analyst(export(tmp_path / "w.xlsx", ROWS))
    analyst.type(2, network_id=" =8_x000D_", rank="seven", **{ACTION: "was always wrong"})
    analyst.type(3, station_name="Other")
    analyst.cell(3, "station_name").comment = Comment("from the memo", "Ana")
    return analyst.save()


def problems_of(path: Path) -> list[Problem]:
    return submit(path, ROWS)[1]


def annotated(path: Path, problems: list[Problem]) -> Path:
    copy = path.with_name("copy.xlsx")
    write_annotated(path, problems, copy)
    return copy


def test_errors_are_listed_with_links_coloured_and_commented(edited: Path) -> None:
    problems = problems_of(edited)
    assert {one.where for one in problems} == {"Station!L2", "Station!B3"}
    book: Any = openpyxl.load_workbook(annotated(edited, problems))
    listed = [[cell.value for cell in row] for row in book["Errors"].iter_rows(min_row=2)]
    assert listed == [
        [one.where, one.message, one.fix, one.rule, one.value or None] for one in sorted(problems)
    ]
    assert book["Errors"]["A2"].hyperlink.location == "'Station'!B3"
    sheet = book["Station"]
    assert sheet["L2"].comment.text == f"Error: {problems[0].message} {problems[0].fix}"
    assert sheet["F3"].comment.text == "from the memo"
    (coloured,) = sheet.conditional_formatting
    assert set(str(coloured.sqref).split()) == {"B3", "L2"}
    (rule,) = coloured.rules
    assert rule.dxf.fill.bgColor.rgb == "FFFFC7CE"


def test_the_analyst_s_edits_and_all_other_parts_stay_as_they_are(edited: Path) -> None:
    problems = problems_of(edited)
    copy = annotated(edited, problems)
    before, after = read(edited), read(copy)
    assert (after.rows, after.defaults, after.problems) == (
        before.rows,
        before.defaults,
        before.problems,
    )
    assert problems_of(copy) == problems
    with zipfile.ZipFile(edited) as old, zipfile.ZipFile(copy) as new:
        same = {one for one in old.namelist() if old.read(one) == new.read(one)}
        assert len(old.namelist()) - len(same) <= 7
        assert set(new.namelist()) - set(old.namelist()) == {"xl/worksheets/foreview_errors.xml"}


def test_what_is_mended_in_the_copy_is_no_longer_marked(edited: Path) -> None:
    copy = annotated(edited, problems_of(edited))
    with_fix = Analyst(copy)  # openpyxl saves it anew, as Excel would
    with_fix.type(2, rank="7")
    with_fix.save()
    again = annotated(copy, problems_of(copy))
    book: Any = openpyxl.load_workbook(again)
    assert [row[0].value for row in book["Errors"].iter_rows(min_row=2)] == ["Station!B3"]
    assert [str(one.sqref) for one in book["Station"].conditional_formatting] == ["B3"]
    assert book["Station"]["L2"].comment is None
    assert book["Station"]["F3"].comment.text == "from the memo"
    with_fix = Analyst(again)
    with_fix.type(3, **{ACTION: "was always wrong"})
    edits, problems = submit(with_fix.save(), ROWS)
    assert problems == []
    assert [edit.notes for edit in edits] == [{}, {"station_name": "comment: from the memo"}]


def test_the_copy_of_a_copy_has_one_drawing_for_each_comment(edited: Path) -> None:
    problems = problems_of(edited)
    copy = annotated(edited, problems)
    again = copy.with_name("again.xlsx")
    write_annotated(copy, problems[:1], again)
    with zipfile.ZipFile(again) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    drawings = [xml.count(b":Row>") // 2 for name, xml in parts.items() if name.endswith(".vml")]
    comments = [xml.count(b"<comment ") for name, xml in parts.items() if "/comments" in name]
    assert sum(drawings) == sum(comments) > 1


def test_an_error_that_looks_like_a_formula_or_like_xml_stays_text(edited: Path) -> None:
    nasty = Problem("x", "<b>&'\"", "Station!E2", '=HYPERLINK("http://x")\x01', "=1+1")
    copy = annotated(edited, [nasty])
    row = [cell.value for cell in openpyxl.load_workbook(copy)["Errors"][2]]
    assert row == ["Station!E2", "<b>&'\"", "=1+1", "x", '=HYPERLINK("http://x")\ufffd']
    facts = next(one for one in inspect_workbook(copy).sheets if one.name == "Errors")
    assert (facts.formulas, set(facts.cells)) == (0, {"string"})


def test_a_workbook_of_another_program_gets_the_sheet_of_errors(tmp_path: Path) -> None:
    path = tmp_path / "other.xlsx"
    openpyxl.Workbook().save(path)
    copy = annotated(path, [Problem("x", "Wrong.", "Sheet!A1", "", "Mend it.")])
    book: Any = openpyxl.load_workbook(copy)
    assert book.sheetnames == ["Sheet", "Errors"]
    assert [str(one.sqref) for one in book["Sheet"].conditional_formatting] == ["A1"]
