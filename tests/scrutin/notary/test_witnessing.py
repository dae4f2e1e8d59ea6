"""Witnesses over HTTP: what they sign is kept, and no fault of theirs keeps the log waiting."""

import asyncio
import functools
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from starlette.responses import Response
from structlog.testing import capture_logs

from scrutin.notary import countersigned, witnessing
from scrutin.notary.countersigned import CountersignedLog
from scrutin.notary.witnessing import Asking, Witnessing, connected
from sinks.transparency import submissions
from sinks.transparency.checkpoints import open_checkpoint
from sinks.transparency.cosignatures import Witness
from sinks.transparency.folder import LogFolder
from sinks.transparency.keeper import Keeper
from sinks.transparency.notes import Signer
from sinks.transparency.quorum import WITNESSES_MAX, Quorum
from tests.scrutin.notary.witness_server import Fault, WitnessServer
from tests.serving import served
from tests.sinks.transparency.cosigning import Cosigner, least
from tests.sinks.transparency.keeping import KEY, SIGNER, entries, opened
from tests.waiting import WAIT_SECONDS, until


ENTRIES = entries(1_000)


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for witnesses as long as tests wait: a busy machine is no fault of theirs."""
    monkeypatch.setattr(witnessing, "ANSWER_SECONDS", WAIT_SECONDS)


@contextmanager
def witnesses(*labels: str) -> Iterator[list[tuple[WitnessServer, Cosigner]]]:
    """Serve witnesses; yield each with its key and address."""
    with ExitStack() as stack:
        servers = [WitnessServer(label) for label in labels]
        yield [(server, Cosigner(server.label, stack.enter_context(served(server.application))))
               for server in servers]


def before(keeper: Keeper, quorum: Quorum) -> CountersignedLog:
    """Put a log before its witnesses, as the notary does when it has opened it."""
    found = CountersignedLog(
        "scrutin.votes", 0, keeper.folder, quorum, lambda: keeper.checkpoint)
    found.open()
    return found


def grow(keeper: Keeper, size: int) -> None:
    """Grow a log to a size, and sign it."""
    keeper.append(ENTRIES[keeper.size:size])
    keeper.sign()


async def ask(place: CountersignedLog, *asked: Witness) -> list[Asking]:
    """Look at a log once for each of these witnesses, all at once."""
    async with connected() as session:
        found = [Asking(each, [place], session) for each in asked]
        await asyncio.gather(*(each.look() for each in found))
    return found


def answers(asking: Asking) -> dict[str, int]:
    """Return what a witness has answered."""
    return {answer: number for answer, number in asking.answers.items() if number}


async def test_a_log_is_countersigned_as_it_grows(tmp_path: Path) -> None:
    """Each step by both, from the proof of the one before; the newest is shown with both lines."""
    with witnesses("one", "two") as [(one, first), (two, second)]:
        quorum = least(2, first, second)
        keeper = opened(tmp_path)
        place, asking = before(keeper, quorum), Witnessing(quorum)
        task = asyncio.create_task(asking.run([place]))
        for size in (0, 1, 256, 700):
            grow(keeper, size)
            await until(lambda: place.witnessed_size == keeper.size
                        and not place.unwitnessed_seconds)
        task.cancel()
        await asyncio.wait([task])
    asks = SIGNER.verifier._replace(quorum=quorum)
    folder = LogFolder(tmp_path)

    assert one.asked == two.asked == ["old 0", "old 0", "old 1", "old 256"]
    assert [open_checkpoint(note, asks).size for note in folder.witnessed.history()] == [
        0, 1, 256, 700]
    assert folder.checkpoint() == folder.witnessed.checkpoint() == folder.witnessed.history()[-1]
    assert folder.history()[-1] in str(folder.checkpoint())
    assert asking.status()["logs"] == [{
        "topic": "scrutin.votes", "partition": 0, "size": 700, "unwitnessed_seconds": 0.0}]


async def test_what_was_countersigned_is_so_after_a_restart(tmp_path: Path) -> None:
    """Nobody is asked again, the newest checkpoint keeps its cosignatures; a key more comes by."""
    with witnesses("one") as [(one, first)]:
        keeper = opened(tmp_path)
        grow(keeper, 300)
        await ask(before(keeper, least(1, first)), first.witness)
        shown = LogFolder(tmp_path).checkpoint()
        again = opened(tmp_path)
        place = before(again, least(1, first))
        await ask(place, first.witness)

        assert LogFolder(tmp_path).checkpoint() == shown
        assert (place.witnessed_size, place.unwitnessed_seconds) == (300, 0.0)
        assert one.asked == ["old 0"]

        grow(again, 301)
        [asking] = await ask(place, first.witness)
        assert one.asked == ["old 0", "old 0", "old 300"], "409 says where it stands"
        assert answers(asking) == {"cosigned": 1}
        assert place.witnessed_size == 301


def _status(status: int, body: str = "no") -> Fault:
    return lambda _, __: Response(body, status)


def _by(label: str) -> Fault:
    """Sign by the key of another."""
    return lambda _, note: Response(Cosigner(label).line(note, int(time.time())))


def _of_another(server: WitnessServer, note: str) -> Response:
    """Sign another tree of the same size."""
    text = note.rpartition("\n\n")[0] + "\n"
    return Response(server.cosigner.line_of(text.replace("\n300\n", "\n301\n"), int(time.time())))


def _in_the_future(server: WitnessServer, note: str) -> Response:
    return Response(server.cosigner.line(note, int(time.time()) + 3_600))


def _among_many(server: WitnessServer, note: str) -> Response:
    """Sign, with more than is read behind it."""
    line = server.cosigner.line(note, int(time.time()))
    return Response(line + 200 * Cosigner("other").line(note, int(time.time())))


@pytest.mark.parametrize(("fault", "answer"), [
    (_status(404), submissions.UNKNOWN), (_status(403), submissions.FORBIDDEN),
    (_status(422), submissions.REFUSED), (_status(500), submissions.FAILED),
    (_status(307), submissions.FAILED), (_status(204, ""), submissions.FAILED),
    (_status(409, "301\n"), submissions.AHEAD), (_status(409, "0\n"), submissions.UNFIT),
    (_status(409, "many"), submissions.UNFIT), (_status(200), submissions.UNFIT),
    (_status(200, ""), submissions.UNFIT), (_by("two"), submissions.UNFIT),
    (_of_another, submissions.UNFIT), (_in_the_future, submissions.UNFIT),
    (_among_many, submissions.AWAY)])
async def test_no_fault_of_a_witness_is_kept_or_keeps_the_other_away(
    tmp_path: Path, fault: Fault, answer: str
) -> None:
    """It is counted as what it is; what the honest one has signed is shown, and nothing else."""
    with witnesses("faulty", "honest") as [(faulty, first), (_, second)]:
        faulty.fault = fault
        keeper = opened(tmp_path)
        grow(keeper, 300)
        quorum = least(1, first, second)
        found = await ask(before(keeper, quorum), first.witness, second.witness)

    assert [answers(each) for each in found] == [{answer: 1}, {"cosigned": 1}]
    seen = quorum.require(str(LogFolder(tmp_path).witnessed.checkpoint()))
    assert [one.witness.label for one in seen] == ["honest"]
    assert LogFolder(tmp_path).checkpoint() == LogFolder(tmp_path).witnessed.checkpoint()


async def test_a_silent_witness_costs_its_own_time_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While it says nothing the log is signed, and countersigned by the other, again and again."""
    with witnesses("silent", "honest") as [(silent, first), (_, second)]:
        silent.is_silent = True
        quorum = least(1, first, second)
        keeper = opened(tmp_path)
        place, asking = before(keeper, quorum), Witnessing(quorum)
        task = asyncio.create_task(asking.run([place]))
        await until(lambda: bool(silent.asked))
        for size in (10, 20):
            grow(keeper, size)
            await until(lambda: place.witnessed_size == keeper.size)
        assert len(silent.asked) == 1, "its first answer is still waited for"
        silent.is_silent = False
        await until(lambda: all(
            each["answers"]["cosigned"] for each in asking.status()["witnesses"]))
        task.cancel()
        await asyncio.wait([task])
        silent.is_silent = True
        monkeypatch.setattr(witnessing, "ANSWER_SECONDS", 0.2)
        grow(keeper, 30)
        [asked] = await ask(place, first.witness)
        silent.is_silent = False

    assert answers(asked) == {"away": 1}


