"""Batches of a partner: its key says whose they are, each ballot is answered as a vote is."""

import contextlib
import functools
import re
import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx2
import pytest

from processors.guard.inputs import Batch, Cut, beginning
from producers.gateway.batches import (
    BATCH_BYTES,
    BATCHES_MOST,
    PARTNER_BATCHES_MOST,
    Batches,
    Partner,
)
from producers.gateway.models import BALLOTS_MOST, Ballot, Receipt
from producers.gateway.refusals import Refused
from schemas import codec, figures, problems
from schemas.partners import digest_of, holds_key
from scrutin.gateway.desk import GatewayDesk
from tests.harness import Stack
from tests.producers.gateway import booths
from tests.producers.gateway.booths import (
    BALLOTS_PER_MINUTE,
    PARTNER_KEY,
    Browser,
    RunningGateway,
    event_of,
)
from tests.producers.gateway.test_figures import figures_of
from tests.producers.gateway.test_guards import assert_problem
from tests.scrutin.gateway.test_desk import visit
from tests.waiting import until_found


NUMBER = 2
"""Of the partner in `booths` that has a key."""
DOCS = (Path(__file__).parents[3] / "docs" / "partners.md").read_text("utf-8")


def ballot(voter: str, choice: str | None = "agree", *, of: str = "p1", key: str = "k") -> Any:
    return {"voter": voter, "key": key, "proposal": of, "choice": choice}


async def sent(
    browser: Browser, *ballots: Any, key: str | None = PARTNER_KEY, of: str = "town",
    via: int | None = NUMBER, **headers: str,
) -> httpx2.Response:
    if key is not None:
        headers["authorization"] = f"Bearer {key}"
    return await browser.client.post(
        f"/v1/consultations/{of}/batch", json={"ballots": list(ballots)}, headers=headers,
        params={} if via is None else {"via": via})


def event_ids(answer: httpx2.Response) -> list[str]:
    return [Receipt.model_validate(each["receipt"]).event_id for each in answer.json()["answers"]]


async def test_each_ballot_of_a_batch_has_its_receipt_or_its_problem(
    gateway: RunningGateway
) -> None:
    """In their order; trusted, of the partner whose key it is, by no known route."""
    async with Browser(gateway.url) as browser:
        before = await figures_of(browser)
        answer = await sent(
            browser, ballot("ana@la-voix"), ballot("bob", of="nothing"),
            ballot("ana@la-voix", None, key="k2"), ballot("bob", "disagree"))
        after = await figures_of(browser)
    answers = answer.json()["answers"]
    events = [event_of(each["receipt"]) for each in answers if "receipt" in each]

    assert (answer.status_code, "set-cookie" in answer.headers) == (200, False)
    assert answers[1]["problem"]["type"] == "/problems/unknown-proposal"
    assert [event for event, _ in events] == ["VoteCast", "VoteWithdrawn", "VoteCast"]
    assert {tuple(fields[name] for name in ("origin", "via", "shown", "trust", "pause"))
            for _, fields in events} == {("api", NUMBER, "unknown", "trusted", 15)}
    assert [fields["voter"] == events[0][1]["voter"] for _, fields in events] == [
        True, True, False]
    grown = Counter(after.labelled(figures.GATEWAY_BALLOTS))
    grown.subtract(before.labelled(figures.GATEWAY_BALLOTS))
    assert +grown == {("town", "2", "recorded"): 3, ("town", "2", "refused"): 1}


