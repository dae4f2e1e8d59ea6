"""Every memory that lives longer than a request says what bounds it: a new one fails until then.

What grows is found, not listed: caches of functions by importing every module, containers of
objects by reading the classes of the processes that visitors reach.
"""

import ast
import functools
import importlib
import ipaddress
import itertools
import pkgutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from producers.gateway import door_marks, guards, identity
from schemas.visitors import Query
from tests.memory import traced
from views.hosts import HOST_BYTES
from views.pages import proposals_page
from views.pages.languages import REMEMBERED_CHARACTERS


ROOT = Path(__file__).parents[1]
ROOMS = ("schemas", "processors", "producers", "sinks", "views", "scrutin")
CACHES_BYTES = 64 << 20
"""All caches that visitors can fill, together."""

CATALOGUE = "grows with the catalogue, which operators write"
NUMBERS = "numbers and their texts: small, and no more of them than its size"
OURS = "as many as we have routes, problems, schemas, languages, processes or workers"
KEYS = "keys that lie in the folder, which operators put there"
REQUEST = "goes with its request or form, whose head, fields and body are bounded"
BATCH = "goes with its batch or flush, which this process makes itself"
OFFLINE = "belongs to a command or worker that no visitor reaches"

CACHES: dict[str, str | int] = {
    "processors.guard.chances._ln": NUMBERS,
    "processors.guard.chances.tail": NUMBERS,
    "processors.guard.rings._expected_most": OURS,
    "processors.ledger.rules_1.transition": OURS,
    "processors.ledger.rules_2.transition": OURS,
    "processors.ledger.snapshots.meaning": OURS,
    "processors.results.scores._individual": NUMBERS,
    "processors.results.scores.share": NUMBERS,
    "processors.results.scores.wilson": NUMBERS,
    "producers.campaign.noise._event": OFFLINE,
    "producers.campaign.sentences._grammars": OFFLINE,
    "producers.campaign.sentences.possible": OFFLINE,
    "producers.gateway.guards._host_of": 2_560,  # with what urllib.parse remembers of it
    "producers.gateway.guards._network_of": 384,
    "producers.gateway.guards._remembered": 1_024,
    "producers.gateway.operations._patterns": OURS,
    "producers.gateway.operations.openapi": OURS,
    "producers.gateway.rates._policy": OURS,
    "producers.gateway.receipts._id_of": KEYS,
    "schemas.bounds._bounds": OURS,
    "schemas.control_outlines._form": OURS,
    "schemas.defaults._is_plain": OURS,
    "schemas.defaults._upgrade": OURS,
    "schemas.hot.decoder": OURS,
    "schemas.hot.encoder": OURS,
    "schemas.hot.recurring_long": CATALOGUE,
    "schemas.hot.short_string": CATALOGUE,
    "schemas.registry.all_schemas": OURS,
    "schemas.registry.current": OURS,
    "schemas.registry.headers": OURS,
    "schemas.registry.seed": OURS,
    "schemas.registry.versions": OURS,
    "scrutin.process.health._version": OURS,
    "views.hosts._name_in": 1_024,
    "views.pages.languages._accepted": 512,
    "views.pages.languages.catalogue": OURS,
    "views.pages.languages.translations": OURS,
    "views.pages.picture._palette": OURS,
    "views.pages.picture.font": OURS,
    "views.pages.picture.is_drawable": CATALOGUE,
    "views.pages.proposals_page.folded": CATALOGUE,
    "views.pages.rendering.environment": OURS,
    "views.pages.rendering.plain": CATALOGUE,
    "views.pages.rendering.revision": OURS,
    "views.pages.rendering.static": OURS,
    "views.pages.report_page.style": OURS,
    "views.pages.report_page.style_source": OURS,
    "views.voting.texts.written": OURS,
    "views.pages.typography.Typography.integer": NUMBERS,
    "views.pages.typography.Typography.percent": NUMBERS,
    "views.pages.typography.Typography.percent_to_a_tenth": NUMBERS,
    "views.pages.typography.in_french": CATALOGUE,
    "views.voting.folded._words_of": OURS,
}
"""What bounds each cache: the bytes of an entry where visitors fill it, else who does."""

