"""The colours of the style sheet, against the thresholds of WCAG 2.2 AA."""

import re

import pytest

from views.pages import rendering


TEXTS = ("ink", "quiet", "link", "brand", "agree-text", "disagree-text", "neutral-text")
GRAPHICS = ("agree", "disagree", "neutral", "focus", "notice-line")
TEXT_CONTRAST = 4.5
GRAPHIC_CONTRAST = 3.0


def themes() -> dict[str, dict[str, str]]:
    """Return the custom properties of both themes; the dark one overrides the light one."""
    blocks = re.findall(r":root \{(.*?)\}", rendering.static("style.css").decode(), re.DOTALL)
    light, dark = (dict(re.findall(r"--([\w-]+): (#[0-9a-f]{3,6});", block)) for block in blocks)
    return {"light": light, "dark": {**light, **dark}}


def luminance(colour: str) -> float:
    """Return the relative luminance of a colour (WCAG 2.2)."""
    digits = colour.lstrip("#")
    digits = "".join(2 * d for d in digits) if len(digits) == 3 else digits
    parts = (int(digits[at:at + 2], 16) / 255 for at in (0, 2, 4))
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(first: str, second: str) -> float:
    high, low = sorted((luminance(first), luminance(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("ground", ["ground", "panel"])
def test_texts_and_graphics_stand_out(theme: str, ground: str) -> None:
    """Every text colour reaches 4.5 and every graphic colour 3 on both grounds."""
    colours = themes()[theme]
    for name in TEXTS:
        assert contrast(colours[name], colours[ground]) >= TEXT_CONTRAST, name
    for name in GRAPHICS:
        assert contrast(colours[name], colours[ground]) >= GRAPHIC_CONTRAST, name


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_notices_can_be_read(theme: str) -> None:
    """Text on the ground of a notice reaches 4.5."""
    colours = themes()[theme]
    assert contrast(colours["ink"], colours["notice"]) >= TEXT_CONTRAST


def test_nothing_is_fetched_from_elsewhere() -> None:
    """The style sheet names no address at all but its own patterns."""
    sheet = rendering.static("style.css").decode()
    assert "@import" not in sheet
    assert set(re.findall(r"url\((.*?)\)", sheet)) <= {"#hatch", "#dots"}


def test_reduced_motion_and_print_need_no_exception() -> None:
    """Nothing moves, and printing has its own rules."""
    sheet = rendering.static("style.css").decode()
    assert not re.search(r"\b(animation|transition)\b", sheet)
    assert "@media print" in sheet