async def test_a_fork_is_refused_by_who_has_seen_the_log(tmp_path: Path) -> None:
    """Signed by the same key, longer, and never countersigned: not by one, so not by enough."""
    with witnesses("one", "two") as [(_, first), (_, second)]:
        quorum = least(2, first, second)
        keeper, forked = opened(tmp_path / "log"), opened(tmp_path / "fork")
        grow(keeper, 300)
        await ask(before(keeper, quorum), first.witness, second.witness)
        forked.append([*ENTRIES[:290], *entries(30, "other")])
        forked.sign()
        place = before(forked, quorum)
        found = await ask(place, first.witness, second.witness)

    assert [answers(each) for each in found] == [{"refused": 1}, {"refused": 1}]
    assert place.witnessed_size == 0
    assert LogFolder(tmp_path / "fork").checkpoint() == LogFolder(tmp_path / "fork").history()[-1]


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_witnesses_are_asked_for_the_same_checkpoint(tmp_path: Path) -> None:
    """Until enough have signed it, or for so long; an answer that comes late takes nothing back."""
    one, two = Cosigner("one"), Cosigner("two")
    clock, quorum = Clock(), least(2, one, two)
    keeper = opened(tmp_path)
    place = CountersignedLog(
        "scrutin.votes", 0, keeper.folder, quorum, lambda: keeper.checkpoint, clock)
    place.open()

    def keep(proposal: countersigned.Proposal, cosigner: Cosigner) -> None:
        [found] = least(1, cosigner).require(proposal.note + cosigner.line(proposal.note))
        place.keep(proposal, found)

    grow(keeper, 10)
    first = place.propose()
    clock.now += countersigned.PROPOSED_SECONDS
    second = place.propose()
    keep(second, one)
    grow(keeper, 20)
    assert place.propose() is second
    assert place.unwitnessed_seconds == countersigned.PROPOSED_SECONDS
    keep(second, two)
    assert (place.witnessed_size, place.unwitnessed_seconds) == (10, 0.0)
    third = place.propose()
    for cosigner in (one, two):
        keep(third, cosigner)
        keep(first, cosigner)
    sizes = [first.checkpoint.size, second.checkpoint.size, third.checkpoint.size]
    assert (sizes, place.witnessed_size) == ([0, 10, 20], 20), "the empty log's was before them"
    assert [len(quorum.require(note)) for note in keeper.folder.witnessed.history()] == [2, 2]
    assert keeper.folder.checkpoint() == third.countersigned()