MEMORIES = {
    "producers.gateway.batches.Batches._under_way": "producers.gateway.batches.BATCHES_MOST",
    "producers.gateway.batches.Batches._windows": CATALOGUE,
    "producers.gateway.booth.Booth._asked": "producers.gateway.booth.REVIEWS_REMEMBERED",
    "producers.gateway.dated_keys.DatedKeys._read": KEYS,
    "producers.gateway.descriptions.Descriptions._held":
        "producers.gateway.descriptions.PEOPLE_MOST",
    "producers.gateway.door_counts.DoorCounts._counts":
        "producers.gateway.door_counts.WAITING_MOST",
    "producers.gateway.door_counts.DoorCounts._open": CATALOGUE,
    "producers.gateway.door_counts.DoorCounts._totals": OURS,
    "producers.gateway.drawing.Sequences._outcomes": OURS,
    "producers.gateway.exchange.Answer.headers": REQUEST,
    "producers.gateway.exchange.Asked.limits": REQUEST,
    "producers.gateway.follower.Follower._proposals": CATALOGUE,
    "producers.gateway.issued_codes.IssuedCodes._held": CATALOGUE,
    "producers.gateway.issued_codes.IssuedCodes._missed": CATALOGUE,
    "producers.gateway.key_watch.KeyWatch._named": KEYS,
    "producers.gateway.keys.KeyFolder._signers": KEYS,
    "producers.gateway.ladder.Ladder._raised": "producers.gateway.ladder.RAISED_MOST",
    "producers.gateway.memory.Memory._choices": "producers.gateway.memory.CHOICES_BYTES",
    "producers.gateway.memory.Memory._names": "producers.gateway.memory.NAMES_REMEMBERED",
    "producers.gateway.memory.Memory._numbers": "producers.gateway.memory.NAMES_REMEMBERED",
    "producers.gateway.memory.Memory.under_way": "producers.gateway.outlet.WAITING_EVENTS",
    "producers.gateway.memory.Memory._sequences": "producers.gateway.memory.SEQUENCES_REMEMBERED",
    "producers.gateway.meter.Meter._answers": OURS,
    "producers.gateway.meter.Meter._ballots": CATALOGUE,
    "producers.gateway.meter.Meter._refusals": OURS,
    "producers.gateway.networks.Networks._blocks": "producers.gateway.networks.GATHERED_EVENTS",
    "producers.gateway.networks.Networks._challenged": "producers.gateway.networks.GATHERED_EVENTS",
    "producers.gateway.networks.Networks._events": "producers.gateway.networks.GATHERED_EVENTS",
    "producers.gateway.networks.Networks._networks": "producers.gateway.networks.GATHERED_EVENTS",
    "producers.gateway.networks.Networks._pseudonyms":
        "producers.gateway.networks.NETWORKS_REMEMBERED",
    "producers.gateway.outlet.Outlet._closing": OURS,
    "producers.gateway.outlet.Outlet._tasks": OURS,
    "producers.gateway.outlet._Lane.under_way": "producers.gateway.outlet.WAITING_BYTES",
    "producers.gateway.outlet._Lane.waiting": "producers.gateway.outlet.WAITING_BYTES",
    "producers.gateway.pools.Pools._making": CATALOGUE,
    "producers.gateway.pools.Pools._pools": CATALOGUE,
    "producers.gateway.shared_rates.SharedRates._untold":
        "producers.gateway.shared_rates.NETWORKS_TOLD",
    "producers.gateway.silent_brokers.SilentBrokers._making": OURS,
    "producers.gateway.silent_brokers.SilentBrokers._tries": OURS,
    "producers.gateway.work.Work._made": "producers.gateway.work.MADE_PER_SECOND",
    "producers.gateway.work.Spent._ends": "producers.gateway.work.SPENT_MOST",
    "scrutin.serving.joined_writes.JoinedWrites._lines": OURS,
    "scrutin.serving.joined_writes.JoinedWrites.headers": REQUEST,
    "scrutin.serving.joined_writes._JoiningTransport._bodies":
        "scrutin.serving.untaken.UNTAKEN_BYTES",
    "scrutin.serving.joined_writes._JoiningTransport._parts":
        "scrutin.serving.untaken.UNTAKEN_BYTES",
    "scrutin.process.background.Background._tasks": OURS,
    "scrutin.process.log.Repeats._said": "scrutin.process.log.MESSAGES_REMEMBERED",
    "scrutin.gateway.readers.Door._streams": "views.live.CLIENTS_MAX",
    "scrutin.serving.unfinished.Unfinished._line": "scrutin.serving.unfinished.UNFINISHED_BYTES",
    "scrutin.serving.untaken.Untaken._bodies": "scrutin.serving.untaken.UNTAKEN_BYTES",
    "scrutin.serving.untaken.Untaken._line": "scrutin.serving.joined_writes.CONNECTIONS_MOST",
    "scrutin.serving.untaken._Standing.bodies": "scrutin.serving.untaken.UNTAKEN_BYTES",
    "views.aged.Aged._held": "views.sharing.PICTURES_BYTES",
    "views.asked._Parts._content": REQUEST,
    "views.asked._Parts.found": REQUEST,
    "views.days.Days._told": CATALOGUE,
    "views.documents.Documents._decoded": CATALOGUE,
    "views.draw_costs.DrawCosts._awaited": CATALOGUE,
    "views.draw_costs.DrawCosts._told": CATALOGUE,
    "producers.gateway.follower.Follower._ever": CATALOGUE,
    "views.documents.Documents._kept": "views.documents.KEPT_BYTES",
    "views.flushes.Flushes._catalogue_ahead": CATALOGUE,
    "views.flushes.Flushes._described": CATALOGUE,
    "views.flushes.Flushes._stored": CATALOGUE,
    "views.flushes.Flushes._pending": BATCH,
    "views.flushes.Flushes._values": CATALOGUE,
    "views.flushes.Flushes._vectors": CATALOGUE,
    "views.flushes.Flushes._watchers": OURS,
    "views.guard.door.Door._told": CATALOGUE,
    "views.guard.kept.Kept._read": "views.guard.kept.KEPT_MAX",
    "views.guard.routes.GuardPages._told": "views.guard.routes.TOLD_BYTES",
    "views.live.Live._clients": "views.live.CLIENTS_MAX",
    "views.live.Live._made": "views.live.MADE_BYTES",
    "views.meter.Meter._answers": OURS,
    "views.open_data.Ballot.casts": OFFLINE,
    "views.operations.gateways.Gateways._looks": "views.operations.gateways.MINUTE_LOOKS",
    "views.operations.gateways.Gateways._said": OURS,
    "views.operations.gateways.Gateways._totals": OURS,
    "views.operations.hottest.Hottest._looks": "views.operations.hottest.SAMPLES",
    "views.operations.hottest.Hottest._values": CATALOGUE,
    "views.operations.pages.Operations._shown": OURS,
    "views.operations.pages.Streams._marks": "views.operations.pages.OPERATORS_MAX",
    "views.operations.ruler.Ruler._timelines": OURS,
    "views.operations.ruler.Timeline._stretches": OURS,
    "views.operations.watch.Watch.ends": OURS,
    "views.operations.watch.Watch.places": OURS,
    "views.operations.watch.Watch.looks": "views.operations.watch.HISTORY_LOOKS",
    "views.operations.watch.Watch.recounts": OURS,
    "views.operations.watch.Watch.set_aside": OURS,
    "views.pages.glance.Picture._dots": CATALOGUE,
    "views.pages.glance.Picture._paths": CATALOGUE,
    "views.pages.glance.Picture._places": CATALOGUE,
    "views.shown.Keeping._by_kind": CATALOGUE,
    "views.shown.Keeping._entries": CATALOGUE,
    "views.shown.Keeping._moved": CATALOGUE,
    "views.publications.Publications._kept": "views.publications.DOCUMENTS_BYTES",
    "views.publications.Publications._paged": "views.publications.PAGED_BYTES",
    "views.publications.Publications._pages": "views.publications.PAGES_BYTES",
    "views.shelf.Shelf._held": "views.publications.PAGES_BYTES",
    "views.transparency._Served._files": "views.transparency.FILES_BYTES",
    "views.transparency._Served._shown": "views.transparency.SHOWN_BYTES",
    "views.voting.everybody.Everybody._waiting": REQUEST,
    "views.voting.first_page.FirstPages._kept": "views.voting.first_page.KEPT_BYTES",
    "views.voting.pages.VotePages._rolls": CATALOGUE,
    "views.voting.paper.Paper.marks": REQUEST,
    "views.voting.paper.Paper.older": REQUEST,
    "views.voting.paper.Paper.routes": REQUEST,
    "views.voting.paper.Paper.sequence": REQUEST,
    "views.voting.roll.Roll._names": CATALOGUE,
    "views.voting.roll.Roll._places": CATALOGUE,
}
"""What bounds each container of an object: a constant by its name, else who fills it."""

