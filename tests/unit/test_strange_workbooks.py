"""Odd, broken and hostile workbooks are read or refused: no traceback, no hang, little memory."""

from __future__ import annotations

import csv
import re
import struct
import zipfile
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from workbook_editing import STATION, export, station

from conftest import PROJECT, SHARED_DATA
from foreview.errors import ForeviewError, RefusedError
from foreview.workbook import in_child, inspect_workbook, read_workbook

MEGABYTES = 512
WORKBOOKS = SHARED_DATA / "workbooks"


def outcomes(paths: Sequence[Path]) -> list[tuple[str, str]]:
    """Return what inspecting and submitting each file comes to: the rule, or that it was read."""
    return [(_outcome(inspect, path), _outcome(submit, path)) for path in paths]


def _outcome(work: Callable[[Path], str], path: Path) -> str:
    try:
        return work(path)
    except ForeviewError as error:
        return error.problems[0].rule if all(one.fix for one in error.problems) else "no fix"


def inspect(path: Path) -> str:
    found = inspect_workbook(path)
    differ = any(one.rule == "readers-differ" for sheet in found.sheets for one in sheet.problems)
    return "read, with cells named" if differ else "read"


def submit(path: Path) -> str:
    read_workbook(path, {"station": STATION})
    return "read"


@pytest.mark.real
def test_all_493_strange_files_are_read_or_refused_as_the_docs_say() -> None:
    if not WORKBOOKS.is_dir():
        pytest.skip("the folder ../shared/data with the strange workbooks is not here")
    with (WORKBOOKS / "CATALOG.csv").open(encoding="utf-8") as file:
        paths = [WORKBOOKS / row["file"] for row in csv.DictReader(file)]
    assert len(paths) == 493
    found = in_child("all", 600, MEGABYTES, outcomes, paths)
    assert all(submitted != "read" for _, submitted in found)  # none is an export of Foreview's
    text = (PROJECT / "docs" / "excel.md").read_text(encoding="utf-8")
    rows = re.findall(r"(?m)^\| ([^|]+) \| (\d+) \| (\d+) \|$", text)
    told = {name.strip("`"): (int(one), int(other)) for name, one, other in rows}
    inspected, submitted = (Counter(one) for one in zip(*found, strict=True))
    assert told == {rule: (inspected[rule], submitted[rule]) for rule in {*inspected, *submitted}}


def refusal(path: Path) -> str:
    with pytest.raises(RefusedError) as caught:
        in_child(path.name, 60, MEGABYTES, inspect_workbook, path)
    return caught.value.problems[0].rule


def pack(path: Path, **parts: bytes) -> Path:
    """Write a minimal workbook, some of its parts replaced."""
    space = b"http://schemas.openxmlformats.org/"
    links = b'<Relationships xmlns="' + space + b'package/2006/relationships">%s</Relationships>'
    kinds = space + b"officeDocument/2006/relationships"
    main = b'xmlns="' + space + b'spreadsheetml/2006/main" xmlns:r="' + kinds + b'"'

    def link(number: int, kind: bytes, target: bytes) -> bytes:
        words = (b"r%d" % number, kinds + b"/" + kind, target)
        return b'<Relationship Id="%s" Type="%s" Target="%s"/>' % words

    content = {
        "[Content_Types].xml": b'<Types xmlns="' + space + b'package/2006/content-types"/>',
        "_rels/.rels": links % link(1, b"officeDocument", b"xl/workbook.xml"),
        "xl/workbook.xml": b"<workbook "
        + main
        + b'><sheets><sheet name="A" sheetId="1" r:id="r1"/>'
        b"</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": links
        % (
            link(1, b"worksheet", b"worksheets/sheet1.xml")
            + link(2, b"sharedStrings", b"sharedStrings.xml")
        ),
        "xl/worksheets/sheet1.xml": b"<worksheet "
        + main
        + b"><sheetData>"
        + parts.get("rows", b'<row r="1"><c r="A1" t="s"><v>0</v></c></row>')
        + b"</sheetData></worksheet>",
        "xl/sharedStrings.xml": b"<sst "
        + main
        + b">"
        + parts.get("strings", b"<si><t>x</t></si>")
        + b"</sst>",
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in content.items():
            archive.writestr(name, text)
    return path


def test_a_minimal_workbook_is_read(tmp_path: Path) -> None:
    (sheet,) = inspect_workbook(pack(tmp_path / "w.xlsx")).sheets
    assert (sheet.extent, sheet.cells, sheet.problems) == ("A1:A1", {"string": 1}, ())


def test_a_million_shared_strings_are_read_within_bounds(tmp_path: Path) -> None:
    path = pack(tmp_path / "w.xlsx", strings=b"<si><t>x</t></si>" * 1_000_000)
    assert in_child(path.name, 60, MEGABYTES, inspect_workbook, path).sheets


def test_very_deep_xml_crashes_nothing(tmp_path: Path) -> None:
    deep = 500_000
    path = pack(tmp_path / "w.xlsx", strings=b"<si>" * deep + b"</si>" * deep)
    assert in_child(path.name, 60, MEGABYTES, inspect_workbook, path).sheets


def test_a_zip_in_a_zip_is_not_opened(tmp_path: Path) -> None:
    inner = export(tmp_path / "inner.xlsx", [station("A")]).read_bytes()
    for _ in range(5):
        path = tmp_path / "outer.xlsx"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("inner.xlsx", inner)
        inner = path.read_bytes()
    assert refusal(path) == "not-a-workbook"


def test_gigabytes_of_zeros_are_refused_by_the_directory_alone(tmp_path: Path) -> None:
    path, size = pack(tmp_path / "w.xlsx"), (64 << 20) + 12_345
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/media/zeros.bin", bytes(size))
    packed = struct.pack("<L", size)
    path.write_bytes(path.read_bytes().replace(packed, struct.pack("<L", 0xEFFFFFFF)))
    assert refusal(path) == "file-too-large"


def test_a_part_that_is_longer_than_the_directory_says_is_not_unpacked(tmp_path: Path) -> None:
    path = pack(tmp_path / "w.xlsx", strings=b"<si><t>" + b" " * 100_000_000 + b"</t></si>")
    assert refusal(path) == "file-too-large"
    with zipfile.ZipFile(path) as archive:
        size = struct.pack("<L", archive.getinfo("xl/sharedStrings.xml").file_size)
    path.write_bytes(path.read_bytes().replace(size, struct.pack("<L", 1000)))
    assert refusal(path) == "damaged-file"


def hang(_path: Path) -> None:
    while True:
        pass


def eat(_path: Path) -> None:
    kept = []
    while True:
        kept.append(bytearray(1 << 24))


def crash(_path: Path) -> None:
    import os

    os.abort()


@pytest.mark.parametrize(
    ("work", "seconds", "words"),
    [
        (hang, 3, "longer than 3 seconds"),
        (eat, 60, "more than 512 MiB"),
        (crash, 60, "reader crash"),
    ],
)
def test_a_reader_that_hangs_eats_memory_or_crashes_ends_in_a_clear_error(
    work: Callable[[Path], None], seconds: int, words: str
) -> None:
    with pytest.raises(RefusedError, match=words) as caught:
        in_child("w.xlsx", seconds, MEGABYTES, work, Path("w.xlsx"))
    assert caught.value.problems[0].rule == "file-too-large"
