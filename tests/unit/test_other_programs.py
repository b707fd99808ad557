"""A workbook that another program saved, with no edit, changes nothing."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from zipfile import ZipFile

import pytest
from workbook_editing import PARENTS, STATION, station

from conftest import PROJECT
from foreview.changes import Row, make_state
from foreview.contract import Contract, load_contracts
from foreview.generate.airings import airing_rows
from foreview.generate.market import open_keys, sample_rows
from foreview.viewing import BroadcastCalendar
from foreview.workbook import edits_of, read_workbook, write_workbook

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
SOFFICE = shutil.which("soffice") or shutil.which("libreoffice")

HOSTILE = {
    "leading zeros": "007",
    "missing words": "NA",
    "None": "None",
    "NULL": "NULL",
    "truth": "TRUE",
    "a long id": "12345678901234567890",
    "a date in disguise": "MAR1",
    "a scientific number": "1E5",
    "a fraction": "1/2",
    "a formula": "=1+1",
    "a command": "@SUM(A1)",
    "a plus": "+1",
    "a minus": "-1",
    "an apostrophe": "'quoted",
    "a tab": "a\tb",
    "blanks": "  both sides  ",
    "a no-break space": "a\u00a0b",
    "zero width": "a\u200bb",
    "smart quotes": "\u201cquoted\u201d",
    "full width": "\uff21\uff22\uff23",
    "composed": "\u00e9",
    "decomposed": "e\u0301",
    "right to left": "\u05e9\u05dc\u05d5\u05dd",
    "beyond the plane": "\U0001f4fa",
    "two lines": "one\ntwo",
    "a number as text": "7.0",
    "a comma decimal": "7,5",
    "a broadcast clock": "25:30",
    "an error": "#N/A",
    "an escape": "_x0041_",
    "markup": "<b>&amp;</b>",
    "a long text": "x" * 20_000,
}


def sample() -> dict[str, Sequence[Row]]:
    """Rows of every dimension."""
    tables: dict[str, Sequence[Row]] = dict(sample_rows(7))
    tables["airing"] = airing_rows(
        7,
        channel_ids=open_keys(tables["channel"], "channel_id")[:3],
        programme_ids=open_keys(tables["programme"], "programme_id"),
        first_day=date(2026, 4, 1),
        days=2,
        calendar=BroadcastCalendar("America/New_York", "05:00"),
    )
    return tables


def saved_by_libreoffice(folder: Path, files: Sequence[Path]) -> Path:
    """Return the folder with the files as LibreOffice opened and saved them."""
    assert SOFFICE is not None
    target, profile = folder / "saved", folder / "profile"
    command = [SOFFICE, "--headless", f"-env:UserInstallation={profile.as_uri()}"]
    command += ["--convert-to", "xlsx:Calc MS Excel 2007 XML", "--outdir", str(target)]
    subprocess.run([*command, *map(str, files)], check=True, capture_output=True, timeout=300)
    return target


_SHARED_STRINGS = (
    "http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml",
)


def as_google_writes(path: Path) -> Path:
    """Write a workbook again in the shape of Google's files.

    As in `readxl/iris-google-doc.xlsx` and `frictionless/sheets.xlsx` of the strange files: strings
    are shared, whole numbers have a decimal, no sheet says its extent or is hidden very much, and
    there are no properties of the document.
    """
    places: dict[str, int] = {}

    def shared(found: re.Match[str]) -> str:
        return f' t="s"><v>{places.setdefault(found[1], len(places))}</v>'

    with ZipFile(path) as source:
        parts = {
            name: source.read(name).decode()
            for name in source.namelist()
            if not name.startswith("docProps/")
        }
    for name, text in parts.items():
        if name.startswith("xl/worksheets/sheet"):
            text = re.sub(r"<dimension [^>]*>", "", text)
            text = re.sub(r' t="inlineStr"><is>(.*?)</is>', shared, text, flags=re.DOTALL)
            number = r'(<c r="[A-Z]+[0-9]+"(?: s="[0-9]+")?(?: t="n")?>)<v>(-?[0-9]+)</v>'
            parts[name] = re.sub(number, r"\1<v>\2.0</v>", text)
    kind, content = _SHARED_STRINGS
    link = f'<Relationship Id="strings" Type="{kind}" Target="sharedStrings.xml"/>'
    listed = f'<Override PartName="/xl/sharedStrings.xml" ContentType="{content}"/>'
    for name, end, more in (
        ("xl/_rels/workbook.xml.rels", "</Relationships>", link),
        ("[Content_Types].xml", "</Types>", listed),
    ):
        parts[name] = parts[name].replace(end, more + end)
    parts["xl/workbook.xml"] = parts["xl/workbook.xml"].replace("veryHidden", "hidden")
    strings = "".join(f"<si>{text}</si>" for text in places)
    parts["xl/sharedStrings.xml"] = (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
        f'<sst xmlns="{MAIN}">{strings}</sst>'
    )
    with ZipFile(path, "w") as target:
        for name, text in parts.items():
            target.writestr(name, text)
    return path


def exported(folder: Path) -> tuple[Mapping[str, Contract], dict[str, Sequence[Row]], list[Path]]:
    """Export every table, and one with all that is hostile; return rules, rows and files."""
    contracts: Mapping[str, Contract] = {**load_contracts(PROJECT), "station": STATION}
    tables = sample()
    assert tables.keys() >= contracts.keys() - {"station", "channel_key"}
    tables["station"] = [
        station(f"{number:02} {text}"[:200], station_name=text, network_id=text)
        for number, text in enumerate(HOSTILE.values())
    ]
    tables["station"] += [
        station("typed", is_live="false", opened="2024-02-29", rank="-7", weight="12345.60"),
        station("early", opened="1899-12-31", valid_from="2020-01-01", valid_to="2024-01-01"),
    ]
    files = []
    for name, rows in tables.items():
        files.append(folder / f"{name}.xlsx")
        write_workbook(files[-1], contracts[name], rows, base_release=3, parents=PARENTS)
    return contracts, tables, files


def assert_unchanged(
    folder: Path, contracts: Mapping[str, Contract], tables: Mapping[str, Sequence[Row]]
) -> None:
    for name, rows in tables.items():
        (workbook,) = read_workbook(folder / f"{name}.xlsx", contracts)
        assert len(workbook.rows) + sum(map(bool, workbook.exported.values())) == len(rows), name
        edits, problems = edits_of(workbook, contracts[name], make_state(contracts[name], rows))
        assert (edits, problems) == ([], []), name


@pytest.mark.skipif(SOFFICE is None, reason="LibreOffice is not here; make test installs it")
def test_opened_and_saved_in_libreoffice_without_an_edit_is_no_change(tmp_path: Path) -> None:
    contracts, tables, files = exported(tmp_path)
    assert_unchanged(saved_by_libreoffice(tmp_path, files), contracts, tables)


def test_in_the_shape_of_googles_files_without_an_edit_is_no_change(tmp_path: Path) -> None:
    contracts, tables, files = exported(tmp_path)
    for path in files:
        as_google_writes(path)
    with ZipFile(tmp_path / "station.xlsx") as archive:
        assert b".0</v>" in archive.read("xl/worksheets/sheet2.xml")
    assert_unchanged(tmp_path, contracts, tables)
