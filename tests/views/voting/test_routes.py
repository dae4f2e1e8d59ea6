"""By which route a browser first reached a proposal: its paper knows, whatever comes after."""

import json
import random
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from producers.gateway import identity
from producers.gateway.identity import Signer
from schemas.words import CHOICES, SHOWN
from tests.processors.ledger import logs
from tests.views.voting.test_paper import NAMES, mark_of, seal
from views.voting import folded
from views.voting.desk import Act, Recorded
from views.voting.folded import PAPER_CHARACTERS
from views.voting.paper import Mark, Paper
from views.voting.roll import Roll


RELEASED = json.loads(
    (Path(__file__).parents[2] / "releases/signed-by-0.1.0/browser.json").read_text("utf-8"))
REACHED = st.one_of(
    st.tuples(st.just("serve"), st.lists(st.integers(0, 29), max_size=4, unique=True)),
    st.tuples(st.just("ask"), st.integers(0, 29)),
    st.tuples(st.just("vote"), st.integers(0, 29)),
    st.tuples(st.just("withdraw"), st.integers(0, 29)),
    st.tuples(st.just("fold"), st.just(0)))


@logs.property_test
@given(st.lists(REACHED, max_size=40))
def test_what_was_asked_for_stays_asked_for(steps: list[tuple[str, Any]]) -> None:
    """Served, asked for, voted on, taken back in any order: the first route stands, also folded."""
    roll = Roll(NAMES[:30])
    held, asked, served = Paper(), set[str](), dict[str, str]()
    for step, number in steps:
        if step == "fold":
            held = folded.read(folded.written(held, seal, roll), seal, roll)
        elif step == "serve":
            given_now = [NAMES[each] for each in number]
            held.serve(given_now, (), tells_routes=True)
            served = {name: served.get(name, "served") for name in given_now} | {
                name: route for name, route in served.items() if held.of(name)}
        elif step == "ask" and not held.of(NAMES[number]) and NAMES[number] not in held.sequence:
            held.serve([NAMES[number]], [NAMES[number]], tells_routes=True)
            asked.add(NAMES[number])
            served = {name: route for name, route in served.items() if held.of(name)}
        elif step == "vote":
            held.cast(NAMES[number], "agree", 7, trusted=True)
            served.setdefault(NAMES[number], "unknown")
        elif step == "withdraw":
            held.withdraw(NAMES[number], 9)
    for name in NAMES[:30]:
        assert held.route(name) == ("asked" if name in asked else served.get(name, "unknown"))


def test_of_what_was_reached_before_routes_were_noted_nothing_is_known() -> None:
    """It stays so when it is served again or voted on; what comes new is known."""
    roll = Roll(NAMES)
    held = Paper()
    held.serve(NAMES[:3], NAMES[:1], tells_routes=False)
    held.cast(NAMES[1], "agree", 7, trusted=True)
    held.serve(NAMES[:6], (), tells_routes=True)
    again = folded.read(folded.written(held, seal, roll), seal, roll)

    assert again == held
    assert [again.route(name) for name in NAMES[:7]] == [
        "unknown", "unknown", "unknown", "served", "served", "served", "unknown"]


def test_what_is_asked_for_is_noted_even_where_it_could_not_be_served() -> None:
    """A proposal that the pool does not know yet is shown all the same: by its link."""
    held = Paper()
    held.serve(NAMES[:3], [NAMES[9]], tells_routes=True)

    assert held.route(NAMES[9]) == "asked"