async def test_the_guard_sees_them_as_the_partner_s(gateway: RunningGateway) -> None:
    """Rule 5 counts by what it reads here: votes of a partner, of no network."""
    async with Browser(gateway.url) as browser:
        answer = await sent(browser, *(ballot(f"seen-{number}") for number in range(7)))
    ours = set(event_ids(answer))
    records = [record for record, *_ in await gateway.events(gateway.topics.votes)]
    count = gateway.topics.partitions
    values = [[(record.offset, record.value) for record in records if record.partition == number]
              for number in range(count)]
    seen = Batch(beginning(count), Cut(tuple(len(each) - 1 for each in values), -1, -1))
    for number, each in enumerate(values):
        seen.add_votes(number, each)
    named = {each.hex() for _, _, fields in await gateway.events(gateway.topics.networks)
             for each in fields["events"]}

    vias = {found[0].hex(): via for _, _, _, via, found in seen.casts}
    assert {vias[each] for each in ours} == {NUMBER}
    assert not named & ours


async def test_a_batch_sent_again_is_the_same_events_under_any_key_of_the_partner(
    gateway: RunningGateway, shared_stack: Stack
) -> None:
    """What has no answer is sent once more. A key that is named anew ends the one before, voters
    stay who they are; where none is named nobody sends anything."""
    ballots = [ballot(f"again-{number}") for number in range(5)]
    first, second = (f"scrutin-{digit * 64}" for digit in "12")
    async with Browser(gateway.url) as browser:
        async def is_told(status: int, key: str) -> bool:
            found = await sent(browser, ballots[0], key=key, via=3)
            return found.status_code == status

        found = []
        for key, before in ((first, PARTNER_KEY), (second, first)):
            await booths.said(shared_stack, booths.partner(3, key=key))
            await until_found(functools.partial(is_told, 200, key))
            assert await is_told(401, before)
            found += [event_ids(await sent(browser, *ballots, key=key, via=3)) for _ in range(2)]
        await booths.said(shared_stack, booths.partner(3))
        await until_found(lambda: is_told(401, second))

    assert len(set(found[0])) == len(ballots)
    assert found == [found[0]] * 4


async def test_without_the_partner_s_key_nothing_is_taken(gateway: RunningGateway) -> None:
    """None, a wrong one, one of another partner, no partner at all. Neither keys nor the names of
    voters are told to the log, in figures or in answers."""
    other = f"scrutin-{'0' * 64}"
    wrong = [None, "x", PARTNER_KEY[:-1], f"{PARTNER_KEY}0", PARTNER_KEY.upper(), other,
             digest_of(PARTNER_KEY).hex()]
    async with Browser(gateway.url) as browser:
        right = await sent(browser, ballot("ana@la-voix"), ballot("bob@la-voix", of="nothing"))
        before = len(await gateway.events(gateway.topics.votes))
        answers = [
            *[await sent(browser, ballot("eve"), key=key) for key in wrong],
            *[await sent(browser, ballot("eve"), via=via) for via in (None, 0, 1, 4)],
            await sent(browser, ballot("eve"), of="hidden")]
        figured = (await browser.client.get("/metrics")).text

    for answer in answers:
        assert_problem(answer, 401, "no-partner")
        assert answer.headers["www-authenticate"] == "Bearer"
    assert len(await gateway.events(gateway.topics.votes)) == before
    said = gateway.worker.so_far() + figured + "".join(
        answer.text for answer in (right, *answers))
    for secret in (PARTNER_KEY, other, "@la-voix"):
        assert secret not in said


async def test_a_batch_is_bounded_in_ballots_and_bytes(gateway: RunningGateway) -> None:
    """Refused whole, with nothing of it recorded; a body that names a partner, too."""
    many = [ballot(f"many-{number}") for number in range(BALLOTS_MOST + 1)]
    before = len(await gateway.events(gateway.topics.votes))
    async with Browser(gateway.url) as browser:
        too_many = await sent(browser, *many)
        none = await sent(browser)
        named = await sent(browser, {**ballot("eve"), "via": 1})
        long = await browser.client.post(
            "/v1/consultations/town/batch", content=b" " * (BATCH_BYTES + 1),
            params={"via": NUMBER}, headers={
                "authorization": f"Bearer {PARTNER_KEY}", "content-type": "application/json"})
        typed = await browser.client.post(
            "/v1/consultations/town/batch", content=b"{}", params={"via": NUMBER},
            headers={"authorization": f"Bearer {PARTNER_KEY}"})
        by_page = await sent(browser, ballot("eve"), origin="https://elsewhere.example")

    for answer in (too_many, none, named):
        assert_problem(answer, 400, "invalid-request")
    assert_problem(long, 413, "too-large")
    assert_problem(typed, 415, "not-json")
    assert_problem(by_page, 403, "other-site")
    assert len(await gateway.events(gateway.topics.votes)) == before


