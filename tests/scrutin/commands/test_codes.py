"""`scrutin codes make`: cards that are good, in one file that nobody else may read."""

import asyncio
import re
import resource
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local.services import Broker
from processors.workers.provisioning import provision
from producers import issuing
from producers.errors import InvalidInput
from producers.gateway.follower import Follower
from producers.gateway.issued_codes import IssuedCodes
from producers.gateway.keys import KeyFolder
from producers.known_catalogue import read_catalogue
from producers.log_reader import LogReader
from producers.operations import Log
from schemas import codec
from schemas.topics import Topics
from tests.harness import connected_producer, write
from tests.producers.gateway import booths
from tests.scrutin.commands.test_control_keys import Operator
from tests.waiting import WAIT_SECONDS


LATER = [booths.consultation("later", opens_at=booths.FAR_AHEAD), booths.consultation("town")]
PRINTED = re.compile(r'<p class="code">([0-9A-Z-]+)</p>')


async def describing(broker: Broker, topic_prefix: str, folder: Path) -> Operator:
    """Make an operator in whose catalogue one consultation is open, and another one opens later."""
    operator = Operator(broker, topic_prefix, folder)
    operator._environment["SCRUTIN_PUBLIC_URL"] = "https://vote.example.org"
    await provision(broker.address, operator.topics, replication=1)
    async with connected_producer(broker.address) as producer:
        await write(producer, operator.topics.catalogue, 0, LATER)
    return operator


async def test_cards_are_good_once_made_and_made_nowhere_else(
    broker: Broker, topic_prefix: str, tmp_path: Path
) -> None:
    """Each code on the page is one that gateways take; the page is its owner's, complete in itself,
    and written over nothing. Where people vote without codes already none are issued."""
    operator = await describing(broker, topic_prefix, tmp_path)
    file = tmp_path / "cards.html"
    words = ("codes", "make", "3", "--output", str(file), "--consultation")
    status, made, said = await operator.runs(*words, "later")
    page, mode = file.read_text("utf-8"), file.stat().st_mode
    again, opened = await asyncio.gather(
        operator.runs(*words, "later"), operator.runs(*words[:-2], f"{file}.2", words[-1], "town"))
    more = await issuing.ready(Log(broker.address, operator.topics), "later",
                               now=booths.FAR_AHEAD + 1)
    follower = Follower(broker.address, operator.topics)
    async with LogReader(broker.address) as reader:
        follower.known = await read_catalogue(reader, operator.topics)
    taken = IssuedCodes(KeyFolder(tmp_path / "keys"), follower)
    codes = PRINTED.findall(page)

    assert (status, made["issued"], "3 codes issued" in said) == (0, 3, True)
    assert stat.S_IMODE(mode) == 0o600
    assert len({taken.bearer("later", code) for code in codes}) == 3
    assert (page.count("<svg"), "vote.example.org/c/later/vote" in page,
            re.findall(r'(?:src|href)="', page)) == (3, True, [])
    assert [again[0], opened[0], file.read_text("utf-8") == page] == [2, 2, True]
    assert (more.issued, "has opened" in opened[2], [*follower.known.codes]) == (
        3, True, ["later"])


@pytest.mark.parametrize("bytes_most", [0, 4096])
async def test_cards_that_the_disk_does_not_take_are_not_there_and_no_code_is_issued(
    broker: Broker, topic_prefix: str, tmp_path: Path, bytes_most: int
) -> None:
    """A disk that is full in the midst of them; half of a sheet would look like all of it."""
    operator = await describing(broker, topic_prefix, tmp_path)
    file = tmp_path / "cards.html"
    done = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-m", "scrutin", "codes", "make", "3", "--output",
                         str(file), "--consultation", "later"], env=operator._environment,
        capture_output=True, text=True, timeout=WAIT_SECONDS, check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_most, bytes_most)))
    async with LogReader(broker.address) as reader:
        known = await read_catalogue(reader, operator.topics)

    assert (done.returncode, "No code was issued" in done.stderr) == (3, True)
    left = await asyncio.to_thread(lambda: [
        each.name for each in tmp_path.rglob("*") if "cards" in each.name or "codes" in each.name])
    assert (left, known.codes) == ([], {})


async def test_no_code_is_the_first_where_anybody_may_vote_without_one(
    broker: Broker, topic_prefix: str
) -> None:
    """Voting may open while thousands of cards are drawn, and it may have been open before its date
    was put off: who voted then would count beside the codes."""
    log = Log(broker.address, Topics(topic_prefix, 1))
    await provision(broker.address, log.topics, replication=1)
    opens = [booths.consultation(name, opens_at=booths.FAR_AHEAD) for name in ("soon", "voted")]
    cast = codec.encode(
        "VoteCast", event_id=bytes(16), voter=bytes(16), consultation="voted", proposal="p1",
        choice="agree", trust="trusted", salt=bytes(16), origin="web", occurred_at=1)
    async with connected_producer(broker.address) as producer:
        await write(producer, log.topics.catalogue, 0, opens)
        await write(producer, log.topics.votes, 0, [cast])
    in_time = booths.FAR_AHEAD - issuing.FIRST_BEFORE_MILLISECONDS
    _, issue = issuing.made("soon", 1)
    ready = await issuing.ready(log, "soon", now=in_time)
    with pytest.raises(InvalidInput, match="within three minutes"):
        await issuing.issue(log, "soon", issue, now=in_time + 1)
    with pytest.raises(InvalidInput, match="1 votes, though it has yet to open"):
        await issuing.ready(log, "voted", now=in_time)
    async with LogReader(broker.address) as reader:
        known = await read_catalogue(reader, log.topics)

    assert (ready.issued, known.codes) == (0, {})
