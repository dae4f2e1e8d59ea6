"""The doctor answers whatever is there or not, in time, and keeps secrets."""

import asyncio
import datetime as dt
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.local import services
from deploy.machine.files import keep_private
from processors.workers.provisioning import provision
from producers.gateway.keys import KeyFolder
from producers.issuing import made
from schemas.codes import ISSUED
from schemas.private_files import make_private
from schemas.topics import Topics
from scrutin.commands.doctor import MEMORY_BYTES
from scrutin.doctor import examination, here
from scrutin.doctor.answers import BAD, GOOD, STATES, UNKNOWN, Answer, exit_code, without
from scrutin.settings import Settings
from tests.e2e.running import scrutin
from tests.harness import connected_producer, write
from tests.producers.gateway import booths
from tests.secured import Authority
from tests.waiting import WAIT_SECONDS


def doctor(expected: int, *arguments: str, **settings: str) -> dict[str, Any]:
    """Run `scrutin doctor --json`; answers by what they are about."""
    environment = {f"SCRUTIN_{name.upper()}": value for name, value in settings.items()}
    done = scrutin(environment, "doctor", "--json", *arguments, expected=expected)
    found = json.loads(done.stdout)
    assert (done.stderr, found["exit_code"]) == ("", expected)
    assert all(each["remedy"] for each in found["answers"] if each["state"] != GOOD)
    return {each["about"]: each for each in found["answers"]}


@contextmanager
def silent() -> Iterator[str]:
    """Listen, and never say a word: a machine that hangs."""
    with socket.create_server(("127.0.0.1", 0)) as opened:
        yield f"127.0.0.1:{opened.getsockname()[1]}"


def test_where_nobody_speaks_it_ends_all_the_same(tmp_path: Path) -> None:
    """Kafka and ClickHouse hang: both are bad, the rest is told, no password is."""
    with silent() as kafka, silent() as house:
        found = doctor(1, data_dir=str(tmp_path / "none"), kafka=kafka,
                       clickhouse_url=f"http://somebody:s%65cret-word@{house}")

    assert found["kafka.account"]["state"] == BAD
    assert found["clickhouse.address"]["state"] == BAD
    assert found["machine.disk"]["state"] in STATES
    assert not {word for word in ("s%65cret-word", "secret-word") if word in json.dumps(found)}
    assert not (tmp_path / "none").exists(), "whoever looks makes nothing"


