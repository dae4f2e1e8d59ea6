"""What pages tell operators to type is what the program takes, and a test types it."""

import functools
import re
from collections.abc import Iterator
from typing import Any

import pytest
import typer

from scrutin.main import COMMANDS, application
from tests.harness import ROOT
from tests.shown import PAGES, Block, all_blocks, commands, words


SHOWN = sorted({command for page in PAGES for command in commands(page)})
OURS = [command for command in SHOWN if words(command)[0] == "scrutin"]
OTHERS = [command for command in SHOWN if command not in OURS]
FILLED = {"$role": "operator", "PARTITION": "0", "OFFSET": "1", "ROLE": "operator"}
"""What stands for a value, where not any word will do."""
LEFT_OUT = ("MissingParameter", "NoArgsIsHelpError")
"""Where a page names a command without any value."""
TASKS = "a task of this repository's own: it runs tests, or what continuous integration runs"
NO_REGISTRY = "it asks a registry of images, and no test may need one"
NO_NODES = "pods run on nodes: the API server of `make cluster` has none"
NO_TOOLS = "Kafka's own tool: the local stack has its server without them"
NOT_TYPED = {
    **dict.fromkeys(("setup", "stacks", "audit", "interop", "production", "cluster",
                     "lost-brokers", "faults"), TASKS),
    "make acceptance-clickhouse":
        "tests/acceptance runs the same program on the stand-in: it needs a server of somebody's",
    "git clone --depth 1 https://github.com/github/advisory-database": "it asks the network",
    "make advisories FROM=advisory-database": "it reads what was cloned; tests/supply reads a copy",
    "docker push registry.example.org/scrutin:1": NO_REGISTRY,
    "docker buildx imagetools inspect NAME:VERSION": NO_REGISTRY,
    "docker build --file deploy/docker/Dockerfile --tag registry.example.org/scrutin:1 .":
        "its base comes from a registry: `make containers` builds the file on a stand-in",
    "kubectl -n vote exec": NO_NODES, "kubectl -n vote port-forward": NO_NODES,
    "kafka-topics.sh": NO_TOOLS, "kafka-configs.sh": NO_TOOLS, "kafka-consumer-groups.sh": NO_TOOLS,
    "ssh -L": "it needs another host",
    "docker compose restart": "no test exchanges certificates under containers that run",
}
"""Commands, by how they begin (`make` by its task), that no test types, and why."""
TYPED = {
    "docker compose --file": ("tests/production/test_containers.py", '"--file", path'),
    "helm upgrade": ("tests/production/test_cluster.py", "helm upgrade"),
    "helm uninstall": ("tests/production/test_cluster.py", "helm uninstall"),
}
"""Those that a test types in words of its own: where, and by what it is seen."""
READ = {
    ("docs/operate.md", "On Kubernetes", "yaml"): "tests/production/test_cluster.py",
    ("docs/operate.md", "Witnesses", ""): "tests/test_typed_commands.py",
}
"""Blocks that are files, and who reads them as they are."""


@pytest.mark.parametrize("command", OURS)
def test_the_program_takes_it(command: str) -> None:
    """Commands, options, numbers and choices are those that there are, and nothing is missing.

    A command may be named without any of its values.
    """
    found, given = typer.main.get_command(application()), _filled(command)
    allowed = LEFT_OUT if given == _named(command)[0] else ()

    assert _complaint(found, given) in ("", *allowed)


def _complaint(found: Any, given: list[str]) -> str:
    """Say of which kind a command line is wrong, as typer finds it; its classes are hidden."""
    context = None
    try:
        while isinstance(found, typer.core.TyperGroup):
            context = found.make_context(found.name or "", given, parent=context)
            _, found, given = found.resolve_command(
                context, [*context._protected_args, *context.args])
        found.make_context(found.name or "", given, parent=context)
    except Exception as error:  # noqa: BLE001 -- typer hides the classes of its errors
        return type(error).__name__
    return ""


@pytest.mark.parametrize("command", OURS)
def test_some_test_types_it(command: str) -> None:
    """Word by word with the options that are shown, or in a block that it follows."""
    name, options = _named(command)
    listed = '",\\s*"'.join(name)
    typed = re.compile(rf'"{listed}"|"scrutin {" ".join(name)}[" ]')

    assert any(command in block.text for block in _followed()) or [
        path for path, text in _tests().items()
        if typed.search(text) and all(option in text for option in options)]


@pytest.mark.parametrize("command", OTHERS)
def test_some_test_types_what_is_not_ours(command: str) -> None:
    """Or it is listed, with the reason why none can."""
    begins = [each for each in (*NOT_TYPED, *TYPED) if _begins(command, each)]

    assert any(_plain(command) in _plain(block.text) for block in _followed()) != bool(begins)


@pytest.mark.parametrize("begin", [*NOT_TYPED, *TYPED])
def test_what_is_listed_is_shown(begin: str) -> None:
    """A page that does not show it any more takes its reason with it; who types it, does."""
    path, seen = TYPED.get(begin, ("", ""))

    assert any(_begins(command, begin) for command in OTHERS)
    assert seen in _tests().get(path, "")


@pytest.mark.parametrize(("page", "block"), [
    (page, block) for page in PAGES for block in all_blocks(page)],
    ids=lambda found: found.heading if isinstance(found, Block) else found)
def test_every_block_is_followed(page: str, block: Block) -> None:
    """As it is printed: by a test that asks for the blocks below that heading."""
    listed = [line for line in block.text.splitlines()
              if any(_begins(line, each) for each in (*NOT_TYPED, *TYPED))]
    reader = READ.get((page, block.heading, block.kind))

    assert block in _followed() or listed == block.text.splitlines() or (
        reader is not None and block.heading in _tests()[reader])


def _filled(command: str) -> list[str]:
    return [FILLED.get(word.rstrip("…"), word.rstrip("…")) for word in words(command)[1:]
            if word != "…"]


def _named(command: str) -> tuple[list[str], list[str]]:
    """Return the words that name a command of ours, and the options that are shown with it."""
    given = words(command)[1:]
    size = next((size for size in (2, 1) if tuple(given[:size]) in COMMANDS), len(given))
    return given[:size], [word for word in given if word.startswith("--")]


def _begins(command: str, begin: str) -> bool:
    return f"{command} ".startswith((f"{begin} ", f"make {begin} "))


def _plain(text: str) -> str:
    return " ".join(text.split())


@functools.cache
def _followed() -> tuple[Block, ...]:
    """Return the blocks that a test follows word for word."""
    return tuple(block for page in PAGES for block in all_blocks(page)
                 if any(_asks_for(text, page, block) for text in _tests().values()))


def _asks_for(test: str, page: str, block: Block) -> bool:
    asked: Iterator[re.Match[str]] = re.finditer(
        rf'blocks\(\s*"{re.escape(page)}",\s*"{re.escape(block.heading)}"([^)]*)\)', test)
    return any(not each[1] or f'"{block.kind}"' in each[1] for each in asked)


@functools.cache
def _tests() -> dict[str, str]:
    return {str(path.relative_to(ROOT)): path.read_text("utf-8")
            for path in sorted((ROOT / "tests").rglob("*.py")) if path.name != "shown.py"}
