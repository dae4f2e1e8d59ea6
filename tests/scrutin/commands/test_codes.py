"""`scrutin codes make`: cards that are good, in one file that nobody else may read."""

import asyncio
import re
import stat
from pathlib import Path

from deploy.local.services import Broker
from processors.workers.provisioning import provision
from producers import issuing
from producers.gateway.follower import Follower
from producers.gateway.issued_codes import IssuedCodes
from producers.gateway.keys import KeyFolder
from producers.known_catalogue import read_catalogue
from producers.log_reader import LogReader
from producers.operations import Log
from tests.harness import connected_producer, write
from tests.producers.gateway import booths
from tests.scrutin.commands.test_control_keys import Operator


LATER = [booths.consultation("later", opens_at=booths.FAR_AHEAD), booths.consultation("town")]
PRINTED = re.compile(r'<p class="code">([0-9A-Z-]+)</p>')


async def test_cards_are_good_once_made_and_made_nowhere_else(
    broker: Broker, topic_prefix: str, tmp_path: Path
) -> None:
    """Each code on the page is one that gateways take; the page is its owner's, complete in itself,
    and written over nothing. Where people vote without codes already none are issued."""
    operator = Operator(broker, topic_prefix, tmp_path)
    operator._environment["SCRUTIN_PUBLIC_URL"] = "https://vote.example.org"
    await provision(broker.address, operator.topics, replication=1)
    async with connected_producer(broker.address) as producer:
        await write(producer, operator.topics.catalogue, 0, LATER)
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

