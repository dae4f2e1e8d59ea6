"""The booth's page for who has not voted yet: from what is kept, the page that is rendered whole.

Each page that the application gives is compared with the whole one of the same moment.
"""

import itertools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest

from producers.gateway import identity
from schemas import codec
from schemas.control_signatures import NOBODY, UNSIGNED
from scrutin.gateway.desk import GatewayDesk
from tests.scrutin.gateway.test_embargo import DEVICE, PLACES, desk
from tests.views import campaign
from tests.views.test_embargo import NAME, SIZE, world
from views.api import Beside, application
from views.pages import rendering
from views.pages.languages import LANGUAGES
from views.voting import first_page, folded
from views.voting.first_page import KEPT_BYTES, TEMPLATE, FirstPages
from views.voting.paper import Mark, Paper
from views.voting.places import PAPER_COOKIE
from views.voting.roll import Roll


NAMES = [each["id"] for each in campaign.proposals(SIZE)]
ODD = 'a&b "c" <d>/é?=%'
"""An identifier and a text of which nothing stands on a page as it is."""
STAMP = {"event_id": bytes([7] * 16), "consultation": NAME, "origin": "operator",
         "occurred_at": 1_650_000_000_000}
SIGNED = {"by": NOBODY, "signature": UNSIGNED, "reason": "a slip"}
BOOTHS = KEPT_BYTES // 4_000
"""More than there is room for."""
OWN = re.compile(r'name="(?:proof|key)" value="([^"]+)"')


@dataclass
class Given:
    """What an application gave, and what it rendered for that."""

    pages: list[bytes] = field(default_factory=list)
    whole: list[bytes] = field(default_factory=list)
    cut: int = 0
    """So many pages were rendered to be kept."""
    kept: FirstPages | None = None


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> Given:
    """Note each page as it is given and as it is whole."""
    noted, page, cut = Given(), FirstPages.page, first_page._cut

    def compared(self: FirstPages, language: str, model: Mapping[str, Any]) -> bytes:
        noted.kept = self
        noted.pages.append(page(self, language, model))
        noted.whole.append(rendering.render(TEMPLATE, language, **model))
        return noted.pages[-1]

    def counted(language: str, model: Mapping[str, Any]) -> list[bytes]:
        noted.cut += 1
        return cut(language, model)

    monkeypatch.setattr(FirstPages, "page", compared)
    monkeypatch.setattr(first_page, "_cut", counted)
    return noted


class Room:
    """A booth whose log goes on, and browsers that were served proposals before."""

    def __init__(self, folder: Path, *, embargo: bool = False) -> None:
        found, _ = desk(folder, embargo=embargo)
        assert isinstance(found, GatewayDesk)
        self.desk = found
        self.tell("ProposalAccepted", STAMP | {
            "proposal": ODD, "text": {"en": ODD}, "author": None})
        self._client = httpx2.AsyncClient(
            transport=httpx2.ASGITransport(application(
                world(swapped=False, embargo=embargo), beside=Beside(desk=found))),
            base_url="http://127.0.0.1:8080")

    def tell(self, event: str, fields: Mapping[str, Any]) -> None:
        """Have the catalogue go on."""
        follower = self.desk.follower
        follower.offset += 1
        follower.known.apply(*codec.decode(codec.encode(event, **fields)))

    def browser(self, place: str, paper: Paper, device: bytes = DEVICE) -> dict[str, str]:
        """Give the headers of a browser with a paper."""
        key = self.desk.keys.device
        written = folded.written(
            paper, lambda content: key.code(b"paper", device, NAME.encode(), content),
            Roll(self.desk.accepted(NAME)))
        return {"sec-fetch-site": "same-origin", "cookie":
                f"{PLACES[place]}={identity.device_cookie(key, device)}; {PAPER_COOKIE}={written}"}

    async def page(
        self, place: str, headers: Mapping[str, str], proposal: str, **query: str
    ) -> httpx2.Response:
        """Look at a proposal."""
        answer = await self._client.get(
            place, params={"proposal": proposal, **query}, headers=dict(headers))
        assert answer.status_code == 200
        return answer


@pytest.mark.parametrize(("place", "language", "embargo"), list(
    itertools.product(PLACES, LANGUAGES, (False, True))))
async def test_a_page_from_what_is_kept_is_the_page_rendered_whole(
    tmp_path: Path, given: Given, place: str, language: str, *, embargo: bool
) -> None:
    """For each proposal of two visitors, by place, language and embargo; rendered once for both."""
    room = Room(tmp_path, embargo=embargo)
    first, second = [NAMES[0], ODD, *NAMES[1:5]], [ODD, *NAMES[5:9], NAMES[0]]
    for device, names in ((DEVICE, first), (bytes([9] * 16), second)):
        browser = room.browser(place, Paper(names), device)
        for name in names:
            await room.page(place, browser, name, lang=language)

    assert given.pages == given.whole
    assert len(set(given.pages)) == 2 * len(first)
    assert given.cut == len(first)


