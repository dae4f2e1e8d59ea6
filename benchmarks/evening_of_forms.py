"""People in the booth of release 0.1.0, as a process of their own: what their browsers ask for.

`python -m benchmarks.evening_of_forms PORT:PID SECONDS CONNECTIONS` prints of the same evening what
`benchmarks.evening` does. That release's script sends the form of the page it is on, follows the
303, and takes the ballot out of the page that comes, which waits until it holds the act. Before the
first act it looks at its page once more, for a proof of the name that the browser has by then. The
next proposal is a link: one more page. Static files lie in its cache.
"""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from html import unescape
from urllib.parse import quote, urlencode

import uvloop

from benchmarks.evening import BOOTH, QUALIFIED_EVERY, Browser, led_to, main
from schemas.words import CHOICES, QUALIFICATIONS, QUALIFICATIONS_PER_CHOICE


FORM = {"content-type": "application/x-www-form-urlencoded;charset=UTF-8"}
_FIELD = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')
_NEXT = re.compile(r'id="next" href="([^"#]+)#')
_SET_ASIDE = 'id="act-confirm"'


class BrowserOfForms(Browser):
    """One visitor of that release."""

    async def evening(self) -> AsyncIterator[float]:
        """Vote on what is in turn; yield how long each act took, to its page, in seconds."""
        page = await self._page(led_to(await self.ask("GET", BOOTH)))
        number = 0
        while True:
            choice = number % len(CHOICES)
            word = QUALIFICATIONS[choice * QUALIFICATIONS_PER_CHOICE]
            for act in (CHOICES[choice], f"+{word}")[:1 + (number % QUALIFIED_EVERY == 0)]:
                began = time.perf_counter()
                page = await self._act(page, act)
                yield time.perf_counter() - began
            following = _NEXT.search(page)
            if following is None:
                return
            page = await self._page(unescape(following[1]))
            number += 1

    async def _page(self, place: str) -> str:
        page = (await self.ask("GET", place)).body.decode()
        assert _SET_ASIDE not in page, "a vote came without a proof"
        return page

    async def _act(self, page: str, act: str) -> str:
        """Send the form of a page; return the page that follows."""
        fields = dict(_FIELD.findall(page))
        if "data-first" in page:
            looked = await self._page(f"{BOOTH}?proposal={quote(fields['proposal'])}")
            fields["proof"] = dict(_FIELD.findall(looked))["proof"]
        answer = await self.ask("POST", BOOTH, urlencode({**fields, "act": act}).encode(), FORM)
        return await self._page(led_to(answer))


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(BrowserOfForms))
