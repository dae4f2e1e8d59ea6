"""Cards with codes to vote with: one page that prints to A4, with everything within.

Nothing of it is kept or served: whoever makes codes writes the page into a file and prints it.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote

import segno
from markupsafe import Markup

from views.pages import rendering


BORDER_MODULES = 4
"""White around a picture, as ISO/IEC 18004 asks for."""


class Card(NamedTuple):
    """What stands on one card."""

    code: str
    picture: Markup
    """QR code of the link, as SVG."""


def page(
    described: Mapping[str, Any], codes: Sequence[str], public_url: str, language: str
) -> bytes:
    """Write the cards of these codes; `described` is the consultation's description."""
    address = f"{public_url.rstrip('/')}/c/{quote(described['consultation'], safe='')}/vote"
    return rendering.render(
        "code_cards.html", language, consultation=described, cards=_cards(codes, address),
        shown_address=address.partition("://")[2])


def _cards(codes: Sequence[str], address: str) -> Iterator[Card]:
    for code in codes:
        # Behind the #: what stands there no browser sends to a server.
        link = f"{address}#{code.replace('-', '')}"
        drawn = segno.make_qr(link, error="m").svg_inline(border=BORDER_MODULES, omitsize=True)
        yield Card(code, Markup(drawn))  # noqa: S704 -- drawn from our own link