VISITED = ("views", "producers/gateway", "scrutin/gateway", "scrutin/process", "scrutin/serving",
           "scrutin/stack", "scrutin/views")
"""Folders of the processes that visitors reach."""
CONTAINERS = {
    "Counter", "OrderedDict", "Shelf", "WeakKeyDictionary", "bytearray", "defaultdict", "deque",
    "dict", "list", "set"}


def found_caches() -> Iterator[tuple[str, Any]]:
    """Find every function or method that remembers what it gave."""
    for room in ROOMS:
        paths = importlib.import_module(room).__path__
        for module in pkgutil.walk_packages(paths, f"{room}."):
            if not module.name.endswith("__main__"):
                yield from _caches_of(importlib.import_module(module.name))


def _caches_of(module: Any) -> Iterator[tuple[str, Any]]:
    classes = [each for each in vars(module).values()
               if isinstance(each, type) and each.__module__ == module.__name__]
    for holder in (module, *classes):
        own = holder.__name__ if holder is module else f"{module.__name__}.{holder.__name__}"
        for name, value in vars(holder).items():
            if isinstance(value, functools._lru_cache_wrapper) and (
                    value.__module__ == module.__name__ or name.startswith("_")):
                yield f"{own}.{name}", value


def found_memories() -> Iterator[str]:
    """Find every container that an object of a visitor's process begins empty."""
    for path in (path for folder in VISITED for path in (ROOT / folder).rglob("*.py")):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for made in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(made, ast.ClassDef):
                yield from (f"{module}.{made.name}.{name}" for name in _begun_empty(made))