@contextmanager
def answering(begin: bytes, piece: bytes, pause_seconds: float = 0.0) -> Iterator[tuple[str, Any]]:
    """Answer every request with a beginning, and the same piece after it without end.

    Yield the address, and what is set once it has stopped: with the test, or after WAIT_SECONDS.
    """
    stopped, told = threading.Event(), threading.Event()

    def answer(taken: socket.socket) -> None:
        until = time.monotonic() + WAIT_SECONDS
        with suppress(OSError), taken:
            taken.recv(65_536)
            taken.sendall(begin)
            while time.monotonic() < until and not told.wait(pause_seconds):
                taken.sendall(piece)
            stopped.set()

    def answer_each(opened: socket.socket) -> None:
        with suppress(OSError):
            while True:
                taken, _ = opened.accept()
                threading.Thread(target=answer, args=(taken,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as opened:
        listening = threading.Thread(target=answer_each, args=(opened,))
        listening.start()
        try:
            yield f"127.0.0.1:{opened.getsockname()[1]}", stopped
        finally:
            told.set()
            opened.shutdown(socket.SHUT_RDWR)
    listening.join()


HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def test_a_byte_at_a_time_holds_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each read is in time, and the answer never whole: it ends at its deadline all the same."""
    monkeypatch.setattr(examination, "DEADLINE_SECONDS", 0.5)
    with answering(HEAD, b"1\r\na\r\n", pause_seconds=0.05) as (house, stopped):
        settings = Settings(data_dir=tmp_path, kafka="127.0.0.1:1",
                            clickhouse_url=f"http://{house}")
        found = asyncio.run(examination._around(settings, None))
        assert not stopped.is_set(), "it waited for the end of what has none"

    assert [(each.about, each.state) for each in found if "clickhouse" in each.about] == [
        ("clickhouse.way", GOOD), ("clickhouse", UNKNOWN)]


@pytest.mark.parametrize("status", [b"200 OK", b"500 Internal Server Error"])
def test_an_answer_without_end_fills_no_memory(tmp_path: Path, status: bytes) -> None:
    """Whatever else listens there: it is said, and the rest is told as ever."""
    head = HEAD.replace(b"200 OK", status)
    with answering(head, b"100000\r\n" + bytes(1 << 20) + b"\r\n") as (house, _):
        done = subprocess.run(
            [sys.executable, "-c", _MEASURED, "-m", "scrutin", "doctor"], check=False, text=True,
            stdout=subprocess.PIPE,
            env={**os.environ, "SCRUTIN_DATA_DIR": str(tmp_path), "SCRUTIN_KAFKA": "127.0.0.1:1",
                 "SCRUTIN_CLICKHOUSE_URL": f"http://{house}"})

    said, _, most_kilobytes = done.stdout.rstrip().rpartition("\n")
    assert done.returncode == 1, said
    assert "what was answered is larger than any answer" in said
    assert "kafka.address.127.0.0.1:1" in said
    assert int(most_kilobytes) << 10 < 3 * MEMORY_BYTES


_MEASURED = """
import resource, subprocess, sys
resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))
done = subprocess.run([sys.executable, *sys.argv[1:]])
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, flush=True)
sys.exit(done.returncode)
"""
"""Runs a program and prints the most memory it took, in kilobytes. A small process asks, for the
system counts the pages of whoever starts a program as the program's until it begins: a test process
that has run for long has more of them than are allowed here."""


def test_a_page_that_is_answered_is_not_shown_whole(tmp_path: Path) -> None:
    """Somebody else's server: its beginning tells whose it is."""
    page = b"<html>" + b"a page " * 10_000
    head = b"HTTP/1.1 404 Not Found\r\nContent-Length: %d\r\n\r\n" % len(page)
    with answering(head + page, b"", pause_seconds=WAIT_SECONDS) as (house, _):
        found = doctor(1, data_dir=str(tmp_path), kafka="127.0.0.1:1",
                       clickhouse_url=f"http://{house}")

    assert "<html>a page" in found["clickhouse.address"]["said"]
    assert len(found["clickhouse.address"]["said"]) < 1_000


def test_where_nothing_listens_it_says_so(tmp_path: Path) -> None:
    """A refused connection is bad, and what could not be asked is unknown."""
    with socket.create_server(("127.0.0.1", 0)) as opened:
        port = opened.getsockname()[1]
    found = doctor(1, data_dir=str(tmp_path), kafka=f"127.0.0.1:{port}",
                   clickhouse_url=f"http://127.0.0.1:{port}")

    assert found[f"kafka.address.127.0.0.1:{port}"]["state"] == BAD
    assert found["kafka.topics"]["state"] == UNKNOWN
    assert found["clickhouse.address"]["said"] == (
        f"http://127.0.0.1:{port} does not answer us: [Errno 111] Connection refused")


def test_a_server_that_refuses_us_is_none_that_is_away(
    clickhouse: services.ClickHouse, tmp_path: Path
) -> None:
    """A wrong password: whoever started the server again would change nothing."""
    parts = urlsplit(clickhouse.url)
    found = doctor(1, data_dir=str(tmp_path), kafka="127.0.0.1:1",
                   clickhouse_url=f"http://scrutin:wrong-word@127.0.0.1:{parts.port}")
    answer = found["clickhouse.address"]

    assert "refuses user and password" in answer["said"]
    assert "Start" not in answer["remedy"]
    assert "wrong-word" not in json.dumps(found)


@contextmanager
def in_clear() -> Iterator[int]:
    """Take connections, and end each at its first bytes, as a broker without TLS does."""
    with socket.create_server(("127.0.0.1", 0)) as opened:
        def end_each() -> None:
            with suppress(OSError):
                while True:
                    taken, _ = opened.accept()
                    with taken:
                        taken.recv(1)
        listening = threading.Thread(target=end_each)
        listening.start()
        yield opened.getsockname()[1]
        opened.shutdown(socket.SHUT_RDWR)
    listening.join()


def test_a_port_that_speaks_otherwise_is_none_that_is_away(tmp_path: Path) -> None:
    """TLS where the broker speaks in clear: whoever started it again would change nothing."""
    with in_clear() as port:
        found = doctor(1, data_dir=str(tmp_path), kafka=f"127.0.0.1:{port}", kafka_protocol="SSL")
    answer = found[f"kafka.address.127.0.0.1:{port}"]

    assert "ends them where TLS begins" in answer["said"]
    assert "SCRUTIN_KAFKA_PROTOCOL" in answer["remedy"]
    assert "Start" not in answer["remedy"]


