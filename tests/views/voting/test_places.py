"""Where somebody votes: what leads on keeps the language that an address chose."""

from typing import cast

import pytest
from starlette.requests import Request

from views.voting.desk import Visit
from views.voting.paper import Paper
from views.voting.places import Guest, Place


def guest(query: bytes, via: int) -> Guest:
    """Return a visitor who came with a query; nobody is asked for more."""
    scope = {"type": "http", "path": "/", "query_string": query, "headers": []}
    return Guest(Request(scope), Place("town", via), {}, cast(Visit, None), Paper())


@pytest.mark.parametrize(("query", "kept"), [
    (b"", ""), (b"lang=fr", "lang=fr"), (b"lang=en&x=1", "lang=en"), (b"lang=de", ""),
    (b"lang=fr%0d%0aset-cookie:x", ""), (b"&" * 40 + b"a=1" * 40, "")])
def test_the_first_page_is_in_the_language_of_the_address_that_led_to_it(
    query: bytes, kept: str
) -> None:
    """As of the line that a French newspaper copies, for readers with browsers of any language."""
    for via, address in ((0, "/c/town/vote"), (3, "/c/town/widget/3")):
        led = [guest(query, via).to("p&1"), guest(query, via).at("/mine")]

        assert [each.headers["location"] for each in led] == [
            "&".join(filter(None, (f"{address}?proposal=p%261", kept))),
            "?".join(filter(None, (f"{address}/mine", kept)))]
