"""The house rules that a program can check; docs/adr/0001-house-style-and-tooling.md says why."""

import ast
import functools
import re
import tokenize
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from schemas.registry import FOLLOW_RULES


ROOT = Path(__file__).parents[1]
ROOMS = ("schemas", "producers", "processors", "sinks", "views", "deploy", "scrutin")
FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 50
LINE_COLUMNS_MAX = 100
ASSERTIONS_MAX = 6
TEXTS = {".py", ".md", ".sql", ".yml", ".toml", ".html", ".css", ".po", ".sh", ""}
"""Endings of files that people write; the empty one is that of Makefile, Dockerfile and .ci/."""

PURE_FOLDERS = ("processors/guard", "processors/ledger", "processors/results")
"""Whatever lies here decides and computes: no I/O, no clock, no waiting, whoever adds a file."""
PROOFS = ("auditing", "checkpoints", "entries", "hashing", "key_commitments", "notes", "policy",
          "proofs", "receipts", "regrowing", "tiles", "tlog_proof", "tree")
"""Modules of sinks/transparency/ that an auditor or voter runs offline."""
OUTSIDE = frozenset((
    "aiokafka", "asyncio", "clickhouse_connect", "faust", "httpx2", "os", "pathlib", "random",
    "requests", "secrets", "socket", "subprocess", "tempfile", "threading", "time",
    "urllib.request"))
"""Whoever imports one of these could do I/O, read a clock or wait."""

UNBOUNDED = ("email", "http.cookies", "cgi", "starlette.formparsers", "python_multipart")
"""Readers that take any number of parts, or a time that grows with the square of what they read."""
FORM_READERS = frozenset(("views/asked.py", "deploy/local/clickhouse_body.py"))
"""Where a form is taken apart, within bounds."""
OF_REQUESTS = frozenset((
    "base_url", "body", "cookies", "form", "json", "query_params", "stream", "url"))
"""What the framework reads of a request without a bound; `views.asked` reads it within one."""
LARGE_FOLDERS = (*PURE_FOLDERS, "processors/workers", "producers/gateway")
"""Folders whose door names every file, as that of a room does."""
NOT_NAMED = frozenset(("__init__", "__main__", "__pycache__", "py.typed"))
"""What lies in every room, or in whichever Python likes."""

PURE = re.compile(r"\bPure[.:]")
"""How a docstring says so."""
EXCUSE = re.compile(r"noqa|type:\s*ignore")
REASONED = re.compile(
    r"#\s*(?:ruff:\s*)?noqa:\s*[A-Z]+\d+(?:,\s*[A-Z]+\d+)*\s+-{1,2}\s*\S"
    r"|#\s*type:\s*ignore\[[a-z-]+(?:,\s*[a-z-]+)*\]\s+#\s*\S")
PRAGMA = re.compile(r"\s+#\s*(?:noqa|type:\s*ignore).*$")
LOOKS_AWAY = re.compile(
    r"time\.sleep\(|pytest\.(?:mark\.)?(?:skip|xfail)|importorskip|unittest\.mock|MagicMock")
FOREIGN = re.compile(
    r"/(?:work|root|home|Users)/\w"
    r"|(?<![\w.-])(?:files\.pythonhosted\.org|(?:www\.)?pypi\.org|test\.pypi\.org"
    r"|repo1?\.maven(?:\.apache)?\.org|docker\.io|ghcr\.io|quay\.io|registry\.npmjs\.org"
    r"|proxy\.golang\.org)")


