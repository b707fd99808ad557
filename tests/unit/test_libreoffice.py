"""A workbook that was opened and saved in LibreOffice, with no edit, changes nothing."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

import pytest
from workbook_editing import PARENTS, STATION, station

from conftest import PROJECT
from foreview.changes import Row, make_state
from foreview.contract import Contract, load_contracts
from foreview.generate.airings import airing_rows
from foreview.generate.market import open_keys, sample_rows
from foreview.viewing import BroadcastCalendar
from foreview.workbook import edits_of, read_workbook, write_workbook

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


@pytest.mark.skipif(SOFFICE is None, reason="LibreOffice is not here; make test installs it")
def test_opened_and_saved_in_libreoffice_without_an_edit_is_no_change(tmp_path: Path) -> None:
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
        files.append(tmp_path / f"{name}.xlsx")
        write_workbook(files[-1], contracts[name], rows, base_release=3, parents=PARENTS)
    saved = saved_by_libreoffice(tmp_path, files)
    for name, rows in tables.items():
        (workbook,) = read_workbook(saved / f"{name}.xlsx", contracts)
        assert len(workbook.rows) + sum(map(bool, workbook.exported.values())) == len(rows), name
        edits, problems = edits_of(workbook, contracts[name], make_state(contracts[name], rows))
        assert (edits, problems) == ([], []), name
