"""What a campaign says: a line a seed, a summary, and the page docs/faults.md."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tests.faults.checker import Outcome
from tests.faults.run import PARTITIONS, RECORDS_A_SECOND, Report
from tests.faults.schedule import Clocks


@dataclass(frozen=True)
class Circumstances:
    """When and on what a campaign ran."""

    day: str
    machine: str
    versions: str


def line(report: Report) -> str:
    """Return one line: faults, votes, verdict; for a failed seed more, with how to repeat it."""
    faults = ", ".join([*(f"{fault.kind} {fault.target}" for fault in report.plan.faults),
                        *_beside(report)])
    written = report.written
    said = (
        f"seed {report.plan.seed:>3}: {faults}; {written[Outcome.ACKNOWLEDGED]} acked, "
        f"{written[Outcome.UNKNOWN]} unknown, {written[Outcome.FAILED]} failed, {report.receipts} "
        f"receipts, {report.decided} decided, {report.flushes} flushes seen; recovered in "
        f"{report.recovery_seconds:.1f} s, {report.seconds:.0f} s in all: {verdict(report)}")
    if not report.violations:
        return said
    return "\n".join([
        said, *(f"    {kind}: {what}" for kind, what in report.violations),
        f"    kept in {report.folder}; again: make faults SEEDS=1 FIRST={report.plan.seed}"])


def _beside(report: Report) -> list[str]:
    """Say when rules 2 are adopted, and how wrong clocks are, if they are."""
    adoption, clocks = report.plan.adoption, report.plan.clocks
    said = []
    if adoption is not None:
        killed = adoption.killed_after_seconds
        said.append(f"rules 2 adopted at {adoption.at_seconds:.1f} s"
                    + ("" if killed is None else f" (kill after {killed:.1f} s)"))
    if clocks != Clocks():
        both = [seconds for seconds in clocks if seconds is not None]
        said.append(f"clock{'s'[:len(both) - 1]} of {'two gateways' if both[1:] else 'the gateway'}"
                    f" off by {' and '.join(f'{seconds:+.0f} s' for seconds in both)}")
    return said


def verdict(report: Report) -> str:
    """Say whether everything held."""
    return "FAILED" if report.violations else "held"


def summary(reports: Sequence[Report]) -> str:
    """Return the sums over all seeds."""
    faults = Counter(fault.kind.value for report in reports for fault in report.plan.faults)
    failed = [str(report.plan.seed) for report in reports if report.violations]
    sums = {one: sum(report.written[one] for report in reports) for one in Outcome}
    return (
        f"{len(reports)} seeds, {faults.total()} faults "
        f"({', '.join(f'{number} {kind}' for kind, number in faults.most_common())}); "
        f"{sums[Outcome.ACKNOWLEDGED]} acked, {sums[Outcome.UNKNOWN]} unknown, "
        f"{sums[Outcome.FAILED]} failed, {sum(report.receipts for report in reports)} receipts of "
        f"votes over HTTP, {sum(report.decided for report in reports)} decided. "
        + (f"FAILED: seeds {', '.join(failed)}" if failed else "Every seed held."))


def page(reports: Sequence[Report], circumstances: Circumstances) -> str:
    """Write docs/faults.md."""
    ended: Counter[str] = Counter()
    for report in reports:
        ended += report.ended
    first, last = reports[0].plan.seed, reports[-1].plan.seed
    recoveries = sorted(report.recovery_seconds for report in reports)
    said = (
        f"Each seed writes some {RECORDS_A_SECOND:,} records a second into {PARTITIONS} partitions "
        "while the faults of its line hit a real broker, two ledgers, the ideas worker, the "
        "archive, the notary, one or two gateways before which people vote, and ClickHouse's "
        "engine. What is checked then, and how to run it: "
        "[Faults on purpose](operate.md#faults-on-purpose).")
    measured = (
        f"All workers were ready and the results complete {recoveries[len(recoveries) // 2]:.1f} s "
        f"(median; longest {recoveries[-1]:.1f} s) after the load had ended. Readers were shown "
        f"{sum(report.flushes for report in reports)} flushes, each compared with the pure ledger "
        f"at its own vector, and dropped {sum(report.stale_flushes for report in reports)} stale "
        f"ones. The decisions topics hold {sum(report.repeated for report in reports)} repeats and "
        "strays beyond one decision a vote, which every reader skips.")
    when = (
        f"{circumstances.day}, seeds {first} to {last}, on {circumstances.machine}; "
        f"{circumstances.versions}.")
    lines = [
        "<!-- Written by `make faults`, see docs/operate.md: run it again rather than edit. -->",
        "# A campaign of faults", "", when, "", said, "", f"**{summary(reports)}**", "", measured,
        "",
        "| seed | faults | acked | unknown | failed | decided | recovered, s | verdict |",
        "| ---: | --- | ---: | ---: | ---: | ---: | ---: | --- |",
        *map(_row, reports),
        "",
        "Workers that ended by themselves, or not as they were told to, and were started again:",
        "",
        "| times | who, and why |",
        "| ---: | --- |",
        *(f"| {number} | {reason.replace('|', '/')} |" for reason, number in ended.most_common()),
        "",
    ]
    return "\n".join(lines)


def _row(report: Report) -> str:
    faults = ", ".join([
        *(f"{fault.kind} {fault.target} ({fault.lasting_seconds:.1f} s)"
          for fault in report.plan.faults), *_beside(report)])
    written = report.written
    return (
        f"| {report.plan.seed} | {faults} | {written[Outcome.ACKNOWLEDGED]} | "
        f"{written[Outcome.UNKNOWN]} | {written[Outcome.FAILED]} | {report.decided} | "
        f"{report.recovery_seconds:.1f} | {verdict(report)} |")
