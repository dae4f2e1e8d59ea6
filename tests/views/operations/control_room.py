"""An operators' page over a campaign, with looks that a test makes."""

from pathlib import Path

from starlette.testclient import TestClient

from processors.guard.published import Findings
from processors.results.results_document import AsOf
from schemas import figures, words
from schemas.figures import Figure, Reading, Sample, exposition, read
from schemas.topics import FLUSH_KEY, Topics
from tests.views import campaign
from tests.views.test_api import Published
from views.api import Beside, application
from views.operations.collector import Collector
from views.operations.pages import Operations
from views.operations.recounts import Verdict
from views.operations.watch import Look


SIZE = 60
TOKEN = "correct-horse-battery-staple"
TOPICS = Topics("scrutin", 4)
VOTES = (166_202, 165_871, 166_045, 165_931)
"""Next offsets that the campaign's results hold."""

BEFORE, NOW = 100.0, 110.0
"""Two looks, on a clock that never goes back."""
STARTED = 40.0
REFUSED = {name: (index + 1) * 100 for index, name in enumerate(words.REFUSED)}
"""Records refused, another number for each reason."""


def reading(*samples: Sample) -> Reading:
    """What a process says; not how much memory the tests take."""
    found = read(exposition(samples).decode())
    del found.values[figures.PROCESS_MEMORY]
    return found


def positions(figure: Figure, offsets: tuple[int, ...], *labels: str) -> list[Sample]:
    return [Sample(figure, offset, (*labels, str(number)))
            for number, offset in enumerate(offsets)]


class ControlRoom:
    """A collector whose looks come from the test, and the page over it."""

    def __init__(
        self, folder: Path, *, token: str = TOKEN, closed: bool = True,
        findings: Findings | None = None,
    ) -> None:
        self.source = Published(campaign.flushes(SIZE, closed=closed, by_route=True))
        self.source.ready.set()
        self.collector = Collector(
            "127.0.0.1:1", TOPICS, self.source,
            processes=dict.fromkeys(("ledger", "ideas", "archive"), "http://127.0.0.1:1"),
            token=token, data_folder=folder,
            itself=lambda: [Sample(figures.READY, 1)])
        self.watch = self.collector.watch
        self.token = token
        self.operations = Operations(self.collector, token, findings)
        self.app = application(self.source, beside=Beside(operations=self.operations))

    def client(self, *, local: bool = True, token: str | None = None) -> TestClient:
        """A browser on this machine, or elsewhere; one of this machine has the token."""
        host = "127.0.0.1" if local else "198.51.100.7"
        shown = token if token is not None else self.token if local else ""
        return TestClient(self.app, client=(host, 5), base_url=f"http://{host}:8080",
                          headers={"authorization": f"Bearer {shown}"} if shown else {},
                          follow_redirects=False)

    def look(self, at: float, *, votes: tuple[int, ...] = VOTES, letters: int = 0) -> None:
        """Everybody answers and is where the votes are; later looks change that."""
        watch = self.watch
        ends = {(topic, n): end for topic in (TOPICS.votes, TOPICS.decisions)
                for n, end in enumerate(votes)}
        watch.see_ends({**ends, (TOPICS.dead_letters, 0): letters}, at, at)
        ready = Sample(figures.READY, 1)
        watch.see_process(
            "ledger", reading(ready, *positions(figures.LEDGER_NEXT, votes)), at, at)
        watch.see_process(
            "ideas", reading(ready, *positions(figures.RESULTS_NEXT, votes)), at, at)
        self.archive(at, votes=votes)
        applied = self.source.flushes.applied
        assert applied is not None
        watch.see_page(applied.offsets, at)
        watch.looked_at = watch.clock = at
        watch.looks.append(self.collector._totals(at, applied.decided))
        self.collector.on_look()

    def busy(self) -> None:
        """Everything moves, and no two figures are the same."""
        self.look(BEFORE)
        moved = tuple(end + 7_000 + 1_000 * number for number, end in enumerate(VOTES))
        self.look(NOW, letters=13)
        watch = self.watch
        watch.see_ends({**watch.ends, **{
            (TOPICS.votes, number): end for number, end in enumerate(moved)}}, NOW, NOW)
        watch.clock = NOW + 3
        ledger = reading(Sample(figures.READY, 1))
        ledger.values[figures.PROCESS_STARTED] = {(): STARTED}
        ledger.values[figures.PROCESS_MEMORY] = {(): 321_000_000.0}
        watch.see_process("ledger", ledger, NOW, NOW)
        watch.see_process("ideas", None, NOW - 5, NOW)
        watch.looks.clear()
        for at, times in ((BEFORE, 1), (NOW, 2)):
            watch.looks.append(Look(
                at, arrived=12_340 * times, received=11_110 * times, counted=10_020 * times,
                set_aside=1_090 * times, dead_letters=13 * (times - 1), decided={
                    name: count * times for name, count in (("late", 55), *REFUSED.items())}))
        watch.set_aside = {"unproven": 61, "suspended": 62}
        watch.recounts = [Verdict("town", "equal", 0, 415, 415, [1], NOW),
                          Verdict("village", "different", 1, 417, 414, [1], NOW)]

    def archive(
        self, at: float, *, votes: tuple[int, ...] = VOTES, rows: int = 0, missing: int = 0
    ) -> None:
        """The archive answers, with so many rows too many or records gone."""
        counted = [
            Sample(figures.ARCHIVE_ROWS, votes[0] + rows, (TOPICS.votes, "0")),
            Sample(figures.ARCHIVE_OFFSETS, votes[0], (TOPICS.votes, "0")),
            Sample(figures.ARCHIVE_MISSING, missing, (TOPICS.votes, "0")),
        ]
        self.watch.see_process("archive", reading(
            Sample(figures.READY, 1), Sample(figures.ARCHIVE_MEASURED, at), *counted,
            *positions(figures.ARCHIVE_NEXT, votes, TOPICS.votes)), at, at)

    def publish(self, votes: int, proposal: str, choice: str) -> None:
        """On a proposal so many have chosen the same now."""
        flushes = self.source.flushes
        flushes.receive_result(
            *campaign.proposal_record(campaign.CONSULTATION, proposal, votes, choice))
        applied = flushes.applied
        assert applied is not None
        flushes.receive_result(FLUSH_KEY, campaign.marker(AsOf(
            applied.offsets, applied.catalogue_offset, applied.participants_offset)))
