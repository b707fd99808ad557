"""What a workbook is taken to say, and which files are turned away."""

from __future__ import annotations

import io
import shutil
import zipfile
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from workbook_editing import ACTION, STATION, Analyst, export, read, station

from foreview.contract import BEGINNING
from foreview.errors import RefusedError
from foreview.workbook import read_workbook


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return export(tmp_path / "w.xlsx", [station("A"), station("B"), station("C")])


def refusal(path: Path) -> tuple[str, ...]:
    with pytest.raises(RefusedError) as caught:
        read(path)
    assert all(problem.fix for problem in caught.value.problems)
    return tuple(problem.rule for problem in caught.value.problems)


def replace_part(path: Path, name: str, old: bytes, new: bytes) -> None:
    """Rewrite one part of a workbook's zip file."""
    packed = io.BytesIO()
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(packed, "w") as target:
        for entry in source.infolist():
            content = source.read(entry)
            if entry.filename == name:
                assert old in content
                content = content.replace(old, new)
            target.writestr(entry, content, zipfile.ZIP_DEFLATED)
    path.write_bytes(packed.getvalue())


class TestFiles:
    def test_a_file_that_is_no_workbook_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "w.xlsx"
        assert refusal(path) == ("file-not-found",)
        assert refusal(tmp_path) == ("file-not-found",)
        for content in (b"", b"id,name\n", b"PK", b"<html>"):
            path.write_bytes(content)
            assert refusal(path) == ("not-a-workbook",)
        path.write_bytes(b"PK\x03\x04" + b"x" * 100)
        assert refusal(path) == ("damaged-file",)

    def test_other_formats_say_to_save_as_xlsx(self, tmp_path: Path) -> None:
        path = tmp_path / "w.xlsx"
        magic = bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 512
        path.write_bytes(magic)
        assert refusal(path) == ("old-excel-file",)
        path.write_bytes(magic + "EncryptedPackage".encode("utf-16-le"))
        assert refusal(path) == ("encrypted-file",)
        for name, rule in (("content.xml", "other-format"), ("a.txt", "not-a-workbook")):
            with zipfile.ZipFile(path, "w") as archive:
                archive.writestr(name, "x")
            assert refusal(path) == (rule,)

    def test_a_file_that_unpacks_to_too_much_is_never_unpacked(self, path: Path) -> None:
        with pytest.raises(RefusedError, match="unpacks to"):
            read_workbook(path, {"station": STATION}, max_unpacked_bytes=20_000)
        with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("xl/bomb.xml", b" " * 30_000_000)
        assert refusal(path) == ("file-too-large",)

    def test_a_file_of_very_many_parts_is_refused(self, path: Path) -> None:
        with zipfile.ZipFile(path, "a") as archive:
            for number in range(2001):
                archive.writestr(f"xl/part{number}.xml", b"")
        assert refusal(path) == ("file-too-large",)

    def test_entities_are_not_expanded(self, path: Path) -> None:
        declared = b"<!DOCTYPE x [<!ENTITY a 'aaaaaaaaaa'>]><worksheet"
        replace_part(path, "xl/worksheets/sheet2.xml", b"<worksheet", declared)
        assert refusal(path) == ("damaged-file",)

    def test_a_cut_off_file_is_refused(self, path: Path) -> None:
        path.write_bytes(path.read_bytes()[:-2000])
        assert refusal(path) == ("damaged-file",)

    def test_another_program_s_workbook_is_refused(self, tmp_path: Path) -> None:
        openpyxl.Workbook().save(tmp_path / "w.xlsx")
        assert refusal(tmp_path / "w.xlsx") == ("not-exported",)

    def test_another_table_s_workbook_is_refused(self, path: Path) -> None:
        with pytest.raises(RefusedError, match="station") as caught:
            read_workbook(path, {"channel": STATION})
        assert caught.value.problems[0].rule == "unknown-dimension"
        assert "channel" in caught.value.problems[0].fix

    def test_a_workbook_of_another_version_is_refused(self, path: Path) -> None:
        book: Any = openpyxl.load_workbook(path)
        book["_foreview"]["B1"].value = "99"
        book.save(path)
        assert refusal(path) == ("other-version",)

    def test_a_lost_hidden_sheet_or_data_sheet_is_refused(self, path: Path, tmp_path: Path) -> None:
        other = tmp_path / "other.xlsx"
        for title, rule in (("_foreview", "not-exported"), ("Station", "sheet-missing")):
            shutil.copy(path, other)
            book: Any = openpyxl.load_workbook(other)
            del book[title]
            book.save(other)
            assert refusal(other) == (rule,)

    def test_a_wrong_size_in_the_file_hides_no_rows(self, path: Path) -> None:
        name = "xl/worksheets/sheet2.xml"
        replace_part(path, name, b'<dimension ref="A1:O4"', b'<dimension ref="A1"')
        assert [row.values["station_id"] for row in read(path).rows] == ["A", "B", "C"]