def test_a_checkpoint_signed_by_one_key_more_keeps_its_cosignatures(tmp_path: Path) -> None:
    """Signed again at the start by both keys: its text is the same, so what witnesses said holds.
    """
    one = Cosigner("one")
    keeper = opened(tmp_path)
    grow(keeper, 10)
    place = before(keeper, least(1, one))
    proposal = place.propose()
    [found] = least(1, one).require(proposal.note + one.line(proposal.note))
    place.keep(proposal, found)
    both = Signer(SIGNER.verifier.name, KEY, Ed25519PrivateKey.generate())
    again = opened(tmp_path, both)
    place = before(again, least(1, one))
    shown = str(again.folder.checkpoint())

    assert both.has_signed(shown)
    assert shown.endswith(found.line)
    assert place.witnessed_size == 10


async def test_a_log_whose_files_fail_costs_the_other_log_nothing(tmp_path: Path) -> None:
    """Its checkpoint is gone: the witness is asked for the next log, and that is kept."""
    with witnesses("one") as [(_, first)]:
        quorum = least(1, first)
        broken, whole = opened(tmp_path / "broken"), opened(tmp_path / "whole")
        places = [before(broken, quorum), before(whole, quorum)]
        async with connected() as session:
            asking = Asking(first.witness, places, session)
            assert await asking.look(), "both are empty, and signed"
            for keeper in (broken, whole):
                grow(keeper, 10)
            (tmp_path / "broken" / "checkpoint").unlink()
            assert [await asking.look(), await asking.look()] == [False, False]
            assert [place.witnessed_size for place in places] == [0, 10]
            (tmp_path / "broken" / "checkpoint").write_text(broken.folder.history()[-1])
            assert await asking.look()

    assert answers(asking) == {"failed": 2, "cosigned": 4}
    assert [place.witnessed_size for place in places] == [10, 10]