def test_addresses_are_read_as_the_client_reads_them(tmp_path: Path) -> None:
    """Without a port, with spaces, of IPv6: what is asked is what processes would ask."""
    found = doctor(1, data_dir=str(tmp_path), kafka="127.0.0.1, [::1]:1")

    assert {about for about in found if about.startswith("kafka.address")} == {
        "kafka.address.127.0.0.1:9092", "kafka.address.[::1]:1"}
    assert found["kafka.way"]["state"] == GOOD, "both are this machine's"


def test_a_wrong_setting_is_an_answer_too() -> None:
    """It is named with its variable; a secret's value is not shown, another's is."""
    found = doctor(1, partitions="0", operations_token="short word")

    assert "'0'" in found["settings.SCRUTIN_PARTITIONS"]["said"]
    assert "short word" not in json.dumps(found)
    assert found["settings.SCRUTIN_OPERATIONS_TOKEN"]["state"] == BAD


async def test_a_stack_that_is_well_is_good(
    broker: services.Broker, clickhouse: services.ClickHouse, topic_prefix: str, tmp_path: Path
) -> None:
    """Brokers, each topic, the clock, ClickHouse: looked at for real, and found good."""
    topics = Topics(topic_prefix, 2)
    await provision(broker.address, topics, replication=1)
    found = await asyncio.to_thread(
        doctor, 1, data_dir=str(tmp_path), kafka=broker.address, topic_prefix=topic_prefix,
        partitions="2", clickhouse_url=clickhouse.url, clickhouse_database=topic_prefix)
    wanted = ("kafka.way", f"kafka.address.{broker.address}", "kafka.brokers", "versions.kafka",
              *(f"topics.{each.name}" for each in topics.specifications()), "grants",
              "clocks.kafka", "clickhouse.way", "clickhouse.address", "versions.clickhouse")

    assert {name: found[name]["state"] for name in wanted} == dict.fromkeys(wanted, GOOD)
    assert found["clickhouse.database"]["state"] == BAD, "no archive has made its tables"


async def test_a_topic_that_was_changed_is_found(
    broker: services.Broker, topic_prefix: str, tmp_path: Path
) -> None:
    """With another number of partitions than the settings say, votes would be sent elsewhere."""
    await provision(broker.address, Topics(topic_prefix, 2), replication=1)
    found = await asyncio.to_thread(
        doctor, 1, data_dir=str(tmp_path), kafka=broker.address, topic_prefix=topic_prefix,
        partitions="3")

    assert found[f"topics.{topic_prefix}.votes"]["state"] == BAD
    assert "2 partitions, 3 are expected" in found[f"topics.{topic_prefix}.votes"]["said"]
    assert found[f"topics.{topic_prefix}.catalogue"]["state"] == GOOD


async def test_hashes_of_codes_that_a_gateway_would_not_take_are_bad(
    broker: services.Broker, topic_prefix: str, tmp_path: Path
) -> None:
    """Not there, of another size, others than the log names: its codes would be answered 503. Who
    runs no gateway needs none; nor does a consultation that is closed."""
    topics, keys = Topics(topic_prefix, 1), KeyFolder(tmp_path / "keys")
    await provision(broker.address, topics, replication=1)
    (_, issue), (_, other), (_, shut) = (made(of, 1) for of in ("town", "town", "shut"))
    catalogue = [booths.consultation("town"), booths.consultation("shut"), *(
        booths.described(ISSUED, of, codes=1, root=each.root)
        for of, each in (("town", issue), ("shut", shut)))]
    catalogue.append(booths.described(
        "ConsultationClosed", "shut", closes_at=booths.LONG_AGO, salt=bytes(16)))
    async with connected_producer(broker.address) as producer:
        await write(producer, topics.catalogue, 0, catalogue)

    async def looks(*arguments: str) -> Any:
        found = await asyncio.to_thread(
            doctor, 1, *arguments, data_dir=str(tmp_path), kafka=broker.address,
            topic_prefix=topic_prefix, partitions="1")
        return found.get("keys.codes")

    missing, elsewhere = await looks(), await looks("--process", "ledger")
    file = keys.keep_codes("town", issue.root, issue.hashes)
    there = await looks("--process", "gateway")
    file.write_bytes(other.hashes)
    others = await looks()

    assert [each["state"] for each in (missing, there, others)] == [BAD, GOOD, BAD]
    assert "1 of 1 issues" in missing["said"]
    assert f"town, root {issue.root.hex()}" in missing["said"]
    assert elsewhere is None


