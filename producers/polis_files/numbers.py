"""Whole numbers as exports and spreadsheets write them; what was rounded is refused. Pure."""

import re

from producers.polis_files.places import Notes, shown


DIGITS_MOST = 15
"""Polis' numbers are smaller; a spreadsheet turns the digits behind these into zeros."""
FROM_THE_SOURCE = ("Take the file as Polis exported it, never opened and saved by a spreadsheet")
_SPACED = re.compile(r"-?\d{1,3}(?:[ \u00a0\u2009\u202f'’]\d{3})+", re.ASCII)
_POINTED = re.compile(r"-?\d{1,3}(?:(?:\.\d{3}){2,}|(?:,\d{3}){2,})", re.ASCII)
_EITHER = re.compile(r"-?\d{1,3}[.,]\d{3}", re.ASCII)
_TRAILING_ZEROS = re.compile(r"(-?\d+)[.,]0+", re.ASCII)
_SCIENTIFIC = re.compile(r"[+-]?\d+(?:[.,]\d*)?[eE][+-]?\d+", re.ASCII)
_PLAIN = re.compile(r"-?\d+", re.ASCII)
_NOT_DIGITS = re.compile(r"[^\d-]", re.ASCII)


def whole_number(text: str, notes: Notes, line: int) -> int:
    """Read a whole number; raise ValueError with what is wrong and what to do.

    What a spreadsheet adds and takes nothing away by is read and noted: an apostrophe before the
    number, thousands set apart, decimals that are all zero.
    """
    if text.isascii() and text.isdigit() and len(text) <= DIGITS_MOST:
        number = int(text)
        if text[0] == "0" and len(text) > 1:
            notes.add("numbers with zeros before them are read without", line)
        return number
    bare = text.strip().replace("−", "-").removeprefix("+")
    if bare.startswith("'"):
        bare = bare[1:].strip()
        notes.add("an apostrophe before a number, as spreadsheets mark text, is left out", line)
    found = _digits(bare, notes, line)
    if found is None:
        raise ValueError(_why_not(text, bare))
    if len(found.lstrip("-")) > DIGITS_MOST:
        raise ValueError(f"{shown(text)} has more than {DIGITS_MOST} digits: no number of Polis is "
                         "that large. Mend the row.")
    return int(found)


def _digits(bare: str, notes: Notes, line: int) -> str | None:
    if _PLAIN.fullmatch(bare):
        return bare
    if _SPACED.fullmatch(bare) or _POINTED.fullmatch(bare):
        notes.add("numbers with thousands set apart are read without", line)
        return _NOT_DIGITS.sub("", bare)
    zeros = None if _EITHER.fullmatch(bare) else _TRAILING_ZEROS.fullmatch(bare)
    if zeros:
        notes.add("whole numbers with decimals that are zero are read without", line)
        return zeros[1]
    return None


def _why_not(text: str, bare: str) -> str:
    if not bare:
        return "is empty, a whole number is needed. Mend the row."
    if _SCIENTIFIC.fullmatch(bare):
        return (f"{shown(text)} is in scientific notation: a spreadsheet rounded it, and digits "
                f"are lost. {FROM_THE_SOURCE}.")
    if _EITHER.fullmatch(bare):
        return (f"{shown(text)} may be thousands set apart, or decimals: nobody can tell. "
                f"{FROM_THE_SOURCE}.")
    return f"{shown(text)} is not a whole number. Mend the row."
