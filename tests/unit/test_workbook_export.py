"""What an analyst finds in an exported workbook."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from workbook_editing import STATION, Analyst, export, read, station, station_contract

from foreview.errors import EngineError, RefusedError
from foreview.workbook import layout, write_workbook


def rules_of(sheet: Any) -> dict[str, str]:
    return {str(rule.sqref): rule.formula1 for rule in sheet.data_validations.dataValidation}


def test_the_header_stays_in_sight_and_filters_cover_every_column(tmp_path: Path) -> None:
    analyst = Analyst(export(tmp_path / "w.xlsx", [station("A"), station("B")]))
    assert analyst.sheet.freeze_panes == "F2"
    assert analyst.sheet.auto_filter.ref == "A1:O3"
    assert analyst.sheet.column_dimensions["A"].hidden
    assert not analyst.sheet.protection.sheet
    assert [cell.value for cell in analyst.sheet[1]] == [
        "Row id", "Action", "Day", "Reason", "Station", "Name", "Network", "Owners", "Power",
        "Live", "Day (opened)", "Rank", "Weight", "True from", "True until",
    ]  # fmt: skip
    assert "The Network." in analyst.sheet["G1"].comment.text


def test_drop_downs_offer_actions_booleans_allowed_values_and_parents(tmp_path: Path) -> None:
    analyst = Analyst(export(tmp_path / "w.xlsx", [station("A"), station("B")]))
    assert rules_of(analyst.sheet) == {
        "B2:B1003": '"was always wrong,changed on a day,retire,delete,new row"',
        "G2:G1003": "'Network codes'!$A$2:$A$3",
        "I2:I1003": "'Allowed values'!$A$2:$A$3",
        "J2:J1003": '"TRUE,FALSE"',
    }
    codes = [[cell.value for cell in row] for row in analyst.book["Network codes"]]
    assert codes == [["Code", "Name"], ["007", "Seven"], ["=N", "Equals"]]
    assert analyst.book["Network codes"]["A3"].data_type == "s"
    assert analyst.book["Allowed values"]["A3"].value == "low, very"
    assert rules_of(analyst.book["Instructions"]) == {"B5": '"was always wrong,changed on a day"'}


def test_codes_look_as_they_are_and_nothing_becomes_a_formula(tmp_path: Path) -> None:
    codes = ["007", "=1+1", "+1", "-1", "@x", "#N/A", "2024-01-01", "1e5", "TRUE"]
    analyst = Analyst(export(tmp_path / "w.xlsx", [station(code) for code in codes]))
    for number, code in enumerate(codes, start=2):
        cell = analyst.cell(number, "station_id")
        assert (cell.value, cell.data_type, cell.number_format) == (code, "s", "@")


def test_a_value_of_blanks_only_is_spelled_so_that_excel_keeps_it(tmp_path: Path) -> None:
    path = export(tmp_path / "w.xlsx", [station("A", owners="  ", network_id="a\r\nb")])
    analyst = Analyst(path)
    assert analyst.cell(2, "owners").value == "_x0020_ "
    assert analyst.cell(2, "network_id").value == "a_x000D_\nb"
    values = read(path).rows[0].values
    assert (values["owners"], values["network_id"]) == ("  ", "a\r\nb")


def test_days_are_days_and_open_ends_are_blank(tmp_path: Path) -> None:
    row = station("A", opened="2024-02-29", rank="12", weight="1.50", is_live="false")
    analyst = Analyst(export(tmp_path / "w.xlsx", [row]))
    assert analyst.cell(2, "opened").value.date().isoformat() == "2024-02-29"
    assert analyst.cell(2, "opened").number_format == "yyyy-mm-dd"
    assert analyst.cell(2, "rank").value == 12
    assert analyst.cell(2, "weight").value == 1.5
    assert analyst.cell(2, "is_live").value == "FALSE"
    assert analyst.cell(2, "valid_from").value == "beginning"
    assert analyst.cell(2, "valid_to").value is None


def test_cells_to_be_typed_into_are_text_already(tmp_path: Path) -> None:
    analyst = Analyst(export(tmp_path / "w.xlsx", []))
    formats = analyst.sheet.column_dimensions
    assert formats["E"].number_format == "@"
    assert formats["C"].number_format == "yyyy-mm-dd"


def test_the_hidden_sheet_says_where_the_rows_come_from(tmp_path: Path) -> None:
    row = station("A|B", valid_from="2024-01-01")
    path = export(tmp_path / "w.xlsx", [row], part="network=007")
    assert openpyxl.load_workbook(path)[layout.HIDDEN].sheet_state == "veryHidden"
    workbook = read(path)
    assert (workbook.dimension, workbook.base_release) == ("station", 3)
    assert (workbook.contract_hash, workbook.part) == (STATION.hash, "network=007")
    row_id = layout.row_id(("A|B", "2024-01-01"))
    assert [*workbook.exported] == [row_id + layout.row_hash(STATION.sheet_columns, row)]


def test_a_row_has_the_same_id_in_every_export_and_excel_does_not_count_it_up() -> None:
    assert layout.row_id(("A", "1900-01-01")) == layout.row_id(("A", "1900-01-01"))
    assert layout.row_id(("A", "1900-01-01")) != layout.row_id(("B", "1900-01-01"))
    assert not set(layout.row_id(("A", "1900-01-01"))) & set("0123456789aeiou")


def test_a_value_that_excel_cannot_hold_is_refused_and_named(tmp_path: Path) -> None:
    rows = [station("A"), station("B", station_name="a\x01b"), station("C", owners="x" * 32_768)]
    with pytest.raises(RefusedError) as caught:
        export(tmp_path / "w.xlsx", rows)
    assert [(one.rule, one.where) for one in caught.value.problems] == [
        ("control-character", "row 2, Name"),
        ("value-too-long", "row 3, Owners"),
    ]
    assert list(tmp_path.iterdir()) == []


def test_more_rows_than_a_sheet_holds(tmp_path: Path) -> None:
    rows = [station("A")] * layout.EXCEL_ROWS  # the headings are a row too
    with pytest.raises(RefusedError, match="1,048,576 rows and the headings"):
        export(tmp_path / "w.xlsx", rows)
    assert list(tmp_path.iterdir()) == []


def test_a_label_that_excel_refuses_as_a_sheet_name_still_exports(tmp_path: Path) -> None:
    contract = station_contract("Stations [all]: north/south and a very long name")
    write_workbook(tmp_path / "w.xlsx", contract, [], base_release=1, parents={})
    assert read(tmp_path / "w.xlsx", contract).sheet == "Stations  all   north south and"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = export(tmp_path / "w.xlsx", [station("A")])
    before = path.read_bytes()
    with monkeypatch.context() as patched:
        patched.setattr(Path, "open", lambda *_: open("/dev/full", "wb"))  # noqa: PTH123, SIM115
        with pytest.raises(EngineError, match="No space left"):
            export(path, [station("B")])
    gc.collect()
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["w.xlsx"]


def test_a_disk_that_fills_up_while_rows_are_written_is_said_once(tmp_path: Path) -> None:
    script = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from workbook_editing import export, station\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (9000, 9000))\n"
        "try:\n"
        "    export(Path(sys.argv[1]), [station(str(n)) for n in range(2000)])\n"
        "except Exception as error:\n"
        "    print(type(error).__name__)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "w.xlsx")],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.stdout, run.stderr) == ("EngineError\n", "")
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="No such file"):
        export(tmp_path / "none" / "w.xlsx", [])
    gc.collect()