def _begun_empty(made: ast.ClassDef) -> Iterator[str]:
    for node in ast.walk(made):
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            own = isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) and (
                target.value.id == "self")
            if _is_empty_container(node.value) and (own or node in made.body):
                yield target.attr if isinstance(target, ast.Attribute) else ast.unparse(target)


def _is_empty_container(value: ast.expr) -> bool:
    if isinstance(value, ast.Tuple):
        return any(map(_is_empty_container, value.elts))
    if isinstance(value, ast.Dict | ast.List | ast.Set):
        return not ast.unparse(value).strip("[]{}")
    if not isinstance(value, ast.Call):
        return False
    made = value.func.value if isinstance(value.func, ast.Subscript) else value.func
    name = ast.unparse(made).rpartition(".")[2]
    factories = [ast.unparse(each.value) for each in value.keywords
                 if each.arg == "default_factory"]
    return bool({name, *factories} & CONTAINERS) and not (
        name in ("dict", "list", "set") and value.args)


def test_every_cache_says_what_bounds_it() -> None:
    """Each is listed above; one that visitors can fill has a size, and all together a bound."""
    caches = dict(found_caches())

    assert sorted(caches) == sorted(CACHES)
    size = 0
    for name, bound in CACHES.items():
        entries = caches[name].cache_parameters()["maxsize"]
        if isinstance(bound, int):
            size += entries * bound
        elif bound in (CATALOGUE, NUMBERS):
            assert entries is not None, name
    assert size <= CACHES_BYTES