class TestHeadings:
    def test_missing_and_renamed_columns_are_all_named(self, path: Path) -> None:
        analyst = Analyst(path)
        analyst.cell(1, "network_id").value = "Net"
        analyst.cell(1, "valid_to").value = None
        analyst.save()
        with pytest.raises(RefusedError) as caught:
            read(path)
        assert [one.value for one in caught.value.problems] == ["Network", "True until"]
        assert "Station!G1" in caught.value.problems[0].message
        assert "Owners" in caught.value.problems[0].fix

    def test_a_heading_that_is_there_twice_is_refused(self, path: Path) -> None:
        analyst = Analyst(path)
        analyst.sheet["P1"].value = "network "
        assert refusal(analyst.save()) == ("column-twice",)

    def test_an_empty_sheet_is_refused(self, path: Path) -> None:
        analyst = Analyst(path)
        analyst.sheet.delete_rows(1, 10)
        assert refusal(analyst.save()) == ("no-headings",)

    def test_a_sheet_without_its_header_is_refused(self, path: Path) -> None:
        analyst = Analyst(path)
        analyst.sheet.delete_rows(1)
        assert refusal(analyst.save()) == ("no-headings",)

    def test_moved_and_added_columns_do_no_harm(self, path: Path) -> None:
        analyst = Analyst(path)
        analyst.sheet.move_range("G1:G4", cols=11)
        analyst.sheet["G1"].value = "My notes"
        analyst.sheet["G2"].value = "=1+1"
        analyst.sheet["R3"].value = "007"
        workbook = read(analyst.save())
        assert workbook.problems == ()
        assert workbook.rows[1].values["network_id"] == "007"
        assert workbook.cell(workbook.rows[1], "network_id") == "Station!R3"


