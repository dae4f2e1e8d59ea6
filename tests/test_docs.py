"""The documentation says what the code says: nothing is missing, nothing leads nowhere."""

import ast
import functools
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from docs import generate
from processors.ledger.rules import VERSIONS
from processors.results import descriptions
from producers.consultation_file import ConsultationFile
from producers.gateway import guards, networks
from producers.gateway.keys import KeyFolder
from producers.gateway.memory import VOTERS_REMEMBERED
from schemas import registry, words
from schemas.topics import KEPT_FORTNIGHT, Topics
from scrutin.main import COMMANDS, PROCESSES, VERSION
from scrutin.settings import Settings
from sinks.recount import report
from views.operations import access
from views.pages import languages
from views.voting.places import PAPER_COOKIE, PAPER_SECONDS


ROOT = Path(__file__).parents[1]
ROOMS = ("schemas", "producers", "processors", "sinks", "views", "deploy", "scrutin")
PAGES = tuple(sorted((*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"))))
LINK = re.compile(r"\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
PLACEHOLDER = re.compile(r"\.\.\.|\b(?:[A-Z]|SETTING|VALUE)\b")
"""What stands for a value in the messages that docs/operate.md quotes."""


def _page(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


@pytest.mark.parametrize("path", generate.pages(), ids=lambda path: path.name)
def test_generated_pages_are_fresh(path: Path) -> None:
    """The parts that follow from the code are what the code gives: else run `make docs`."""
    assert path.read_text("utf-8") == generate.pages()[path]


def test_every_setting_is_documented() -> None:
    """Each setting stands in the operators' table by the name of its variable."""
    text = _page("docs/operate.md")

    assert [n for n in Settings.model_fields if f"| `SCRUTIN_{n.upper()}` |" not in text] == []


def test_every_field_and_setting_says_what_it_means() -> None:
    """No setting and no field of an event goes without a sentence."""
    undocumented = [row for row in _page("docs/events.md").splitlines() if row.endswith("|  |")]

    assert undocumented == []
    assert all(field.description for field in Settings.model_fields.values())


def test_every_event_is_documented() -> None:
    """Each event has a heading in the page of events."""
    text = _page("docs/events.md")
    events = {schema.event for schema in registry.all_schemas().values()}

    assert [event for event in sorted(events) if f"### {event}\n" not in text] == []


def test_what_the_release_before_cannot_read_is_named() -> None:
    """Whatever is written before rules are adopted and 0.1.0 does not know stands in upgrading."""
    with zipfile.ZipFile(ROOT / "tests/releases/scrutin-0.1.0-py3-none-any.whl") as wheel:
        known = json.loads(wheel.read("schemas/ids.json"))
    fresh = {schema.event for schema in registry.all_schemas().values()
             if str(schema.id) not in known} - registry.FOLLOW_RULES
    text = _page("docs/upgrade.md")

    assert fresh
    assert [event for event in sorted(fresh) if f"`{event}`" not in text] == []


def test_every_topic_is_documented() -> None:
    """Each topic stands in the operators' page."""
    text = _page("docs/operate.md")

    topics = [topic.name for topic in Topics("scrutin", 4).specifications()]

    assert [topic for topic in topics if f"`{topic}`" not in text] == []


def test_the_privacy_page_says_what_is_kept_and_for_how_long() -> None:
    """Each topic, cookie and key is named, with the time that the code keeps it."""
    text = _page("docs/privacy.md")
    topics = [topic.name for topic in Topics("scrutin", 4).specifications()]
    cookies = (guards.SECURE_COOKIE, guards.LOOPBACK_COOKIE, PAPER_COOKIE, languages.COOKIE,
               access.COOKIE, guards.BEARER_COOKIE, f"__Host-{guards.BEARER_COOKIE}")
    days = int(KEPT_FORTNIGHT["retention.ms"]) // networks.DAY_MILLISECONDS

    assert [name for name in (*topics, *cookies) if f"`{name}`" not in text] == []
    assert f"{days} days; its key is destroyed after {24 * networks.KEY_DAYS} hours" in text
    assert (guards.COOKIE_SECONDS, PAPER_SECONDS, access.COOKIE_SECONDS, networks.TIDY_SECONDS) == (
        365 * 86_400, 365 * 86_400, 12 * 3_600, 600), "a year, twelve hours, within ten minutes"
    for number in (VOTERS_REMEMBERED, guards.ADDRESSES_REMEMBERED, descriptions.WITHHELD_BELOW):
        assert f"{number:,}" in text
    settings = {f"SCRUTIN_{name.upper()}" for name in Settings.model_fields}
    assert set(re.findall(r"SCRUTIN_[A-Z_]+", text)) <= settings


def test_the_privacy_page_names_the_keys_that_are_destroyed(tmp_path: Path) -> None:
    """What a sealing deletes is what the page lists: no key more, none less."""
    keys = KeyFolder(tmp_path)
    for make in (keys.pepper, keys.participants_pepper):
        make("ID")
    keys.network("2026-01-01")
    keys.keep_codes("ID", bytes(32), bytes(32))
    gone = [str(path.relative_to(tmp_path)).replace("2026-01-01", "DATE").replace("00" * 32, "ROOT")
            for path in (*keys.seal("ID"), *keys.destroy_networks(before="2026-01-02"))]
    listed = _page("docs/privacy.md").split("## Sealing")[1].split("\n## ")[0]

    assert sorted(gone) == sorted(re.findall(r"^\d\. `([^`]+)`", listed, re.MULTILINE))


def test_every_word_of_the_ledger_is_explained() -> None:
    """Choices, qualifications, outcomes, reasons and trusts stand in the glossary."""
    text = _page("docs/glossary.md")
    spoken = {*words.CHOICES, *words.QUALIFICATIONS, *words.OUTCOMES, *words.REASONS,
              *words.SET_ASIDE, *words.TRUSTS} - {"none"}

    assert [word for word in sorted(spoken) if f"`{word}`" not in text] == []


def test_every_command_is_documented() -> None:
    """Each command has a heading in the page of commands, and no other has."""
    headings = re.findall(r"^## ([a-z -]+)$", _page("docs/commands.md"), re.MULTILINE)

    assert sorted(headings) == sorted(" ".join(command) for command in COMMANDS)


CAPACITY = {
    "ledger_votes_per_second": (3, "one ledger decided {} votes a second"),
    "recovery_decisions_per_second": (3, "at {} decisions a second"),
    "archive_events_per_second": (3, "of {} measured"),
    "leaves_per_second": (3, "leaves a second of {}"),
    "gateway_votes_per_second": (2, "{} votes a second in one process"),
    "gateway_cpu_microseconds_per_vote": (0, "× {} µs"),
    "ledger_cpu_microseconds_per_vote_at_10m": (-1, "× {} µs"),
    "results_page_milliseconds": (0, "a page of results {} ms"),
    "result_latency_milliseconds_p99_at_10000": (0, "there {} ms"),
    "demo_seconds": (0, "votes in {} s"),
}
"""Figures of the benchmarks that capacity is computed from: how many zeros they are rounded to,
and in which words they stand."""


@pytest.mark.parametrize("figure", CAPACITY)
def test_capacity_is_computed_from_what_was_measured(figure: str) -> None:
    """Measure again, and the page of capacity is computed again."""
    [measured] = re.findall(
        rf"^\| `{figure}` \| ([\d.,]+) ", _page("docs/benchmarks.md"), re.MULTILINE)
    zeros, words = CAPACITY[figure]
    rounded = round(float(measured.replace(",", "")), -zeros)
    said = words.format(f"{rounded:,.0f}" if zeros >= 0 else f"{rounded:,.{-zeros}f}")

    assert said in _page("docs/capacity.md")


def test_every_process_has_one_row() -> None:
    """Two rows of one kind would contradict each other sooner or later."""
    table = _page("docs/operate.md").split("## Processes")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `scrutin ([a-z]+)` \|", table, re.MULTILINE)

    assert sorted(rows) == sorted(PROCESSES)


def test_every_exit_code_is_documented() -> None:
    """Each status that the code can end with has a row in the table of exit codes."""
    table = _page("docs/operate.md").split("## Exit codes")[1].split("\n## ")[0]
    documented = {int(code) for code in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)}
    used = {code for tree in _trees() for code in _exit_codes(tree)}

    assert used - documented == set()


def _exit_codes(tree: ast.Module) -> Iterator[int]:
    """Find the numbers given to exits, or to names that say they are exit codes."""
    for node in ast.walk(tree):
        values: list[ast.expr] = []
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"typer.Exit", "sys.exit"}:
            values = node.args
        elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value:
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            name = ast.unparse(target).lower()
            whole = name.startswith("exit_") and "seconds" not in name
            values = [node.value] if whole else []
        for value in values:
            for constant in value.values if isinstance(value, ast.Dict) else [value]:
                if isinstance(constant, ast.Constant) and isinstance(constant.value, int):
                    yield constant.value


@functools.cache
def _trees(*rooms: str) -> tuple[ast.Module, ...]:
    return tuple(ast.parse(path.read_text("utf-8"))
                 for room in rooms or ROOMS for path in sorted((ROOT / room).rglob("*.py")))


def test_every_address_is_documented() -> None:
    """Each route of views and workers stands in the operators' page."""
    routes = {
        str(node.args[0].value) for tree in _trees("scrutin", "views") for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "Route"
        and isinstance(node.args[0], ast.Constant)
    }
    text = _page("docs/operate.md")

    assert routes
    assert [route for route in sorted(routes) if f"`{route}`" not in text] == []


def test_quoted_alarms_are_what_processes_say() -> None:
    """Each message that the operators' page explains can be found in the code."""
    alarms = _page("docs/operate.md").split("## Alarms")[1]
    cells = re.findall(r"^\| (`[^|]+) \|", alarms, re.MULTILINE)
    quoted = [message for cell in cells for message in re.findall(r"`([^`]+)`", cell)]
    said = "\n".join(_templates())

    assert quoted
    assert [message for message in quoted if not _pattern(message).search(said)] == []


def _pattern(message: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in PLACEHOLDER.split(message)))


def _templates() -> Iterator[str]:
    """Yield every text in the code, one a line, with `*` for what is filled in."""
    for tree in _trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value.replace("\n", " ")
            elif isinstance(node, ast.JoinedStr):
                yield "".join(
                    part.value if isinstance(part, ast.Constant) and isinstance(part.value, str)
                    else "*" for part in node.values).replace("\n", " ")


def test_the_architecture_is_the_list_of_folders() -> None:
    """Every folder of code stands in the README's section on architecture, and no other does."""
    section = _page("README.md").split("## Architecture")[1].split("\n## ")[0]
    table = "\n".join(line.split("|")[1] for line in section.splitlines() if line[:2] == "| ")
    listed = set(re.findall(r"`([a-z_/]+)/`", table))
    folders = {str(door.parent.relative_to(ROOT))
               for room in ROOMS for door in (ROOT / room).rglob("__init__.py")}

    assert listed - {"tests", "benchmarks", "docs"} == folders


def test_files_that_are_named_exist() -> None:
    """Recipes and glossary name files, folders and tests that are there."""
    named = [name for page in ("docs/changing.md", "docs/glossary.md")
             for name in re.findall(r"`([a-z_]+(?:/[A-Za-z0-9_.]+)+/?)`", _page(page))]

    assert len(named) > 60
    assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    """Every link inside the repository leads to a file, and to a heading that is there."""
    broken = []
    for target in LINK.findall(FENCE.sub("", path.read_text("utf-8"))):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        found = (path.parent / name).resolve() if name else path
        if not found.exists() or (anchor and anchor not in _anchors(found)):
            broken.append(target)

    assert broken == []


@functools.cache
def _anchors(path: Path) -> frozenset[str]:
    """Return the anchors of a page's headings, as code hosts make them."""
    text = FENCE.sub("", path.read_text("utf-8"))
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return frozenset(
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings)


def test_commands_quoted_anywhere_exist() -> None:
    """Every `make` target and every `scrutin` command that a page shows is there."""
    targets = set(re.findall(r"^([a-z-]+):", _page("Makefile"), re.MULTILINE))
    first_words = {VERSION, *(command[0] for command in COMMANDS)}
    wrong = []
    for path in PAGES:
        shown = "\n".join(_code(path.read_text("utf-8")))
        wrong += [f"{path.name}: make {name}" for name in re.findall(r"\bmake ([a-z-]+)", shown)
                  if name not in targets]
        wrong += [f"{path.name}: scrutin {name}"
                  for name in re.findall(r"^scrutin ([a-z-]+)", shown, re.MULTILINE)
                  if name not in first_words]

    assert wrong == []


def _code(text: str) -> Iterator[str]:
    """Yield what a page shows as code: lines of fences without a comment's text, and spans."""
    for fence in FENCE.findall(text):
        yield from (line.split(" # ")[0] for line in fence.splitlines()[1:-1])
    yield from re.findall(r"`([^`\n]+)`", FENCE.sub("", text))


def test_the_two_commands_of_the_readme_are_targets() -> None:
    """What a newcomer is told to type exists, and each target explains itself to `make help`."""
    targets = re.findall(r"^([a-z-]+):.*## .+$", _page("Makefile"), re.MULTILINE)

    assert {"demo", "test", "setup", "check", "lock", "docs", "help"} <= set(targets)
    assert "```\nmake demo\nmake test\n```" in _page("README.md")


def test_the_readme_names_every_room() -> None:
    """Each folder of code has its row in the README and in the architecture page."""
    for name in ("README.md", "docs/architecture.md"):
        assert [room for room in ROOMS if f"| `{room}/` |" not in _page(name)] == []


def test_every_decision_is_listed() -> None:
    """Each decision record stands in the list, and has the sections of its form."""
    listed = _page("docs/adr/README.md")
    records = sorted((ROOT / "docs/adr").glob("0*.md"))
    sections = ("## Context and problem statement", "## Considered options",
                "## Decision outcome", "### Consequences")

    assert [record.name for record in records if f"({record.name})" not in listed] == []
    assert [(record.name, section) for record in records for section in sections
            if f"{section}\n" not in record.read_text("utf-8")] == []


def test_every_version_of_the_rules_is_explained() -> None:
    """A decision record has the table of each, and upgrading says what an adoption brings."""
    records = "\n".join(_page(str(record)) for record in (ROOT / "docs/adr").glob("0*.md"))
    later = [rules for rules in VERSIONS if rules > registry.FIRST_RULES]

    assert later
    assert [rules for rules in later if f"rules {rules}" not in records.lower()
            or f"rules {rules}" not in _page("docs/upgrade.md").lower()] == []


def test_every_computation_of_a_recount_is_explained() -> None:
    """Each column of a recount's table has a row that says what it looks at."""
    section = _page("docs/audit.md").split(" computations\n")[1].split("\n## ")[0]

    assert [name for name in report._COLUMNS if f"\n| {name} |" not in section] == []


def test_the_example_of_a_consultation_is_accepted() -> None:
    """The file shown in getting started is one that the program takes."""
    example = re.search(r"```json\n(.*?)```", _page("docs/getting-started.md"), re.DOTALL)

    assert example is not None
    assert ConsultationFile.model_validate_json(example[1]).id == "my-consultation"
