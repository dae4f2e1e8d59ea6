"""How large the heads of requests and answers get: proxies have little room for them."""

import re
import uuid
from html import unescape

import httpx2

from tests.harness import Stack
from tests.producers.gateway import booths
from views.voting.folded import PAPER_CHARACTERS


HEAD_BYTES = 3_000
"""With what a proxy adds it stays below the 4,096 bytes that nginx keeps of an answer's."""
VOTES = 500
CONSULTATION = str(uuid.UUID(int=2**127 + 17))
PROPOSALS = [str(uuid.uuid5(uuid.NAMESPACE_OID, str(number))) for number in range(VOTES + 20)]
SITE = "vote.some-large-town.example.org"
QUALIFICATION = {"agree": "doable", "disagree": "impossible", "neutral": "do_not_understand"}

BROWSER = {
    "host": SITE, "connection": "keep-alive", "cache-control": "max-age=0",
    "sec-ch-ua": '"Chromium";v="142", "Google Chrome";v="142", "Not_A Brand";v="99"',
    "sec-ch-ua-mobile": "?0", "sec-ch-ua-platform": '"Windows"',
    "origin": f"https://{SITE}", "content-type": "application/x-www-form-urlencoded",
    "upgrade-insecure-requests": "1",
    "user-agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like "
    "Gecko) Chrome/142.0.0.0 Safari/537.36",
    "accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,"
    "image/apng,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7",
    "sec-fetch-site": "same-origin", "sec-fetch-mode": "navigate", "sec-fetch-user": "?1",
    "sec-fetch-dest": "document", "accept-encoding": "gzip, deflate, br, zstd",
    "accept-language": "fr-FR,fr;q=0.9,en-US;q=0.8,en;q=0.7", "priority": "u=0, i",
    # What a proxy adds.
    "x-forwarded-for": "2001:0db8:85a3:1234:5678:8a2e:0370:7334", "x-forwarded-proto": "https",
    "x-forwarded-host": SITE,
}


class Window:
    """A browser window: cookies by hand, for they are for TLS, and heads measured."""

    def __init__(self, client: httpx2.AsyncClient) -> None:
        self._client = client
        self._cookies = {"language": "fr"}
        self._before = f"https://{SITE}/"
        self.asked_bytes: list[int] = []
        self.answered_bytes: list[int] = []
        self.papers: list[int] = []

    async def ask(self, method: str, path: str, **form: str) -> httpx2.Response:
        """Send a request as a browser does, and keep what the answer sets."""
        answer = await self._client.request(method, path, data=form or None, headers={
            **BROWSER, "referer": self._before,
            "cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items())})
        self._before = f"https://{SITE}{path}"
        for cookie in answer.headers.get_list("set-cookie"):
            name, _, value = cookie.partition(";")[0].partition("=")
            self._cookies[name] = value
        self.asked_bytes.append(len(f"{method} {path} HTTP/1.1\r\n") + size(answer.request.headers))
        self.answered_bytes.append(len("HTTP/1.1 303 See Other\r\n") + size(answer.headers))
        self.papers.append(len(self._cookies.get("scrutin-paper", "")))
        return answer


def size(headers: httpx2.Headers) -> int:
    return sum(len(name) + len(value) + len(": \r\n") for name, value in headers.raw) + 2


def fields_of(page: str) -> dict[str, str]:
    return {name: unescape(value) for name, value in re.findall(
        r'<input type="hidden" name="(\w+)" value="([^"]*)"', page)}


async def test_heads_stay_small_however_much_somebody_votes(stack: Stack) -> None:
    """500 votes with qualifications on identifiers of 36 characters: at every step request and
    answer have heads below 3,000 bytes each, and in the end every vote is listed."""
    await booths.opened(stack, catalogue=[
        booths.consultation(CONSULTATION),
        *(booths.proposal(name, CONSULTATION) for name in PROPOSALS)])
    gateway = booths.started(stack, SCRUTIN_GATEWAY_VOTER_RATE="1000000",
                             SCRUTIN_GATEWAY_NETWORK_RATE="1000000")
    await gateway.ready()
    booth = f"/c/{CONSULTATION}/vote"
    async with httpx2.AsyncClient(base_url=gateway.url, timeout=booths.ANSWER_SECONDS) as client:
        window = Window(client)
        place = booth
        for number in range(VOTES):
            choice = list(QUALIFICATION)[number % 3]
            page = await window.ask("GET", place)
            while page.status_code == 303:
                if page.headers["location"].endswith("/mine"):
                    page = await window.ask("POST", booth, act="more", key="k" * 16)
                page = await window.ask("GET", page.headers["location"])
            fields = fields_of(page.text)
            for act in (choice, f"+{QUALIFICATION[choice]}"):
                done = await window.ask("POST", booth, **fields, act=act)
                assert done.status_code == 303, done.text
            place = booth
        mine = await window.ask("GET", f"{booth}/mine")

    assert max(*window.asked_bytes, *window.answered_bytes) < HEAD_BYTES
    assert 0 < max(window.papers) <= PAPER_CHARACTERS
    assert mine.text.count("<h3>") == VOTES
    assert mine.text.count(" · ") >= VOTES
    assert mine.text.count("/receipts/0-") + mine.text.count("/receipts/1-") >= 40
