"""Styles, scripts and the icon: the same bytes for everybody, for as long as they like."""

from starlette.requests import Request
from starlette.responses import Response

from views import asked
from views.pages import rendering


STATIC_SECONDS = 31_536_000
"""Pages name their state in the address, and it never changes under it: browsers keep it a year."""
MEDIA_TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
"""What each is, by the end of its name."""
LIFE = {"cache-control": f"public, max-age={STATIC_SECONDS}, immutable"}


ICON_SECONDS = 86_400
"""Browsers ask for the icon of a page that names none at an address without its state."""


async def favicon(_request: Request) -> Response:
    """Send the icon to whoever asks for one by its old name."""
    return Response(rendering.static("icon.svg"), media_type=MEDIA_TYPES["svg"],
                    headers={"cache-control": f"public, max-age={ICON_SECONDS}"})


async def static(request: Request) -> Response:
    """Send the file that the route names: no route is made of what somebody asks for."""
    name = asked.path_of(request).rpartition("/")[2]
    return Response(rendering.static(name), media_type=MEDIA_TYPES[name.rpartition(".")[2]],
                    headers=LIFE)