async def test_before_there_are_topics_every_remedy_makes_them(
    broker: services.Broker, topic_prefix: str, tmp_path: Path
) -> None:
    """The clock cannot be measured without its topic, whatever the account may do."""
    found = await asyncio.to_thread(
        doctor, 1, data_dir=str(tmp_path), kafka=broker.address, topic_prefix=topic_prefix)
    remedies = {each["remedy"] for about, each in found.items()
                if about.startswith(("topics.", "clocks."))}

    assert remedies == {"Run scrutin provision."}


def states(settings: Settings) -> dict[str, str]:
    return {each.about: each.state for each in here.examined(settings)}


def test_a_key_that_others_can_read_is_bad(tmp_path: Path) -> None:
    """Each key is tried as whoever signs with it would; one that is refused is named."""
    settings = Settings(data_dir=tmp_path)
    keep_private(tmp_path)
    make_private(tmp_path / "keys/device.key", bytes(32))
    before = states(settings)
    (tmp_path / "keys/device.key").chmod(0o644)
    after = states(settings)

    assert (before["keys.gateway"], after["keys.gateway"]) == (GOOD, BAD)
    assert (before["machine.data"], after["keys.control"]) == (GOOD, GOOD)


def test_a_data_folder_that_others_may_open_is_bad(tmp_path: Path) -> None:
    """It is said, and left as it is: the doctor changes nothing."""
    tmp_path.chmod(0o755)
    (tmp_path / "file").touch()
    found = {name: next(each for each in here.examined(Settings(data_dir=tmp_path / name))
                        if each.about == "machine.data") for name in ("", "file")}

    assert {name: (each.state, "chmod" in each.remedy) for name, each in found.items()} == {
        "": (BAD, True), "file": (BAD, False)}
    assert tmp_path.stat().st_mode & 0o777 == 0o755


def test_a_certificate_near_its_end_is_bad(tmp_path: Path) -> None:
    """One of a day is; one that is no certificate too."""
    path = tmp_path / "authorities.pem"
    path.write_bytes(Authority.made().pem())
    near = states(Settings(data_dir=tmp_path, kafka_ca=path))
    path.write_text("none")
    none = states(Settings(data_dir=tmp_path, kafka_ca=path))
    now = dt.datetime.now(dt.UTC)

    assert {near["certificates.authorities.pem"], none["certificates.authorities.pem"]} == {BAD}
    assert here.lasting("x", "it", now + dt.timedelta(days=30)).state == GOOD
    assert here.lasting("x", "it", now - dt.timedelta(days=1)).said.startswith("it has ended")


@pytest.mark.parametrize(("free", "state"), [(100 << 30, GOOD), (1 << 29, BAD), (40 << 30, BAD)])
def test_a_disk_that_is_nearly_full_is_bad(free: int, state: str) -> None:
    """Below a gigabyte, or a twentieth of it."""
    assert here.room("x", "it", free, 1_000 << 30).state == state


@given(st.lists(st.sampled_from(STATES)))
def test_the_status_tells_the_worst_answer(found: list[str]) -> None:
    """1 for anything bad, 3 for what is unknown, 0 where all is good."""
    answers = [Answer("x", state, "said") for state in found]

    assert exit_code(answers) == (1 if BAD in found else 3 if UNKNOWN in found else 0)


WORDS = st.text(alphabet=st.characters(exclude_characters="*"))


@given(secret=WORDS.filter(bool), before=WORDS, after=WORDS)
def test_no_secret_is_shown_wherever_it_is_quoted(secret: str, before: str, after: str) -> None:
    """Neither in what is said nor in the remedy, however often; no secret takes nothing away."""
    answer = Answer("x", BAD, before + secret + after + secret, secret)

    assert secret not in without([secret, ""], answer).said
    assert without([secret], answer).remedy == "***"
    assert without([""], answer) == answer


def test_the_doctor_is_the_python_that_runs_scrutin() -> None:
    """Versions are those in use."""
    found = {each.about: each.said for each in here.examined(Settings())}

    assert sys.version.split()[0] in found["versions.scrutin"]
