"""Everything the operators' page knows, and since when. Looks and their times come in."""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from schemas import figures
from schemas.figures import Reading
from schemas.topics import Topics
from views.operations.gateways import RATE_SECONDS, Gateways
from views.operations.recounts import Verdict
from views.operations.ruler import STALE_SECONDS, Ruler


HISTORY_LOOKS = 601
"""Looks of which totals are kept: ten minutes at one a second."""
MINUTE_SECONDS = 60.0

Ends = Mapping[tuple[str, int], int]
"""End offsets by topic and partition."""


class Places(NamedTuple):
    """How the partitions of a topic lie on the brokers."""

    leaderless: int
    out_of_sync: int


@dataclass
class Process:
    """A process, or the broker, as it answered last."""

    name: str
    answers: bool | None = None
    """None until it was asked for the first time."""
    since: float = 0.0
    """Since when it answers, or does not: seconds since 1970."""
    reading: Reading = field(default_factory=Reading)
    """What it said last; kept while it is silent."""
    restarts: int = 0
    restarted_at: float | None = None
    """When its last restart was seen."""

    def heard(self, reading: Reading | None, at: float) -> None:
        """Note an answer, or that none came."""
        if self.answers != (reading is not None):
            self.answers, self.since = reading is not None, at
        if reading is None:
            return
        before = self.reading.one(figures.PROCESS_STARTED)
        started = reading.one(figures.PROCESS_STARTED)
        if before is not None and started is not None and started != before:
            self.restarts += 1
            self.restarted_at = at
        self.reading = reading

    @property
    def ready(self) -> bool | None:
        """Whether it does its work; None where it does not say."""
        said = self.reading.one(figures.READY.name)
        return None if said is None else bool(said)

    @property
    def started(self) -> float | None:
        return self.reading.one(figures.PROCESS_STARTED)


@dataclass(frozen=True)
class Look:
    """Totals at one moment."""

    at: float
    """On a clock that never goes back."""
    arrived: int
    """Records in the ballot box."""
    received: int
    counted: int
    set_aside: int
    dead_letters: int
    decided: Mapping[str, int]
    """Records by outcome."""

    def number(self, name: str) -> int:
        """Return a total by its name, or records of an outcome."""
        found = getattr(self, name, None)
        return found if isinstance(found, int) else self.decided.get(name, 0)


class Watch:
    """What was seen of processes, logs, results and recounts."""

    def __init__(self, topics: Topics, processes: Iterable[str]) -> None:
        self.topics = topics
        self.broker = Process("kafka")
        self.processes = {name: Process(name) for name in processes}
        self.ruler = Ruler()
        self.gateways = Gateways()
        self.ends: Ends = {}
        self.places: dict[str, Places] = {}
        """By topic, as brokers told last."""
        self.looks: deque[Look] = deque(maxlen=HISTORY_LOOKS)
        self.page_delay_seconds: float | None = None
        self.set_aside: dict[str, int] = {}
        """Votes set aside now, by reason."""
        self.recounts: list[Verdict] = []
        self.looked_at = 0.0
        """When everything was last looked at, in seconds since 1970..."""
        self.clock = 0.0
        """... and on a clock that never goes back: what waits is measured up to then."""

    def see_ends(self, ends: Ends | None, at: float, clock: float) -> None:
        """Note the ends of the logs, or that the broker did not answer."""
        self.broker.heard(None if ends is None else Reading(), at)
        if ends is None:
            return
        self.ends = ends
        places = {self.topics.votes: "votes", self.topics.decisions: "decisions"}
        for (topic, partition), end in ends.items():
            if topic in places:
                self.ruler.see(places[topic], partition, end, clock)

    def see_process(
        self, name: str, reading: Reading | None, at: float, clock: float
    ) -> None:
        """Note what a process said, or that it did not answer."""
        self.processes[name].heard(reading, at)
        if reading is None:
            return
        for figure, place in ((figures.LEDGER_NEXT, "ledger"), (figures.RESULTS_NEXT, "results")):
            for (partition,), offset in reading.labelled(figure).items():
                self.ruler.see(place, int(partition), int(offset), clock)
        archived = {self.topics.votes: "archived_votes",
                    self.topics.decisions: "archived_decisions"}
        for (topic, partition), offset in reading.labelled(figures.ARCHIVE_NEXT).items():
            if topic in archived:
                self.ruler.see(archived[topic], int(partition), int(offset), clock)

    def see_gateways(self, clock: float) -> None:
        """Note what the gateways among the processes that answered have counted."""
        self.gateways.see(
            {name: process.reading for name, process in self.processes.items()
             if process.answers}, clock)

    def see_page(self, offsets: Iterable[int], clock: float) -> None:
        """Note how far the pages are: the last votes offset they hold, by partition."""
        for partition, offset in enumerate(offsets):
            self.ruler.see("page", partition, offset + 1, clock)

    def end_of(self, topic: str) -> int:
        """Sum the ends of a topic's partitions."""
        return sum(end for (name, _), end in self.ends.items() if name == topic)

    def per_second(self, name: str) -> float | None:
        """Return how fast a total grows; None until there is something to compare."""
        since = self._since(RATE_SECONDS)
        if since is None:
            return None
        last = self.looks[-1]
        return (last.number(name) - since.number(name)) / (last.at - since.at)

    def last_minute(self, name: str) -> int | None:
        """Return by how much a total grew in the last minute, or since we look."""
        return self.grown(name, MINUTE_SECONDS)

    def grown(self, name: str, seconds: float) -> int | None:
        """Return by how much a total grew in the last seconds, ten minutes at most."""
        since = self._since(seconds)
        return None if since is None else self.looks[-1].number(name) - since.number(name)

    def _since(self, seconds: float) -> Look | None:
        """Find the oldest look of the last seconds; none if that is the last, or old."""
        last = self.looks[-1] if self.looks else None
        if last is None or self.clock - last.at > STALE_SECONDS:
            return None
        found = next(look for look in self.looks if last.at - look.at <= seconds)
        return None if found is last else found