def corrected() -> tuple[str, Mapping[str, Any], str]:
    """Give other words to a proposal."""
    text = next(each["text"] for each in campaign.proposals(SIZE) if each["id"] == NAMES[0])
    return "ProposalCorrected", STAMP | SIGNED | {
        "proposal": NAMES[0], "follows": bytes(16), "before": text,
        "after": {"fr": "Xylophonesque"}, "offsets": [1, 1], "votes": 3}, "Xylophonesque"


def asked_anew() -> tuple[str, Mapping[str, Any], str]:
    """Ask another question, until another day."""
    fields = next(fields for event, fields in campaign.events(SIZE)
                  if event == "ConsultationDescribed")
    return "ConsultationDescribed", fields | {
        "event_id": bytes([8] * 16), "question": {"fr": "Zeppelinaire"},
        "closes_at": fields["closes_at"] + 86_400_000}, "Zeppelinaire"


def retired() -> tuple[str, Mapping[str, Any], str]:
    """Take out of the vote what followed: another one does now."""
    return "ProposalRetired", STAMP | SIGNED | {
        "proposal": NAMES[1], "text_hidden": True}, f"proposal={NAMES[2]}#proposal"


@pytest.mark.parametrize("change", [corrected, asked_anew, retired])
async def test_what_changes_in_the_catalogue_is_on_the_next_page(
    tmp_path: Path, given: Given, change: Callable[[], tuple[str, Mapping[str, Any], str]]
) -> None:
    """Other words, another question, a proposal taken out: kept or not, pages say it at once."""
    room, place = Room(tmp_path, embargo=True), next(iter(PLACES))
    browser, (event, fields, said) = room.browser(place, Paper(NAMES[:4])), change()
    before = await room.page(place, browser, NAMES[0])
    room.tell(event, fields)
    after = await room.page(place, browser, NAMES[0])

    assert said not in before.text
    assert said in after.text
    assert given.pages == given.whole


async def test_no_kept_page_is_shown_where_nobody_may_vote_any_more(
    tmp_path: Path, given: Given
) -> None:
    """After the closing, and of a proposal that was retired."""
    room, place = Room(tmp_path), next(iter(PLACES))
    browser = room.browser(place, Paper(NAMES[:4]))
    await room.page(place, browser, NAMES[0])
    room.tell(*retired()[:2])
    gone = await room._client.get(place, params={"proposal": NAMES[1]}, headers=browser)
    room.tell("ConsultationClosed", STAMP | {"salt": bytes(16), "closes_at": 0})
    closed = await room.page(place, browser, NAMES[0])

    assert gone.status_code == 409
    assert not any(OWN.search(answer.text) for answer in (gone, closed))
    assert len(given.pages) == 1


async def test_nothing_of_a_visitor_is_kept(tmp_path: Path, given: Given) -> None:
    """No proof, key or proposal of the one for whom it was rendered; of who has voted no page."""
    room, place = Room(tmp_path), next(iter(PLACES))
    shown = await room.page(place, room.browser(place, Paper(NAMES[:4])), NAMES[1])
    voted = Paper(NAMES[:4], {NAMES[0]: Mark("agree", set(), None, trusted=True, cast=3, last=3)})
    for name in NAMES[:2]:
        await room.page(place, room.browser(place, voted), name)

    assert given.kept is not None
    held = repr(given.kept._kept._held)
    own = OWN.findall(shown.text)
    assert len(own) == 2
    assert not [each for each in (*own, *NAMES[:4]) if each in held]
    assert (given.cut, len(given.kept._kept)) == (1, 1)
    assert given.pages == given.whole


async def test_what_is_kept_stays_within_its_bound(tmp_path: Path, given: Given) -> None:
    """However many booths there are: the ones that were looked at last are kept."""
    room, place = Room(tmp_path), next(iter(PLACES))
    await room.page(place, room.browser(place, Paper(NAMES[:4])), NAMES[1])
    pages = given.kept
    assert pages is not None
    [((same, _), _)] = pages._kept._held.values()
    for number in range(BOOTHS):
        pages.page("fr", {
            **same, "address": f"/c/{number}/vote", "proposal": {"id": "p"}, "path": "", "next": "",
            **dict.fromkeys(("query", "said", "author", "proof", "key", "shown_at"), "")})

    assert 10 < len(pages._kept) < BOOTHS
    assert pages._kept.size_bytes <= KEPT_BYTES