def test_a_paper_without_routes_is_written_as_before_them() -> None:
    """Gateways of before go on reading it; with one route it is of the new form, and comes back."""
    roll = Roll(f"p{number}" for number in range(40))
    text = "FEbuE5ZJ_gTEhQtTG8-Ynp3ZI3sAAAAAAAAAACIDAQMDAwQhAgOxAaABCgMDBAgWAQIBYxIHAA"
    held = folded.read(text, seal, roll)

    assert held == Paper(["p3", "p4", "p33"], {
        "p3": Mark("agree", {"doable"}, None, trusted=True, cast=80, last=90, acts=3,
                   unproven="withdraw"),
        "p4": Mark(None, set(), "disagree", trusted=False, cast=91, last=92, acts=2),
    }, {"p1": mark_of("neutral", {"no_opinion"}, None, cast=-1, last=-1)}, voted=3, partition=3,
        described=True)
    assert {held.route(name) for name in ("p1", "p3", "p4", "p33")} == {"unknown"}
    assert folded.written(held, seal, roll) == text
    held.serve(["p5"], (), tells_routes=True)
    assert folded.written(held, seal, roll) != text
    assert folded.read(folded.written(held, seal, roll), seal, roll) == held


def test_a_paper_of_release_0_1_0_is_read_and_knows_no_route() -> None:
    """Made by its own code, under the device of its own cookie."""
    device_key = Signer(bytes.fromhex(RELEASED["device_key"]))
    device = identity.device_of(device_key, RELEASED["device_cookie"])
    assert device == bytes.fromhex(RELEASED["device"])

    def sealed(content: bytes) -> bytes:
        return device_key.code(b"paper", device, b"town", content)

    held = folded.read(RELEASED["paper"], sealed, Roll(["p1", "p2", "p3"]))

    assert held == Paper(["p1", "p2", "p3"], {
        "p1": Mark("agree", {"like_it"}, "neutral", trusted=True, cast=72, last=75, acts=3),
        "p2": Mark("disagree", set(), None, trusted=False, cast=80, last=80),
    }, voted=2, partition=1, described=True)
    assert {held.route(name) for name in ("p1", "p2", "p3")} == {"unknown"}


def test_what_was_asked_for_outlasts_votes_on_a_full_paper() -> None:
    """Room is made by votes, which the log knows; within the bound, whatever there is."""
    names = [f"p{number:062}" for number in range(20_000)]
    roll = Roll(names)
    held = Paper(voted=len(names))
    asked = names[::100]
    held.serve(names[1:13], asked, tells_routes=True)
    chance = random.Random(1)  # What is drawn takes as much room as it can.
    held.older = {name: mark_of(chance.choice(CHOICES), set(), None, cast=-1, last=-1,
                                route=chance.choice(SHOWN))
                  for name in chance.sample(names, 8_000) if name not in held.routes}
    text = folded.written(held, seal, roll)
    again = folded.read(text, seal, roll)

    assert len(text) <= PAPER_CHARACTERS
    assert again.routes == held.routes
    assert 300 < len(again.older) < 3_000
    machine = Paper()
    machine.serve([], names, tells_routes=True)
    many = folded.written(machine, seal, roll)
    assert len(many) <= PAPER_CHARACTERS
    assert len(folded.read(many, seal, roll).routes) > 1_000


def test_a_vote_that_is_proven_names_what_it_loses() -> None:
    """Under rules 2 alone, the same choice alone, and where it counted for nothing before."""
    def paper(*, trusted: bool = False) -> Paper:
        return Paper(marks={"a": Mark(
            "agree", {"doable", "like_it"}, None, trusted=trusted, cast=3, last=5)})

    cast = Act("VoteCast", "a", "agree")
    proven = Recorded(0, 9, trusted=True, rules=2)

    assert paper().lost_by(cast, proven) == ["like_it", "doable"]
    assert [paper().lost_by(*each) for each in (
        (cast, proven._replace(rules=1)), (cast, proven._replace(trusted=False)),
        (cast._replace(word="neutral"), proven), (Act("VoteWithdrawn", "a"), proven))] == [[]] * 4
    assert [each.lost_by(cast, proven) for each in (paper(trusted=True), Paper())] == [[]] * 2
    for rules, left in ((1, {"like_it", "doable"}), (2, set[str]())):
        held = paper()
        held.mark(cast, "agree", proven._replace(rules=rules))
        assert held.marks["a"].qualifications == left
