"""Pictures of a consultation, an idea or a proposal, for those who share a link to it. Pure.

Theory of operation: networks that show a link show one picture of 1,200 by 630 pixels with it, and
take no SVG. So the card is drawn here: its words with a font that comes with us, so that every
machine draws the same bytes, and its bar with the colours and patterns of the pages. What the font
has no letters for is not drawn at all: a row of empty boxes says nothing. Symbols that it has not,
as a smiling face behind a sentence, are left out: the words say it without them.
"""

import functools
import io
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import resources

from PIL import Image, ImageColor, ImageDraw, ImageFont


WIDTH, HEIGHT = 1_200, 630
"""As the networks ask for it (1.91 to 1)."""
MEDIA_TYPE = "image/png"

GROUND, INK, QUIET = "#ffffff", "#15181e", "#53585f"
BRAND = "#14213d"
COLOURS = {"agree": "#0072b2", "disagree": "#d55e00", "neutral": "#767676"}
"""The light theme of the style sheet."""

MARGIN = 64
WITHIN = WIDTH - 2 * MARGIN
TITLE_SIZES = (68, 60, 54, 48, 42, 36)
"""The largest with which the title has room is taken."""
TITLE_TOP, TITLE_BOTTOM = 176, 400
LINE_LETTERS = 200
"""No line has room for more letters. No more are measured at once: a word of thousands of letters
would be measured again for each line."""
BAR_TOP, BAR_BOTTOM = 422, 466
FOOT_TOP = 570

SHADES = 16
"""Steps from the ground to a colour: edges of letters look smooth."""

REGULAR, BOLD = "Regular", "Bold"
MISSING = "\uffff"
"""No font has it: what stands in its place is what a font draws for what it has not."""
_HYPHENS = str.maketrans("\u2010\u2011", "--")
"""Hyphens that the font has under another name."""
_UNSEEN = ("Cf", "Me")
"""Kinds of characters that are never drawn: joiners, marks of direction, soft hyphens, frames."""
_SYMBOLS = ("So", "Sk")
"""Kinds that a text can do without, as emoji, where the font has them not."""
_VARIANTS = range(0xFE00, 0xFE10)
"""Say how the symbol before them is drawn."""


@dataclass(frozen=True)
class Part:
    """A share of the bar, or a figure where there is no bar."""

    name: str
    """One of COLOURS; empty for a figure."""
    value: str
    """What is written large: a percentage, or a count."""
    label: str
    of: str = ""
    """The count beside a percentage."""
    part: float = 0.0
    """Of the bar, from 0 to 1."""


@dataclass(frozen=True)
class Card:
    """Everything that is written and drawn."""

    kicker: str
    title: str
    parts: Sequence[Part]
    state: str
    foot: str


@functools.cache
def font(weight: str, size: int) -> ImageFont.FreeTypeFont:
    """Return the font that comes with us, in one of a few sizes."""
    file = resources.files("font_source_sans_pro") / "files" / f"SourceSansPro-{weight}.ttf"
    # Laid out by itself, without the libraries of the machine: the same everywhere.
    return ImageFont.truetype(
        io.BytesIO(file.read_bytes()), size, layout_engine=ImageFont.Layout.BASIC)


@functools.lru_cache(maxsize=4_096)
def is_drawable(letter: str) -> bool:
    """Whether the font has a letter."""
    if letter.isspace():
        return True
    drawn, missing = (font(REGULAR, TITLE_SIZES[-1]).getmask(each) for each in (letter, MISSING))
    return (drawn.size, bytes(drawn)) != (missing.size, bytes(missing))


def shown(text: str) -> str:
    """Return a text on one line as it is drawn; empty where a letter of it cannot be."""
    text = " ".join("".join(filter(_needed, text.translate(_HYPHENS))).split())
    return text if all(map(is_drawable, text)) else ""


def _needed(letter: str) -> bool:
    """Whether a text says something else without a character."""
    kind = unicodedata.category(letter)
    return kind not in _UNSEEN and ord(letter) not in _VARIANTS and (
        kind not in _SYMBOLS or is_drawable(letter))


def draw(card: Card) -> bytes:
    """Draw a card: the bytes of a PNG, the same for the same card."""
    image = Image.new("RGB", (WIDTH, HEIGHT), GROUND)
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 0, WIDTH, 12), fill=BRAND)
    _wordmark(pen)
    state = _cut(shown(card.state), font(REGULAR, 28), WITHIN - 240)
    pen.text((WIDTH - MARGIN, 76), state, font=font(REGULAR, 28), fill=QUIET, anchor="rm")
    pen.text((MARGIN, 140), _cut(shown(card.kicker), font(REGULAR, 30), WITHIN),
             font=font(REGULAR, 30), fill=QUIET, anchor="lm")
    _title(pen, shown(card.title))
    if any(part.name for part in card.parts):
        _bar(image, card.parts)
    _parts(image, pen, card.parts)
    pen.text((MARGIN, FOOT_TOP + 16), _cut(shown(card.foot), font(REGULAR, 26), WITHIN),
             font=font(REGULAR, 26), fill=QUIET, anchor="lm")
    written = io.BytesIO()
    # Few colours: a third of the bytes, and sooner written.
    image.quantize(palette=_palette(), dither=Image.Dither.NONE).save(written, "PNG")
    return written.getvalue()


