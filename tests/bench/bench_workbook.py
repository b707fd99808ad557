"""Workbooks: reading, validating and comparing; exporting; beside calamine alone and pandas.

    python tests/bench/bench_workbook.py --rows 100000

Each is measured in a process of its own, with its peak of memory. Prints one JSON line each. The
peers read the same file and check the same rules: pandas with openpyxl, and by `peer_workbook.py`,
where they are installed in the Python that `--peers` names, frictionless and pandera.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "unit"))

from foreview.changes import State, make_state
from foreview.contract import Contract


@cache
def contract() -> Contract:
    """Return ten columns of the table's own: eight and the interval."""
    from workbook_editing import STATION  # here: a child imports this file

    return replace(STATION, columns=STATION.columns[:8])


_OPEN = "http://schemas.openxmlformats.org/"
_KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
INLINE = re.compile(rb' t="inlineStr"><is><t(?: xml:space="preserve")?>([^<]*)</t></is>')
NEEDED = ("xl/_rels/workbook.xml.rels", "[Content_Types].xml")
LISTED = {
    b"</Relationships>": f'<Relationship Id="strings" Target="sharedStrings.xml" '
    f'Type="{_OPEN}officeDocument/2006/relationships/sharedStrings"/>'.encode(),
    b"</Types>": f'<Override PartName="/xl/sharedStrings.xml" ContentType="{_KIND}"/>'.encode(),
}
STRINGS_HEAD = (
    '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
    f'<sst xmlns="{_OPEN}spreadsheetml/2006/main">'
).encode()


def rows(count: int) -> list[dict[str, str | None]]:
    from workbook_editing import station

    found = []
    for number in range(count):
        row = station(
            f"S{number:07}",
            station_name=f"Station {number}",
            network_id="007",
            owners="A",
            power="full",
            opened=f"20{number % 20:02}-03-{1 + number % 28:02}",
            rank=str(number),
        )
        found.append({name: row[name] for name in contract().row_columns})
    return found


@cache
def approved(count: int) -> State:
    return make_state(contract(), rows(count))


def export(path: Path, count: int) -> None:
    from workbook_editing import PARENTS

    from foreview.workbook import write_workbook

    values = [*approved(count).values()]
    write_workbook(path, contract(), values, base_release=1, parents=PARENTS)


def as_excel_writes(path: Path, count: int) -> None:
    """Write the same workbook with shared strings, as Excel does."""
    export(path, count)
    places: dict[bytes, int] = {}

    def shared(found: re.Match[bytes]) -> bytes:
        return b' t="s"><v>%d</v>' % places.setdefault(found[1], len(places))

    ours = path.with_suffix(".ours.xlsx")
    path.rename(ours)
    with ZipFile(ours) as source, ZipFile(path, "w", ZIP_DEFLATED) as target:
        for name in source.namelist():
            with source.open(name) as part, target.open(name, "w", force_zip64=True) as written:
                rest = b""
                while piece := part.read(1 << 22):
                    whole, end, rest = (rest + piece).rpartition(b"</row>")
                    written.write(INLINE.sub(shared, whole + end))
                for tag, more in LISTED.items() if name in NEEDED else ():
                    rest = rest.replace(tag, more + tag)
                written.write(rest)
        with target.open("xl/sharedStrings.xml", "w", force_zip64=True) as written:
            written.write(STRINGS_HEAD)
            for text in places:
                written.write(b'<si><t xml:space="preserve">%s</t></si>' % text)
            written.write(b"</sst>")
    ours.unlink()


def calamine(path: Path, _count: int) -> None:
    import python_calamine

    book = python_calamine.CalamineWorkbook.from_path(path)
    for name in book.sheet_names:
        book.get_sheet_by_name(name).to_python(skip_empty_area=False)


def read(path: Path, _count: int) -> None:
    from foreview.workbook import read_workbook

    read_workbook(path, {"station": contract()})


def submit(path: Path, count: int) -> None:
    """Read, validate and compare, as `foreview submit` does but for the registry."""
    from foreview.workbook import edits_of, on_file, read_workbook

    (workbook,) = on_file(read_workbook, path, {"station": contract()})
    assert edits_of(workbook, contract(), approved(count)) == ([], [])


def pandas(path: Path, _count: int) -> None:
    """Read with openpyxl, and check the same rules by hand."""
    import pandas as pd
    from workbook_editing import PARENTS

    frame = pd.read_excel(path, sheet_name="Station", dtype=str, engine="openpyxl")
    assert frame["Station"].is_unique
    assert frame["Name"].notna().all()
    assert frame["Network"].isin([code for code, _ in PARENTS["network"]]).all()
    assert frame["Power"].isin(["full", "low, very"]).all()
    assert frame["Live"].isin(["TRUE", "FALSE"]).all()
    assert frame["Rank"].str.fullmatch(r"\d+").all()


def peak() -> int:
    """Return this process's peak of memory, or its largest child's, in MiB.

    Not `ru_maxrss` of the process itself: Linux hands on to it what its parent had.
    """
    import resource

    status = Path("/proc/self/status").read_text(encoding="utf-8")
    own = int(status.partition("VmHWM:")[2].split()[0])
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return max(own, children) // 1024


MADE = (export, as_excel_writes)
WORK: dict[str, Callable[[Path, int], None]] = {
    one.__name__: one for one in (*MADE, calamine, read, submit, pandas)
}


def measured(name: str, path: Path, count: int) -> dict[str, Any]:
    command = [sys.executable, __file__, "--only", name, "--rows", str(count), "--file", str(path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def main() -> None:
    """Measure, each in a process of its own, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--only", choices=sorted(WORK))
    parser.add_argument("--file", type=Path)
    parser.add_argument("--skip", nargs="*", default=[])
    parser.add_argument("--peers", type=Path, help="a Python that has frictionless and pandera")
    options = parser.parse_args()
    if options.only:
        approved(options.rows)  # it is there already in a real case
        start = time.monotonic()
        WORK[options.only](options.file, options.rows)
        seconds = time.monotonic() - start
        print(json.dumps({"seconds": round(seconds, 2), "peak_mib": peak()}))
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "w.xlsx"
        told = {one.__name__: measured(one.__name__, path, options.rows) for one in MADE}
        for name in WORK.keys() - {*told, *options.skip}:
            told[name] = measured(name, path, options.rows)
            print(json.dumps({name: told[name]}), file=sys.stderr, flush=True)
        for name in ("pandera", "frictionless") if options.peers else ():
            peer = [options.peers, Path(__file__).with_name("peer_workbook.py"), name, path]
            done = subprocess.run(peer, check=True, capture_output=True, text=True)
            told[name] = {"seconds": round(float(done.stdout), 2)}
            print(json.dumps({name: told[name]}), file=sys.stderr, flush=True)
        told["submit_by_calamine"] = told["submit"]["seconds"] / told["calamine"]["seconds"]
        print(json.dumps({"rows": options.rows, **told}))


if __name__ == "__main__":
    main()