async def test_a_log_that_cannot_be_opened_is_left_out_and_said(tmp_path: Path) -> None:
    """Its folder of witnessed checkpoints is no folder: the notary signs on, the other is asked."""
    with witnesses("one") as [(_, first)]:
        quorum = least(1, first)
        broken, whole = opened(tmp_path / "broken"), opened(tmp_path / "whole")
        grow(whole, 10)
        (tmp_path / "broken" / "witnessed").write_text("no folder")
        places = [CountersignedLog("scrutin.votes", number, keeper.folder, quorum,
                                   functools.partial(getattr, keeper, "checkpoint"))
                  for number, keeper in enumerate((broken, whole))]
        asking = Witnessing(quorum)
        with capture_logs() as said:
            task = asyncio.create_task(asking.run(places))
            await until(lambda: places[1].witnessed_size == 10 or task.done())
            task.cancel()
            await asyncio.wait([task])

    assert task.cancelled()
    assert [(line["event"], line["origin"]) for line in said if line["log_level"] == "error"] == [
        ("log is not countersigned", SIGNER.verifier.name)]
    assert [each["size"] for each in asking.status()["logs"]] == [0, 10]


@pytest.mark.parametrize("damaged", [
    b"", b"\xff\n", b"no checkpoint\n", b"a\nb\n\n\xe2\x80\x94 c d\n"])
async def test_a_damaged_witnessed_checkpoint_is_written_again_from_the_list(
    tmp_path: Path, damaged: bytes
) -> None:
    """At the start, and while it is countersigned on: the list of all of them has it too."""
    with witnesses("one") as [(_, first)]:
        keeper = opened(tmp_path)
        grow(keeper, 10)
        place = before(keeper, least(1, first))
        await ask(place, first.witness)
        shown = tmp_path / "witnessed" / "checkpoint"
        whole = shown.read_bytes()
        shown.write_bytes(damaged)
        again = before(keeper, least(1, first))
        mended = shown.read_bytes()
        shown.write_bytes(damaged)
        grow(keeper, 20)
        [asking] = await ask(again, first.witness)

    assert mended == whole
    assert (answers(asking), again.witnessed_size) == ({"cosigned": 1}, 20)
    assert shown.read_text() == LogFolder(tmp_path).witnessed.history()[-1]


async def test_silent_name_servers_take_no_thread_that_checkpoints_are_signed_in(
    monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many look-ups as there may be witnesses hang; work of all others goes on beside them."""
    asked, answering = threading.Semaphore(0), threading.Event()

    def silent(*_: object, **__: object) -> list[Any]:
        asked.release()
        answering.wait(WAIT_SECONDS)
        raise socket.gaierror(socket.EAI_AGAIN, "nobody answered")

    def count() -> bool:
        return all(asked.acquire(timeout=WAIT_SECONDS) for _ in range(WITNESSES_MAX))

    monkeypatch.setattr(socket, "getaddrinfo", silent)
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
    async with connected() as session, asyncio.TaskGroup() as tasks:
        for number in range(WITNESSES_MAX):
            tasks.create_task(_refused(session, f"http://witness-{number}.example/"))
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                assert await asyncio.to_thread(count)
        finally:
            answering.set()


async def _refused(session: aiohttp.ClientSession, url: str) -> None:
    with pytest.raises(aiohttp.ClientError):
        await session.post(url)