@functools.cache
def _programs(*folders: str) -> tuple[Path, ...]:
    return tuple(sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py")))


@functools.cache
def _text(path: Path) -> str:
    return path.read_text("utf-8")


@functools.cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(_text(path))


def _doc(path: Path) -> str:
    return ast.get_docstring(_tree(path)) or ""


def _place(path: Path, line: int) -> str:
    return f"{path.relative_to(ROOT)}:{line}"


def _functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def _none(faults: list[str]) -> None:
    """Fail with every fault on a line of its own."""
    assert not faults, "\n" + "\n".join(faults)


ALL = _programs(*ROOMS, "tests", "benchmarks", "docs")
OURS = _programs(*ROOMS)
TESTS = tuple(path for path in _programs("tests") if path != Path(__file__))


def test_files_are_short() -> None:
    """A file has at most 400 lines: it answers one question."""
    _none([f"{path.relative_to(ROOT)}: {len(_text(path).splitlines())} lines" for path in ALL
           if len(_text(path).splitlines()) > FILE_LINES_MAX])


def test_functions_are_short() -> None:
    """A function has at most 50 lines."""
    _none([
        f"{_place(path, node.lineno)} {node.name}" for path in ALL for node in _functions(path)
        if (node.end_lineno or node.lineno) - node.lineno >= FUNCTION_LINES_MAX
    ])


def test_lines_are_short() -> None:
    """A line has at most 100 columns, not counting the reason of an excuse at its end."""
    _none([
        _place(path, number) for path in ALL
        for number, line in enumerate(_text(path).splitlines(), 1)
        if len(PRAGMA.sub("", line)) > LINE_COLUMNS_MAX
    ])


def test_every_excuse_names_its_rule_and_its_reason() -> None:
    """An exception to a linter's or the type checker's rule bears its code and a reason."""
    _none([
        f"{_place(path, number)} {comment}" for path in ALL
        for number, comment in _comments(path)
        if EXCUSE.search(comment) and not REASONED.search(comment)
    ])


def _comments(path: Path) -> Iterator[tuple[int, str]]:
    with path.open("rb") as program:
        for token in tokenize.tokenize(program.readline):
            if token.type == tokenize.COMMENT:
                yield token.start[0], token.string


def test_tests_neither_sleep_nor_look_away() -> None:
    """No test sleeps, is skipped, may fail, or puts a mock in the place of a part of ours."""
    _none([
        f"{_place(path, number)} {line.strip()}" for path in TESTS
        for number, line in enumerate(_text(path).splitlines(), 1) if LOOKS_AWAY.search(line)
    ])


def test_tests_state_one_property() -> None:
    """A test has at most six assertions: more is two properties, or one structure to compare."""
    _none([
        f"{_place(path, node.lineno)} {node.name}: {count}"
        for path in _programs("tests") for node in _functions(path)
        if node.name.startswith("test_") and (count := _assertions(node)) > ASSERTIONS_MAX])


def _assertions(test: ast.AST) -> int:
    """Count what a test asserts; that something is there at all is for the type checker."""
    return sum(isinstance(node, ast.Assert) and not ast.unparse(node.test).endswith(" is not None")
               for node in ast.walk(test))


def test_every_test_says_what_must_hold() -> None:
    """Each test has a docstring that states the property."""
    _none([
        f"{_place(path, node.lineno)} {node.name}" for path in TESTS for node in _functions(path)
        if node.name.startswith("test_") and not ast.get_docstring(node)
    ])


def test_nothing_of_one_machine_or_registry_is_written_down() -> None:
    """No file names a folder of somebody's machine or the host of a package registry."""
    _none([
        f"{_place(path, number)} {line.strip()[:80]}" for path in _texts()
        for number, line in enumerate(_text(path).splitlines(), 1) if FOREIGN.search(line)
    ])


def _texts() -> Iterator[Path]:
    """Walk the files people write: the rooms, the tests, the pages, what lies at the root."""
    folders = (*ROOMS, "tests", "benchmarks", "docs", ".ci")
    inner = [path for folder in folders for path in (ROOT / folder).rglob("*")]
    for path in (*inner, *ROOT.iterdir()):
        # In a worktree `.git` is a file that names a folder; nobody writes or publishes it.
        ours = (path.is_file() and path.suffix in TEXTS and path.name != ".git"
                and path != Path(__file__))
        if ours and "__pycache__" not in path.parts:
            yield path


def test_every_room_says_what_it_answers() -> None:
    """The door of each room asks its question, and says what enters and what leaves."""
    doors = {room: _doc(ROOT / room / "__init__.py") for room in ROOMS if room != "scrutin"}

    _none([
        room for room, said in doors.items()
        if not ("?" in said and "enters" in said.lower() and "leaves" in said.lower())
    ])


def test_every_door_names_what_lies_behind_it() -> None:
    """The door of a room, or of a large folder, names each of its files, and no other."""
    wrong = []
    for room in (*ROOMS, *LARGE_FOLDERS):
        door = ROOT / room / "__init__.py"
        named = set(re.findall(r"`([a-z0-9_.]+)`", _doc(door)))
        there = {path.name.removesuffix(".py") for path in door.parent.iterdir()}
        wrong += [f"{room}/: {name}" for name in sorted(named ^ there - NOT_NAMED)]
    _none(wrong)


def test_no_door_says_a_sentence_twice() -> None:
    """Two changes that each list a room's files leave both lists where nobody reads the whole."""
    wrong = []
    for path in OURS:
        if path.name == "__init__.py":
            said = Counter(" ".join(sentence.split()) for sentence in _doc(path).split(". "))
            wrong += [f"{path.parent.relative_to(ROOT)}/: {sentence}"
                      for sentence, times in said.items() if times > 1]
    _none(wrong)


def test_every_package_has_a_docstring() -> None:
    """The door of every folder of code says what it is for."""
    _none([_place(path, 1) for path in OURS if path.name == "__init__.py" and not _doc(path)])


def test_what_is_pure_reaches_nothing_that_waits_reads_or_tells_time() -> None:
    """Neither a file of the pure folders, nor one that says "Pure.", nor what those import."""
    _none(list(_impure(_pure_modules(), {_module(path): _modules(path) for path in OURS})))


def test_an_impure_import_is_found_wherever_it_stands() -> None:
    """`import time` two imports away from a pure module is named with the way to it."""
    imports = {"pure": ["near.function"], "near": ["far"], "far": ["time"], "aside": ["socket"]}

    assert list(_impure(["pure"], imports)) == ["pure -> near -> far -> time"]
    assert not list(_impure(["pure"], imports | {"far": ["math"]}))


def test_proofs_call_themselves_pure() -> None:
    """What voters and auditors run offline claims to be pure, so that the test above holds it."""
    _none([name for name in PROOFS
           if not PURE.search(_doc(ROOT / f"sinks/transparency/{name}.py"))])


def _pure_modules() -> list[str]:
    return [_module(path) for path in OURS if PURE.search(_doc(path))
            or str(path.relative_to(ROOT)).startswith(PURE_FOLDERS)]


def _impure(pure: Iterable[str], imports: Mapping[str, Iterable[str]]) -> Iterator[str]:
    """Name the ways from pure modules to what is not, the shortest of each."""
    for start in pure:
        seen = {start}
        ways: list[tuple[str, ...]] = [(start,)]
        for way in ways:  # grows while it is walked
            for name in imports[way[-1]]:
                if any(f"{name}.".startswith(f"{one}.") for one in OUTSIDE):
                    yield " -> ".join((*way, name))
                found = name if name in imports else name.rpartition(".")[0]
                if found in imports and found not in seen:
                    seen.add(found)
                    ways.append((*way, found))


def _module(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def test_only_the_composition_root_reads_the_environment() -> None:
    """Outside scrutin/ nobody reads environment variables."""
    _none([
        _place(path, node.lineno) for path in OURS if path.relative_to(ROOT).parts[0] != "scrutin"
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "environb", "getenv"}
    ])


def test_readers_without_a_bound_are_not_used() -> None:
    """Nobody imports Python's readers of e-mail and cookies, or takes a form apart elsewhere."""
    _none([
        f"{path.relative_to(ROOT)} imports {name}" for path in OURS
        if str(path.relative_to(ROOT)) not in FORM_READERS
        for name in _modules(path)
        if any(name == one or name.startswith(f"{one}.") for one in UNBOUNDED)
    ])


@functools.cache
def _modules(path: Path) -> tuple[str, ...]:
    """Return the whole names of everything a module imports."""
    names: list[str] = []
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            names += (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names += (f"{node.module}.{alias.name}" for alias in node.names)
    return tuple(names)


def test_what_visitors_send_is_read_in_one_place() -> None:
    """Pages ask `views.asked` for address, query, cookies and forms, never the framework."""
    _none([
        f"{_place(path, node.lineno)} {ast.unparse(node)}" for path in _programs(
            "producers", "scrutin", "views")
        if path != ROOT / "views" / "asked.py"
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.Attribute) and node.attr in OF_REQUESTS
        and "request" in ast.unparse(node.value).lower()
    ])


def test_consumers_and_producers_are_made_in_one_place() -> None:
    """Nobody else spells out the options that keep events safe, or leaves one away."""
    _none([
        f"{_place(path, node.lineno)} {ast.unparse(node)[:80]}"
        for path in OURS if path != ROOT / "schemas/kafka_clients.py"
        for node in ast.walk(_tree(path)) if isinstance(node, ast.Call)
        and ast.unparse(node.func).endswith(("AIOKafkaConsumer", "AIOKafkaProducer"))])


def test_exit_codes_are_named_in_one_table() -> None:
    """No command ends with a bare number, and nobody else names one."""
    table = ROOT / "schemas/exit_codes.py"
    _none([
        f"{_place(path, node.lineno)} {ast.unparse(node)[:80]}"
        for path in OURS if path != table for node in ast.walk(_tree(path))
        if (isinstance(node, ast.stmt | ast.expr) and _ends_with_a_number(node)) or (
            isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
            and ast.unparse(node.targets[0]).lower().startswith("exit_"))])


def _ends_with_a_number(node: ast.AST) -> bool:
    """Whether an exit is given a number other than 0."""
    return isinstance(node, ast.Call) and ast.unparse(node.func) in {
        "typer.Exit", "sys.exit", "fail"} and any(
            isinstance(given, ast.Constant) and isinstance(given.value, int) and given.value
            for argument in node.args
            for given in ast.walk(argument))


def test_whether_shares_are_hidden_is_asked_in_one_place() -> None:
    """Nobody but `shares_hidden` looks for the field that a document without shares has."""
    place = ROOT / "processors/results/results_document.py"
    _none([
        f"{_place(path, node.lineno)} {ast.unparse(node)}" for path in OURS if path != place
        for node in ast.walk(_tree(path)) if isinstance(node, ast.Compare)
        and "embargoed_until" in ast.unparse(node.left)])


def test_readers_read_every_version() -> None:
    """Who looks for events by the version that is written now is blind for all others, and an id
    that is made of its header is another one once there is a newer."""
    assert not [
        f"{path.relative_to(ROOT)}: {ast.unparse(node)}"
        for path in _programs(
            "processors", "producers", "sinks", "scrutin", "views", "benchmarks")
        for node in ast.walk(_tree(path)) if _reads_one_version(node)]


def test_a_reader_of_one_version_is_found() -> None:
    """As a header or as a decoder, under its module's name or its own."""
    for source, found in (
            ('current("VoteCast").header', True), ('registry.current("VoteCast").header', True),
            ('hot.decoder("RulesAdopted", "voter")', True), ('decoder("VoteCast")', True),
            ('hot.decoders("VoteCast", "voter")', False), ('headers("VoteCast")', False),
            ('hot.decoder("VoteCast", version=2)', False), ('current("VoteCast", rules)', False),
            ('current("ThemeDescribed").header', True), ('hot.encoder("VoteCast")', False),
            ("current(named_keys.EVENT).header", True), ("current(event).header", False)):
        assert any(map(_reads_one_version, ast.walk(ast.parse(source)))) == found, source


def _reads_one_version(node: ast.AST) -> bool:
    """Whether a call asks for what is written now of an event: of any, or to decode it, of those
    whose versions follow the rules."""
    if not isinstance(node, ast.Call) or not node.args or node.keywords:
        return False
    name = ast.unparse(node.func).rpartition(".")[2]
    event = node.args[0]
    if name == "decoder":
        return isinstance(event, ast.Constant) and event.value in FOLLOW_RULES
    is_named = isinstance(event, ast.Constant) or ast.unparse(event).rpartition(".")[2].isupper()
    return name == "current" and len(node.args) == 1 and is_named