@functools.cache
def _palette() -> Image.Image:
    """Return the colours there are, and the steps between each and the ground."""
    ground = ImageColor.getrgb(GROUND)
    steps = [round(here + (there - here) * step / SHADES)
             for colour in (INK, QUIET, BRAND, *COLOURS.values())
             for step in range(SHADES + 1)
             for here, there in zip(ground, ImageColor.getrgb(colour), strict=True)]
    made = Image.new("P", (1, 1))
    made.putpalette(steps)
    return made


def _wordmark(pen: ImageDraw.ImageDraw) -> None:
    """Draw the ballot and its box, as in the masthead, and the name."""
    pen.rectangle((MARGIN, 72, MARGIN + 48, 100), fill=BRAND)
    pen.line((MARGIN + 8, 76, MARGIN + 40, 76), fill=GROUND, width=3)
    pen.rectangle((MARGIN + 13, 52, MARGIN + 35, 76), fill=GROUND, outline=BRAND, width=3)
    pen.line((MARGIN + 18, 63, MARGIN + 23, 68, MARGIN + 31, 58), fill=COLOURS["agree"], width=4)
    pen.text((MARGIN + 64, 76), "scrutin", font=font(BOLD, 38), fill=BRAND, anchor="lm")


def _title(pen: ImageDraw.ImageDraw, title: str) -> None:
    """Write the title as large as it has room, its last line cut where it has none at all."""
    for size in TITLE_SIZES:
        height = round(size * 1.18)
        most = (TITLE_BOTTOM - TITLE_TOP) // height
        lines = _lines(title, font(BOLD, size), most + 1)
        if len(lines) <= most:
            break
    else:
        lines = [*lines[:most - 1], _cut(" ".join(lines[most - 1:]), font(BOLD, size), WITHIN)]
    for number, line in enumerate(lines):
        pen.text((MARGIN, TITLE_TOP + height * number), line, font=font(BOLD, size), fill=INK)


def _lines(text: str, face: ImageFont.FreeTypeFont, most: int) -> list[str]:
    """Break a text into lines, so many at most, a word that is longer than one among its letters.
    """
    lines = [""]
    for word in (piece for long in text.split() for piece in _pieces(long, face)):
        longer = f"{lines[-1]} {word}".strip()
        if face.getlength(longer) <= WITHIN:
            lines[-1] = longer
        elif len(lines) == most:
            break
        else:
            lines.append(word)
    return lines


def _pieces(word: str, face: ImageFont.FreeTypeFont) -> Iterator[str]:
    while word:
        piece = _fitting(word, face, WITHIN)
        yield piece
        word = word[len(piece):]


def _fitting(text: str, face: ImageFont.FreeTypeFont, width: float) -> str:
    """Return as much of the beginning as fits, one letter at least."""
    low, high = 1, min(len(text), LINE_LETTERS)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if face.getlength(text[:middle]) <= width else (low, middle - 1)
    return text[:low]


def _cut(text: str, face: ImageFont.FreeTypeFont, width: float) -> str:
    """Cut a line to a width, and say so."""
    if len(text) <= LINE_LETTERS and face.getlength(text) <= width:
        return text
    return f"{_fitting(text, face, width - face.getlength('…')).rstrip()}…"


def _bar(image: Image.Image, parts: Sequence[Part]) -> None:
    """Draw shares side by side, each with its colour and its pattern."""
    start = float(MARGIN)
    for part in parts:
        end = start + WITHIN * part.part
        if round(end) - round(start) > 0:
            image.paste(_filled(part.name, round(end) - round(start), BAR_BOTTOM - BAR_TOP),
                        (round(start), BAR_TOP))
        start = end


def _filled(name: str, width: int, height: int) -> Image.Image:
    """Draw a piece of a bar, or of a legend; a white edge sets it apart from the next."""
    made = Image.new("RGB", (width, height), COLOURS[name])
    pen = ImageDraw.Draw(made)
    if name == "disagree":
        for start in range(-height, width, 12):
            pen.line((start, height, start + height, 0), fill="#ffffff", width=3)
    if name == "neutral":
        for x in range(6, width, 12):
            for y in range(6, height, 12):
                pen.ellipse((x - 2, y - 2, x + 2, y + 2), fill="#ffffff")
    pen.line((width - 1, 0, width - 1, height), fill="#ffffff", width=3)
    return made


def _parts(image: Image.Image, pen: ImageDraw.ImageDraw, parts: Sequence[Part]) -> None:
    """Write the figures in columns, under the bar where there is one."""
    if not parts:
        return
    column, with_bar = WITHIN // len(parts), any(part.name for part in parts)
    for number, part in enumerate(parts):
        left, top = MARGIN + column * number, 496 if with_bar else 462
        if part.name:
            image.paste(_filled(part.name, 26, 26), (left, top - 13))
            left += 38
        room = column - 38 - 16
        value = _cut(shown(part.value), font(BOLD, 40 if with_bar else 64), room)
        pen.text((left, top), value, font=font(BOLD, 40 if with_bar else 64), fill=INK, anchor="lm")
        end = font(BOLD, 40).getlength(value) + 12
        if with_bar:
            pen.text((left + end, top + 3), _cut(shown(part.label), font(REGULAR, 28), room - end),
                     font=font(REGULAR, 28), fill=INK, anchor="lm")
            pen.text((left, top + 36), _cut(shown(part.of), font(REGULAR, 24), room),
                     font=font(REGULAR, 24), fill=QUIET, anchor="lm")
        else:
            pen.text((left, top + 52), _cut(shown(part.label), font(REGULAR, 28), room),
                     font=font(REGULAR, 28), fill=QUIET, anchor="lm")
