"""The line of HTML by which a partner's page embeds the widget. Pure."""

from urllib.parse import urlencode

from markupsafe import Markup


WIDTH, HEIGHT = 720, 720
"""Of the frame in CSS pixels, where there is room."""
WIDTH_LEAST, HEIGHT_LEAST = 320, 400
"""Smaller ones nobody could vote in."""
_LINE = Markup(
    '<iframe src="{}" title="{}" width="{}" height="{}" loading="lazy" '
    'referrerpolicy="strict-origin-when-cross-origin" style="border:0"></iframe>')


def embed_line(
    page: str, title: str, language: str, *, proposal: str = "", width: str = "100%",
    height: int = HEIGHT,
) -> str:
    """Write it for a consultation whose page lies at a whole address.

    The browser is asked to say which site embeds, for the page of that partner is shown.
    """
    query = urlencode({"lang": language, **({"proposal": proposal} if proposal else {})})
    return str(_LINE.format(f"{page}/widget?{query}", title, width, height))