class TestCells:
    def cell(self, path: Path, name: str, value: Any, number_format: str = "General") -> Any:
        """Return what one cell is read as, or its problem."""
        analyst = Analyst(path)
        cell = analyst.cell(2, name)
        cell.number_format = number_format
        cell.value = value
        workbook = read(analyst.save())
        if workbook.problems:
            (problem,) = workbook.problems
            assert problem.where == analyst.address(2, name)
            assert problem.fix
            assert name in workbook.rows[0].unreadable
            return problem.rule
        return workbook.rows[0].values[name]

    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            ("007", "007"),
            ("NA", "NA"),
            ("None", "None"),
            (" x ", " x "),
            (7, "7"),
            (7.0, "7"),
            (-7, "-7"),
            (123456789012345, "123456789012345"),
            (1234567890123456, "number-too-long"),
            (12345678901234567890, "number-too-long"),
            (1e300, "number-too-long"),
            (1.5, "number-for-text"),
            (True, "not-text"),
            ("=A1", "formula"),
            ("#N/A", "error-value"),
            (datetime(2024, 1, 2), "date-for-text"),
            (date(2024, 1, 2), "date-for-text"),
            (time(1, 2), "date-for-text"),
            ("_x0041_", "A"),
            ("_x005F_x0041_", "_x0041_"),
            ("_x0001_", "control-character"),
            (None, None),
        ],
    )
    def test_text_is_kept_or_the_cell_is_named(
        self, path: Path, value: Any, expected: str | None
    ) -> None:
        assert self.cell(path, "network_id", value) == expected

    def test_a_number_that_is_shown_otherwise_is_not_guessed_at(self, path: Path) -> None:
        assert self.cell(path, "network_id", 7, "00000") == "number-for-text"
        assert self.cell(path, "network_id", 100000, "0.00E+00") == "number-for-text"

    @pytest.mark.parametrize(
        ("name", "value", "expected"),
        [
            ("is_live", True, "TRUE"),
            ("is_live", "false", "false"),
            ("rank", 7.0, "7"),
            ("rank", 7.5, "7.5"),
            ("rank", True, "not-text"),
            ("weight", 0.1, "0.1"),
            ("weight", 1e-7, "0.0000001"),
            ("opened", datetime(2024, 1, 2), "2024-01-02"),
            ("opened", datetime(2024, 1, 2, 3), "not-a-date"),
            ("opened", time(3), "not-a-date"),
            ("opened", 45000, "not-a-date"),
            ("opened", "2 Jan", "2 Jan"),
            ("valid_from", "beginning", BEGINNING),
            ("valid_from", " Beginning", BEGINNING),
            ("valid_to", "beginning", "beginning"),
        ],
    )
    def test_typed_columns_take_what_excel_makes_of_typing(
        self, path: Path, name: str, value: Any, expected: str
    ) -> None:
        assert self.cell(path, name, value) == expected

    def test_workbooks_of_the_1904_date_system_keep_their_days(self, path: Path) -> None:
        analyst = Analyst(path)
        analyst.book.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904
        analyst.cell(2, "opened").value = date(2024, 1, 2)
        with zipfile.ZipFile(analyst.save()) as archive:
            assert b'date1904="1"' in archive.read("xl/workbook.xml")
        assert read(path).rows[0].values["opened"] == "2024-01-02"

    def test_shared_strings_as_excel_writes_them_are_read_whole(self, path: Path) -> None:
        strings = (
            b'<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
            b"<si><t>ax005F_b _x005F_x0041_ _x000D_</t></si></sst>"
        )
        name = "xl/worksheets/sheet2.xml"
        old = b't="inlineStr"><is><t xml:space="preserve">A name</t></is>'
        replace_part(path, name, old, b't="s"><v>0</v>')
        kind = b"application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
        part = b'<Override PartName="/xl/sharedStrings.xml" ContentType="' + kind + b'"/></Types>'
        replace_part(path, "[Content_Types].xml", b"</Types>", part)
        kind = b"http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings"
        link = b'<Relationship Id="s" Type="' + kind + b'" Target="sharedStrings.xml"/>'
        end = b"</Relationships>"
        replace_part(path, "xl/_rels/workbook.xml.rels", end, link + end)
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr("xl/sharedStrings.xml", strings)
        assert read(path).rows[0].values["station_name"] == "ax005F_b _x0041_ \r"

    def test_every_bad_cell_is_named_at_once(self, path: Path) -> None:
        analyst = Analyst(path)
        analyst.cell(2, "rank").value = "=1+1"
        analyst.cell(4, ACTION).value = "#REF!"
        analyst.cover("Day for all rows", True)
        assert [one.where for one in read(analyst.save()).problems] == [
            "Instructions!B6", "Station!L2", "Station!B4",
        ]  # fmt: skip


class TestRows:
    def test_blank_rows_are_skipped_and_addresses_stay_right(self, path: Path) -> None:
        analyst = Analyst(path)
        analyst.sheet.insert_rows(3, 2)
        analyst.type(9, station_id="D")
        workbook = read(analyst.save())
        assert [(row.number, row.values["station_id"]) for row in workbook.rows] == [
            (2, "A"), (5, "B"), (6, "C"), (9, "D"),
        ]  # fmt: skip
        assert workbook.rows[3].row_id is None

    def test_the_cover_s_defaults_are_read(self, path: Path) -> None:
        analyst = Analyst(path)
        analyst.cover("Action for all rows", "changed on a day")
        analyst.cover("Day for all rows", date(2026, 5, 2))
        analyst.cover("Reason for all rows", "Because")
        defaults = read(analyst.save()).defaults
        assert (defaults.action, defaults.day) == ("changed on a day", "2026-05-02")
        assert defaults.reason == "Because"

    def test_a_workbook_without_its_cover_has_no_defaults(self, path: Path) -> None:
        analyst = Analyst(path)
        del analyst.book["Instructions"]
        assert read(analyst.save()).defaults.action is None
