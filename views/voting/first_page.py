"""The booth's page for who has not voted yet: rendered once, and filled in for each visitor.

Theory of operation: between two visitors who have voted on nothing that page differs in a few
pieces: what is proposed, what follows, the proof, the key and the moment. It is rendered with
stand-ins for them, which no text of others can hold, and cut there. What is kept lies beside
everything else that the template was given, and serves as long as that is the same: a description
that was corrected, an embargo that ended or a variable that is new to the template has it rendered
anew. Nothing of a visitor is kept: his pieces are not in it, and a page that shows what somebody
did is rendered whole each time.
"""

import re
import secrets
import sys
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from markupsafe import escape

from views.pages import rendering
from views.shelf import Shelf


KEPT_BYTES = 1 << 20
"""Of all kept pages, some 10,000 each: by language, address, and place within how many proposals.
"""
TEMPLATE = "vote.html"
_PIECES = ("proposal", "path", "query", "said", "author", "proof", "key", "shown_at", "next")
"""What the template is given that differs between visitors."""
_MARK = secrets.token_hex(16)
_STAND_IN = re.compile(rf"{_MARK}([a-z_]+)9".encode())

_Given = dict[str, Any]
_Parts = list[bytes]
"""Texts, and between two of them the name of a piece."""


class FirstPages:
    """The pages of one process."""

    def __init__(self) -> None:
        self._kept: Shelf[tuple[Any, ...], tuple[_Given, _Parts]] = Shelf(KEPT_BYTES)

    def page(self, language: str, model: Mapping[str, Any]) -> bytes:
        """Make the page of a proposal, of all that its template asks for."""
        # What the door asks for is somebody's own, and so is what is to be confirmed.
        if not model["first"] or model["challenge"] or model["leave"]:
            return rendering.render(TEMPLATE, language, **model)
        key = (language, model["address"], model["position"], len(model["steps"]),
               model["next"] is None)
        same = {name: given for name, given in model.items() if name not in _PIECES}
        kept = self._kept.get(key)
        if kept is None or kept[0] != same:
            kept = same, _cut(language, model)
            self._kept.put(key, kept, sum(map(sys.getsizeof, (same, *kept[1]))))
        pieces, parts = _pieces(model), kept[1].copy()
        parts[1::2] = [pieces[name] for name in parts[1::2]]
        return b"".join(parts)


def _pieces(model: Mapping[str, Any]) -> dict[bytes, bytes]:
    """Write what differs as the template writes it."""
    said = {name: model[name] for name in ("query", "said", "author", "proof", "key", "shown_at")}
    written = {**said, "proposal": model["proposal"]["id"], "next": quote(model["next"] or "")}
    return {name.encode(): escape(each).encode() for name, each in written.items()}


def _cut(language: str, model: Mapping[str, Any]) -> _Parts:
    """Render the page with stand-ins, and cut it at them."""
    given = {**model, **{name: f"{_MARK}{name}9" for name in _PIECES}}
    given["proposal"] = {"id": given["proposal"]}
    given["path"] = f"{model['address']}?{given['query']}"
    given["next"] = model["next"] and given["next"]
    return _STAND_IN.split(rendering.render(TEMPLATE, language, **given))
