"""The tables of the results as a workbook (XLSX), which spreadsheets of every country open. Pure.

Numbers are numbers and texts are texts, whatever they begin with: none is ever a formula or a link.
The same tables make the same bytes.
"""

import io
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import xlsxwriter

from views.cells import Column


MOMENT = datetime(1980, 1, 1, tzinfo=UTC)
"""Time of creation in the file: it has none of its own."""
CELL_CHARACTERS = 32_767
"""Longest text of a cell; an event's texts are shorter."""
FREE_TEXT_WIDTH = 60
"""Width of a column of texts, in characters."""

_OPTIONS = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False,
            "strings_to_numbers": False, "nan_inf_to_errors": False}
_NOT_IN_XML = re.compile("[\ud800-\udfff\ufffe\uffff]")
"""What the format cannot hold; it writes other control characters as numbers."""

Tables = Mapping[str, tuple[list[Column], Iterable[Any]]]


def workbook(tables: Tables) -> bytes:
    """Write a sheet a table, its header fixed at the top, and a sheet of what each column means."""
    file = io.BytesIO()
    book = xlsxwriter.Workbook(file, _OPTIONS)
    book.set_properties({"created": MOMENT})
    bold = book.add_format({"bold": True})
    meanings = [("sheet", "column", "meaning")]
    for name, (columns, rows) in tables.items():
        _write(book.add_worksheet(name), [column.name for column in columns], (
            [column.cell(entry) for column in columns] for entry in rows), bold)
        meanings += [(name, column.name, column.meaning) for column in columns]
    _write(book.add_worksheet("dictionary"), meanings[0], meanings[1:], bold)
    book.close()
    return file.getvalue()


def _write(sheet: Any, header: Iterable[str], rows: Iterable[Iterable[Any]], bold: Any) -> None:
    for place, name in enumerate(header):
        sheet.write_string(0, place, name, bold)
        if name in ("text", "title", "meaning"):
            sheet.set_column(place, place, FREE_TEXT_WIDTH)
    sheet.freeze_panes(1, 0)
    for number, row in enumerate(rows, 1):
        for place, value in enumerate(row):
            if isinstance(value, int | float):
                sheet.write_number(number, place, value)
            elif value is not None:
                text = _NOT_IN_XML.sub("", str(value))
                sheet.write_string(number, place, text[:CELL_CHARACTERS])