def test_every_memory_says_what_bounds_it() -> None:
    """Each is listed above, with a constant that there is, or with who fills it."""
    assert sorted(set(found_memories())) == sorted(MEMORIES)
    for bound in MEMORIES.values():
        module, _, name = bound.rpartition(".")
        if name.isupper():
            assert getattr(importlib.import_module(module), name) > 0


def networks() -> Iterator[Callable[..., object]]:
    cache = dict(found_caches())["producers.gateway.guards._network_of"]
    for number in itertools.count(1 << 120):
        address = str(ipaddress.IPv6Address(number)).ljust(identity.ADDRESS_CHARACTERS)
        yield functools.partial(cache, address)


def browsers() -> Iterator[Callable[..., object]]:
    cache = dict(found_caches())["producers.gateway.guards._remembered"]
    key = identity.Ring(identity.Signer(bytes(32)))
    for number in itertools.count(1 << 32):
        device = number.to_bytes(identity.IDENTIFIER_BYTES, "big")
        mark = door_marks.mark_text(key, device, door_marks.Mark(door_marks.SERVED, number))
        header = (f"{guards.LOOPBACK_COOKIE}={identity.device_cookie(key, device)}; "
                  f"{guards.KNOWN_COOKIE}={mark}; more=").ljust(guards.REMEMBERED_BYTES, "x")
        yield functools.partial(cache, key, header.encode(), guards._LOCAL)


def origins() -> Iterator[Callable[..., object]]:
    cache = dict(found_caches())["producers.gateway.guards._host_of"]
    for number in itertools.count():
        yield functools.partial(cache, b"https://%d." % number + b"x" * 300)


def hosts() -> Iterator[Callable[..., object]]:
    cache = dict(found_caches())["views.hosts._name_in"]
    for number in itertools.count():
        yield functools.partial(cache, (b"%d." % number).ljust(HOST_BYTES, b"x"))


def accepted() -> Iterator[Callable[..., object]]:
    cache = dict(found_caches())["views.pages.languages._accepted"]
    for number in itertools.count():
        yield functools.partial(cache, f"{number},".ljust(REMEMBERED_CHARACTERS, "é"))


@pytest.mark.parametrize(("name", "asked"), [
    ("views.pages.languages._accepted", accepted),
    ("producers.gateway.guards._network_of", networks),
    ("producers.gateway.guards._remembered", browsers),
    ("producers.gateway.guards._host_of", origins), ("views.hosts._name_in", hosts)])
def test_a_cache_that_visitors_fill_takes_no_more_than_is_said(
    name: str, asked: Callable[[], Iterator[Callable[..., object]]]
) -> None:
    """Filled past its size with the longest that reaches it."""
    bound, cache = CACHES[name], dict(found_caches())[name]
    assert isinstance(bound, int)
    entries = cache.cache_parameters()["maxsize"]
    cache.cache_clear()
    with traced() as memory:
        for ask in itertools.islice(asked(), entries + 100):
            ask()
    cache.cache_clear()

    assert memory.size_bytes <= entries * bound


def test_every_cache_that_visitors_fill_is_filled_by_a_test() -> None:
    """The parameters above are all of those that are measured in bytes."""
    filled = {case[0] for mark in
              test_a_cache_that_visitors_fill_takes_no_more_than_is_said.pytestmark
              for case in mark.args[1]}

    assert filled == {name for name, bound in CACHES.items() if isinstance(bound, int)}


def test_a_search_is_remembered_no_longer_than_it_may_be() -> None:
    """What visitors search for is the shortest text that the cache of texts holds."""
    query = Query(q="x" * (proposals_page.SEARCH_CHARACTERS + 1))
    with pytest.raises(proposals_page.BadPart):
        proposals_page.asked(query, {"themes": (), "ideas": ()})