@pytest.mark.parametrize(("of", "status", "name"), [
    ("over", 409, "closed"), ("shut", 409, "closed"), ("later", 409, "not-yet-open"),
    ("nowhere", 404, "unknown-consultation")])
async def test_a_consultation_that_takes_no_votes_takes_no_batch(
    gateway: RunningGateway, of: str, status: int, name: str
) -> None:
    """It is said of the whole batch, as of a vote, and to everybody."""
    async with Browser(gateway.url) as browser:
        assert_problem(await sent(browser, ballot("eve"), of=of), status, name)


async def test_past_its_minute_a_partner_waits_and_nobody_else(
    shared_stack: Stack
) -> None:
    """Of several gateways each allows its part; what cannot be read counts as a full batch."""
    gateway = booths.started(shared_stack, "parted", SCRUTIN_GATEWAY_COUNT="70")
    await gateway.ready()
    part = BALLOTS_PER_MINUTE // 70
    async with Browser(gateway.url) as browser:
        taken = await sent(browser, ballot("one"))
        unread = await sent(browser, {"voter": "two"})
        refused = await sent(browser, ballot("three"))
        person = await browser.vote()
    gateway.worker.kill()

    assert taken.headers["ratelimit-policy"] == f'"partner";q={part};w=60'
    assert taken.headers["ratelimit"].startswith(f'"partner";r={part - 1};')
    assert (unread.status_code, person.status_code) == (400, 202)
    assert_problem(refused, 429, "too-many-requests")
    assert 0 < int(refused.headers["retry-after"]) <= 121


# Without a broker


@pytest.fixture
async def desk(tmp_path: Path) -> GatewayDesk:
    """Open a booth whose log is away."""
    desk = visit(tmp_path, time.time, bytes(16), lanes={"scrutin.votes": 2}).desk
    for value in booths.CATALOGUE:
        desk.follower.known.apply(*codec.decode(value))
    desk.follower.ready.set()
    desk.time.settled = True
    return desk


@pytest.fixture
async def batches(desk: GatewayDesk) -> Batches:
    """Batches in front of that booth, of one of two gateways."""
    return Batches(desk.booth, gateways=2)


PARTNER = Partner("town", NUMBER, 20)


async def test_a_small_part_of_the_limit_lets_batches_through_and_holds(
    batches: Batches
) -> None:
    """One batch may take more than a minute's part: the minutes after it pay. Of each partner by
    itself; and a clock that is put back frees nobody."""
    other, none = Partner("town", 3, 20), Partner("town", 4, 0)
    asked = [(PARTNER, 6, 0.0), (PARTNER, 25, 1.0), (PARTNER, 1, 2.0), (PARTNER, 1, 179.0),
             (PARTNER, 1, -500.0), (other, 10, 3.0), (PARTNER, 2, -320.0), (none, 1, 3.0)]
    left = [batches.count(*each)[2:] for each in asked]

    assert left == [  # of 10 a minute, and the seconds until there is room
        (4, 61), (0, 60), (-1, 179), (-1, 2), (-1, 61), (0, 61), (8, 61), (-1, 61)]


