"""What the demo shows: counters while it runs, results and times at the end."""

import time
from typing import Any

from rich.box import SIMPLE
from rich.console import Console
from rich.live import Live
from rich.table import Table

from scrutin.demo.comparison import Check
from scrutin.demo.counters import Counters


PLAIN_SECONDS = 2.0
"""Without a terminal the counters are printed as a line so often."""
PLAIN_COLUMNS = 120
"""Width of what is printed into a file or pipe."""


class Screen:
    """Progress on stderr, results on stdout."""

    def __init__(self) -> None:
        self.out = Console(highlight=False, soft_wrap=True)
        if not self.out.is_terminal:
            self.out = Console(highlight=False, soft_wrap=True, width=PLAIN_COLUMNS)
        self.progress = Console(stderr=True, highlight=False)
        self._live: Live | None = None
        self._printed_at = 0.0
        self._unprinted: Counters | None = None

    def say(self, line: str) -> None:
        """Print a line of progress."""
        self.progress.print(line)

    def start_counters(self) -> None:
        """Begin the live counters; without a terminal they are plain lines."""
        if self.progress.is_terminal:
            self._live = Live(console=self.progress, refresh_per_second=4, transient=False)
            self._live.start()

    def show(self, counters: Counters) -> None:
        """Show one look at the counters."""
        if self._live is not None:
            self._live.update(counter_table(counters))
            return
        self._unprinted = counters
        if time.monotonic() - self._printed_at >= PLAIN_SECONDS:
            self._print_counters()

    def _print_counters(self) -> None:
        if self._unprinted is not None:
            self._printed_at = time.monotonic()
            self.progress.print(counter_line(self._unprinted), soft_wrap=True)
            self._unprinted = None

    def stop_counters(self) -> None:
        """End the live counters; the last look stays."""
        self._print_counters()
        if self._live is not None:
            self._live.stop()
            self._live = None

    def results(self, document: dict[str, Any], checks: list[Check]) -> None:
        """Print the comparison: a row an idea or controversial proposal, then the other figures."""
        shares: dict[str, list[Check]] = {}
        others = []
        for check in checks:
            if check.votes:
                shares.setdefault(check.subject, []).append(check)
            else:
                others.append(check)
        titles = _titles(document)
        for figures in (("agree", "like_it", "doable"), ("agree", "disagree")):
            rows = {subject: found for subject, found in shares.items()
                    if tuple(check.figure for check in found) == figures}
            self.out.print(_share_table(rows, titles, figures))
        self.out.print(_figure_table(others))

    def times(self, phases: list[tuple[str, float]]) -> None:
        """Print where the time went."""
        table = Table(title="Where the time went")
        table.add_column("phase")
        table.add_column("seconds", justify="right")
        for name, seconds in phases:
            table.add_row(name, f"{seconds:.1f}")
        table.add_row("total", f"{sum(seconds for _, seconds in phases):.1f}")
        self.out.print(table)


def counter_line(counters: Counters) -> str:
    """Return the counters as one plain line."""
    hottest = ", ".join(f"{idea} +{votes:,}" for idea, votes in counters.hottest)
    return (
        f"votes received {counters.received:,} · counted {counters.counted:,} · set aside "
        f"{counters.set_aside:,} · {counters.votes_per_second:,.0f}/s · log {counters.records:,} "
        f"· lag {counters.lag:,} · archive {counters.archived:,}/{counters.to_archive:,}"
        + (f" · hottest: {hottest}" if hottest else "")
    )


def counter_table(counters: Counters) -> Table:
    """Return the counters as a table that is drawn again and again."""
    table = Table(title="Live counters", min_width=60)
    table.add_column("")
    table.add_column("", justify="right")
    rows = (
        ("votes received", f"{counters.received:,}"),
        ("counted", f"{counters.counted:,}"),
        ("set aside", f"{counters.set_aside:,}"),
        ("votes per second", f"{counters.votes_per_second:,.0f}"),
        ("records in the ballot box", f"{counters.records:,}"),
        ("lag, records", f"{counters.lag:,}"),
        ("archive, records", f"{counters.archived:,} of {counters.to_archive:,}"),
        *((f"hottest idea {place}", f"{idea} +{votes:,}")
          for place, (idea, votes) in enumerate(counters.hottest, 1)),
    )
    for row in rows:
        table.add_row(*row)
    return table


def _titles(document: dict[str, Any]) -> dict[str, str]:
    titles = {proposal["id"]: (proposal["text"] or {}).get("en") or proposal["id"]
              for proposal in document["proposals"]}
    return titles | {idea["id"]: idea["title"].get("en") or idea["id"]
                     for idea in document["ideas"]}


def _share_table(
    rows: dict[str, list[Check]], titles: dict[str, str], figures: tuple[str, ...]
) -> Table:
    """Show one row an entry: percent published and counted for each figure."""
    table = Table(title="Published and counted, percent of the votes", box=SIMPLE)
    table.add_column("idea" if len(figures) == 3 else "controversial proposal",
                     max_width=34)
    table.add_column("votes", justify="right", no_wrap=True)
    for figure in figures:
        table.add_column(figure, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for subject, checks in rows.items():
        table.add_row(
            titles.get(subject, subject), f"{checks[0].votes:,}",
            *(f"{_short(check.published)} {'=' if check.equal else '≠'} {_short(check.counted)}"
              for check in checks),
            _verdict(all(check.equal for check in checks)))
    return table


def _figure_table(checks: list[Check]) -> Table:
    table = Table(title="Key figures, conservation, recount", box=SIMPLE)
    table.add_column("figure")
    table.add_column("expected", justify="right", no_wrap=True)
    table.add_column("counted", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for check in checks:
        table.add_row(check.figure, _short(check.published), _short(check.counted),
                      _verdict(check.equal))
    return table


def _verdict(equal: bool) -> str:  # noqa: FBT001 -- the one thing it says
    return "equal" if equal else "DIFFERENT"


def _short(value: Any) -> str:
    if isinstance(value, list):
        return f"{len(value)} of them"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else str(value)
