"""Ports are found, remembered and promised."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.errors import PortTakenError
from deploy.local.ports import LOOPBACK, HeldPorts, PortBook, find_free, is_free, require_free


@pytest.fixture
def taken_port() -> Iterator[int]:
    """Keep a port taken for the length of a test."""
    with socket.socket() as server:
        server.bind((LOOPBACK, 0))
        server.listen()
        yield int(server.getsockname()[1])


def test_free_ports_are_free_and_different() -> None:
    """Ports found together never collide with each other."""
    ports = find_free(20)

    assert len(set(ports)) == 20
    assert all(is_free(port) for port in ports)


def test_taken_port_is_named_with_its_purpose_and_a_remedy(taken_port: int) -> None:
    """Who hits a taken port learns which one, what for and what to do."""
    with pytest.raises(PortTakenError) as caught:
        require_free(taken_port, "Kafka", "choose another one")

    message = str(caught.value)
    assert str(taken_port) in message
    assert "Kafka" in message
    assert "choose another one" in message


def test_ports_are_the_same_in_the_next_run(tmp_path: Path) -> None:
    """A stack that resumes is found where it was."""
    first = PortBook(tmp_path / "ports.json").assign({"kafka": None, "views": None}, HeldPorts())
    second = PortBook(tmp_path / "ports.json").assign({"kafka": None, "views": None}, HeldPorts())

    assert first == second


def test_a_remembered_port_that_somebody_took_is_replaced(tmp_path: Path) -> None:
    """A wish of the last run never keeps a stack from starting."""
    book = PortBook(tmp_path / "ports.json")
    first = book.assign({"kafka": None, "views": None}, HeldPorts())
    with socket.socket() as server:
        server.bind((LOOPBACK, first["kafka"]))
        server.listen()
        second = book.assign({"kafka": None, "views": None}, HeldPorts())

    assert second["kafka"] != first["kafka"]
    assert second["views"] == first["views"]


def test_an_explicit_port_that_is_taken_is_an_error(tmp_path: Path, taken_port: int) -> None:
    """A port somebody asked for is never silently exchanged."""
    with pytest.raises(PortTakenError, match=str(taken_port)):
        PortBook(tmp_path / "ports.json").assign({"views": taken_port}, HeldPorts())


def test_an_unreadable_port_book_is_started_anew(tmp_path: Path) -> None:
    """Half a file from a full disk costs the old ports, nothing else."""
    path = tmp_path / "ports.json"
    path.write_text('{"kafka": ')

    assert set(PortBook(path).assign({"kafka": None}, HeldPorts())) == {"kafka"}


def taken_by(port: int) -> bool:
    """Whether somebody who only binds cannot."""
    with socket.socket() as stranger:
        try:
            stranger.bind((LOOPBACK, port))
        except OSError:
            return True
        return False


def test_a_held_port_is_nobody_elses_while_its_server_is_down() -> None:
    """The server may come and go; a stranger is refused until the port is let go."""
    with HeldPorts() as held:
        port = held.find()
        for _ in range(2):
            assert taken_by(port)
            with socket.create_server((LOOPBACK, port)):
                assert not is_free(port)
        assert taken_by(port)
    assert not taken_by(port)


def test_a_port_that_is_taken_cannot_be_held(taken_port: int) -> None:
    """It is said as it is of a port that must be free."""
    with HeldPorts() as held, pytest.raises(PortTakenError, match=f"{taken_port} for Kafka"):
        held.hold(taken_port, "Kafka", "choose another one")


def test_held_ports_differ() -> None:
    """What is held is not found again."""
    with HeldPorts() as held:
        assert len({held.find() for _ in range(50)}) == 50


def test_forgotten_ports_are_let_go() -> None:
    """Who forgets to close leaves nothing held."""
    held = HeldPorts()
    port = held.find()
    del held
    assert not taken_by(port)
