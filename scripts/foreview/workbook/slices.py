"""Large sheets in slices, for calamine, which holds all of a sheet in memory.

Each slice is a sheet of a temporary workbook, with the strings and styles of the original.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from tempfile import TemporaryFile
from typing import IO
from zipfile import BadZipFile, ZipFile

from foreview.errors import EngineError, Problem
from foreview.workbook.package import Package

LARGE = 1 << 26
"""Bytes of XML past which a sheet is cut."""
_SLICE = 1 << 24
_BEGIN, _ROW_END, _END = b"<sheetData>", b"</row>", b"</sheetData></worksheet>"
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_KINDS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_LINKS = """<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">\
{}</Relationships>"""


def is_large(content: bytes) -> bool:
    """Whether a workbook file has a part so large that its sheets are cut."""
    try:
        with ZipFile(BytesIO(content)) as archive:
            return any(one.file_size > LARGE for one in archive.infolist())
    except BadZipFile:
        return False


def in_slices(package: Package) -> tuple[IO[bytes], dict[str, list[str]]]:
    """Return a workbook in a temporary file, and which of its sheets make up each of the package's.

    Raises:
        DamagedError: A part is missing, or not what the zip's directory says.
        EngineError: There is no room for it.
    """
    with _room():
        return _written(package)


def on_disk(content: bytes) -> IO[bytes]:
    """Return a temporary file with some bytes.

    Raises:
        EngineError: There is no room for it.
    """
    with _room():
        file = TemporaryFile()  # noqa: SIM115 - it is closed, and so gone, with the workbook
        file.write(content)
        return file


@contextmanager
def _room() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        message = f"There is no room for a temporary copy of the workbook: {error.strerror}."
        fix = "Make room in the folder for temporary files (TMPDIR), or export a smaller part."
        raise EngineError(Problem("not-read", message, fix=fix)) from error


def _written(package: Package) -> tuple[IO[bytes], dict[str, list[str]]]:
    file = TemporaryFile()  # noqa: SIM115 - it is closed, and so gone, with the workbook
    names: dict[str, list[str]] = {}
    links = ""
    with ZipFile(file, "w") as book:
        for sheet in package.sheets:
            names[sheet.name] = []
            for xml in _slices(package, sheet.part):
                name = f"s{sum(map(len, names.values()))}"
                book.writestr(f"xl/worksheets/{name}.xml", xml)
                links += _link(name, "worksheet", f"worksheets/{name}.xml")
                names[sheet.name].append(name)
        for kind in ("styles", "sharedStrings"):
            part = package.part_of_kind(kind)
            if part is not None:
                with book.open(f"xl/{kind}.xml", "w") as target:
                    for piece in package.pieces(part, _SLICE):
                        target.write(piece)
                links += _link(kind, kind, f"{kind}.xml")
        listed = ""
        for name in (one for parts in names.values() for one in parts):
            listed += f'<sheet name="{name}" sheetId="{int(name[1:]) + 1}" r:id="{name}"/>'
        days = f'<workbookPr date1904="{int(package.is_1904)}"/>'
        said = f"{days}<sheets>{listed}</sheets>"
        said = f'<workbook xmlns="{_MAIN}" xmlns:r="{_KINDS}">{said}</workbook>'
        book.writestr("xl/workbook.xml", said)
        book.writestr("xl/_rels/workbook.xml.rels", _LINKS.format(links))
        links = _link("book", "officeDocument", "xl/workbook.xml")
        book.writestr("_rels/.rels", _LINKS.format(links))
    file.seek(0)
    return file, names


def _link(name: str, kind: str, target: str) -> str:
    return f'<Relationship Id="{name}" Type="{_KINDS}/{kind}" Target="{target}"/>'


def _slices(package: Package, part: str) -> Iterator[bytes]:
    """Yield a sheet's XML as that of sheets with some of its rows each.

    What has a comment, a CDATA section or the like is not cut from there on: what looks like the
    end of a row may be none. Nor are other encodings than UTF-8, or tags with prefixes.
    """
    pieces = package.pieces(part, _SLICE)
    text = next(pieces, b"")
    head = text[: text.find(_BEGIN) + len(_BEGIN)] if _BEGIN in text else b""
    for piece in pieces:
        end = text.rfind(_ROW_END) + len(_ROW_END)
        if not head or end <= len(head) or b"<!" in text:
            text = b"".join((text, piece, *pieces))
            break
        yield text[:end] + _END
        text = head + text[end:] + piece
    yield text