async def test_a_minute_s_part_is_never_exceeded_by_more_than_a_batch(batches: Batches) -> None:
    """Whatever sizes come, and whenever."""
    taken, now = 0, 0.0
    for number in range(5_000):
        ballots = 1 + number * 7 % BALLOTS_MOST
        if not batches.count(Partner("town", NUMBER, 500), ballots, now).exceeded:
            taken += ballots
        now += number % 13 / 10
        assert taken < 250 * (now // 60 + 1) + BALLOTS_MOST


async def test_so_many_batches_are_read_at_once_and_places_come_back(batches: Batches) -> None:
    """Of one partner, and of all; one that fails gives its place back, too."""
    def fails(partner: Partner) -> problems.ProblemKind | None:
        try:
            with batches.admitted(partner):
                assert not partner
        except Refused as refused:
            return refused.problem
        except AssertionError:
            return None

    for _ in range(2):
        with contextlib.ExitStack() as held:
            for number in range(BATCHES_MOST):
                partner = Partner("town", 1 + number // PARTNER_BATCHES_MOST, 20)
                assert fails(partner) is None
                held.enter_context(batches.admitted(partner))
                if number == PARTNER_BATCHES_MOST - 1:
                    assert fails(partner) is problems.TOO_MANY_REQUESTS
            assert fails(Partner("town", 99, 20)) is problems.BUSY
    assert fails(PARTNER) is None


async def test_what_a_voter_did_later_never_comes_before_what_was_not_written(
    batches: Batches
) -> None:
    """While the log is away it is not tried; what others did is."""
    given = [Ballot(**each) for each in (
        ballot("ana"), ballot("ana", of="nothing"), ballot("bob", of="nothing"))]
    found = [each.problem for each in await batches.record(PARTNER, given)
             if isinstance(each, Refused)]

    assert found == [problems.UNAVAILABLE, problems.UNAVAILABLE, problems.UNKNOWN_PROPOSAL]


async def test_a_batch_that_takes_too_long_ends_and_its_rest_is_not_tried(
    desk: GatewayDesk
) -> None:
    """A slow log may confirm each ballot of a voter just in time, and two hundred in an hour."""
    given = [Ballot(**ballot("ana", of="nothing")), Ballot(**ballot("bob", of="nothing"))]
    found = [await Batches(desk.booth, seconds=seconds).record(PARTNER, given)
             for seconds in (-1.0, 60.0)]

    assert [[each.problem for each in one if isinstance(each, Refused)] for one in found] == [
        [problems.UNAVAILABLE] * 2, [problems.UNKNOWN_PROPOSAL] * 2]


async def test_while_the_catalogue_is_not_read_no_key_is_called_wrong(tmp_path: Path) -> None:
    """Who is told to wait goes on with the key; who is told that it is wrong would not."""
    batches = Batches(visit(tmp_path, time.time, bytes(16)).desk.booth)
    with pytest.raises(Refused) as refused:
        batches.partner("town", NUMBER, PARTNER_KEY)
    assert refused.value.problem is problems.UNAVAILABLE


def test_only_a_key_of_256_bits_is_one() -> None:
    """The digest is public: a word that people think up would be guessed from it. A description of
    before there were keys, or without one, has none: not even the empty one."""
    described = {"key_digest": digest_of("correct horse battery staple")}
    before = codec.decode(booths.partner(1))[1]

    assert not holds_key(described, "correct horse battery staple")
    assert not holds_key(before, "")
    assert not holds_key(None, "")
    assert holds_key({"key_digest": digest_of(PARTNER_KEY)}, PARTNER_KEY)


def test_what_the_documentation_says_makes_a_key_and_its_digest(tmp_path: Path) -> None:
    """Without the new line that files end with: a digest of that would be no key's."""
    [made] = re.findall(r"```sh\n(openssl rand .+?)```", DOCS, re.DOTALL)
    said = subprocess.run(["/bin/sh", "-c", made], cwd=tmp_path, check=True, timeout=60,
                          capture_output=True, text=True).stdout
    key = (tmp_path / "la-voix.key").read_text().strip()

    assert bytes.fromhex(said.split()[0]) == digest_of(key)
    assert holds_key({"key_digest": digest_of(key)}, key)
    assert (tmp_path / "la-voix.key").stat().st_mode & 0o077 == 0
