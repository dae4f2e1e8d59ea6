"""What may a text hold that people read? One rule for files, imports and pages. Pure.

Theory of operation: a text is first brought to one form, `normalised`, which changes nothing that a
reader sees: composed letters, one kind of line end, no space around. Then `fault` names the first
thing in it that nobody may publish: nothing visible at all, control characters, characters that
turn the order of the text around them, characters that are none, letters under heaps of marks.
Whoever writes a file is told and mends it. A text on which votes hang already cannot be sent back:
`made_safe` takes out what `fault` would refuse, and nothing else. What languages need stays: marks
of direction (LRM, RLM, ALM), joiners, soft hyphens, spaces without width, flags of emoji.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass


MARKS_MOST = 10
"""Combining marks on one letter: no script stacks more than five, heaps paint over other lines."""
_SPACES = " \n\u00a0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u202f\u205f\u3000"
_LINE_ENDS = re.compile("\r\n?|[\u2028\u2029]")
_CONTROLS = "\0-\x09\x0b-\x1f\x7f-\x9f"
_TURNING = "\u202a-\u202e\u2066-\u2069\u206a-\u206f"
_NO_CHARACTERS = "\ud800-\udfff\ufdd0-\ufdef\ufff9-\ufffb" + "".join(
    chr(plane + last) for plane in range(0, 0x11_0000, 0x1_0000) for last in (0xFFFE, 0xFFFF))
_TAGS = "\U000e0000-\U000e007f"
_FLAG = "\U0001f3f4[\U000e0020-\U000e007e]+\U000e007f"
"""The flags of England, Scotland and their like are written with tags: the only use of them."""
_FOUND = re.compile(
    f"(?P<flag>{_FLAG})|(?P<control>[{_CONTROLS}])|(?P<turning>[{_TURNING}])"
    f"|(?P<none>[{_NO_CHARACTERS}])|(?P<tag>[{_TAGS}])")
_SAID = {
    "control": "a control character",
    "turning": "a character that turns the order of the text around it",
    "none": "no character of Unicode that can be shown",
    "tag": "an invisible tag",
}
_BLANK_LETTERS = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and symbols that are drawn as nothing: fillers of Hangul, the empty Braille cell."""
_SEEN = frozenset("LNPS")
"""Kinds of characters that leave ink: letters, numbers, punctuation, symbols."""


@dataclass(frozen=True)
class Fault:
    """Why a text is refused, and at which of its characters (from 0; None: the whole text)."""

    at: int | None
    what: str

    def __str__(self) -> str:
        return self.what if self.at is None else f"character {self.at + 1} is {self.what}"


def normalised(text: str) -> str:
    """Bring a text to one form, to the same one however often.

    Callers bound the length first: ordering heaps of marks takes a time that grows as its square.
    """
    lines = _LINE_ENDS.sub("\n", text).replace("\t", " ")
    return unicodedata.normalize("NFC", lines).strip(_SPACES)


def fault(text: str) -> Fault | None:
    """Name the first thing for which a normalised text is refused; None for a good text."""
    found = next((each for each in _FOUND.finditer(text) if each.lastgroup != "flag"), None)
    heap = next(_heaps(text[:found.start()] if found else text), None)
    if heap is None and found is not None:
        return Fault(found.start(), f"{_named(found[0])}, {_SAID[str(found.lastgroup)]}")
    if heap is not None:
        return Fault(heap, f"{_named(text[heap])}, one mark too many on a letter: at most "
                           f"{MARKS_MOST} are shown")
    return None if is_visible(text) else Fault(None, "holds nothing that can be seen")


def made_safe(text: str) -> str:
    """Take out of a text what `fault` would refuse; what is left may be empty, never unsafe."""
    before, kept = None, normalised(text)
    # Taking something out may bring a letter beside its mark: again, until nothing changes.
    while kept != before:
        before = kept
        kept = _FOUND.sub(lambda found: found[0] if found.lastgroup == "flag" else "", kept)
        heaps = set(_heaps(kept))
        kept = normalised("".join(
            letter for at, letter in enumerate(kept) if at not in heaps) if heaps else kept)
    return kept if is_visible(kept) else ""


def is_visible(text: str) -> bool:
    """Tell whether anything of a text leaves ink."""
    return any(unicodedata.category(letter)[0] in _SEEN and letter not in _BLANK_LETTERS
               for letter in text)


def _heaps(text: str) -> Iterator[int]:
    """Yield the places of marks that stand on a letter with MARKS_MOST marks already."""
    marks = 0
    for at, letter in enumerate(text):
        marks = marks + 1 if unicodedata.category(letter) in ("Mn", "Me") else 0
        if marks > MARKS_MOST:
            yield at


def _named(letter: str) -> str:
    name = unicodedata.name(letter, "")
    return f"U+{ord(letter):04X}" + (f" ({name.lower()})" if name else "")
