"""From what a worker says of itself (/status) to the figures of /metrics, and to words. Pure."""

from collections.abc import Callable, Iterator
from typing import Any

from schemas import figures as known
from schemas.figures import Sample


Status = dict[str, Any]


def samples(kind: str, status: Status) -> Iterator[Sample]:
    """Yield the samples of a kind of worker."""
    if "leads" in status:
        yield Sample(known.LEADS, status["leads"])
    yield from _SAMPLES[kind](status)


def role(status: Status) -> str:
    """Say what a worker that is ready is among its kind; ledgers that have partitions are alike."""
    if status.get("stands_by") or not status.get("leads", True):
        return "ready: standing by"
    return "ready: leading" if "leads" in status else "ready"


def waiting_for(kind: str, status: Status) -> str:
    """Say why a worker is not ready."""
    if not status.get("joined", True):
        return "asking who holds the lease"
    return _WAITING[kind](status)


def _ledger(status: Status) -> Iterator[Sample]:
    for partition, held in status["partitions"].items():
        yield Sample(known.LEDGER_NEXT, held["durable"] + 1, (partition,))
        yield Sample(known.LEDGER_LIVE_VOTES, held["live_votes"], (partition,))
        yield Sample(known.LEDGER_RECOVERED, held["recovered"], (partition,))
    yield Sample(known.LEDGER_SNAPSHOTS_FAILED, status["snapshots_failed"])


def _ledger_waiting(status: Status) -> str:
    if not status["partitions"]:
        return "no partition was assigned yet, and it is not known yet that others have them all"
    recovering = [name for name, held in status["partitions"].items() if not held["recovered"]]
    if not recovering:
        return "connecting to the broker, to write decisions"
    return f"recovering partitions {', '.join(recovering)}"


def _ideas(status: Status) -> Iterator[Sample]:
    if status["leads"]:
        for partition, offset in enumerate(status["published"]):
            yield Sample(known.RESULTS_NEXT, offset + 1, (str(partition),))
    for topic, number in status["set_aside"].items():
        yield Sample(known.RESULTS_SET_ASIDE, number, (topic,))
    yield Sample(known.UNENDORSED, status["unendorsed"])


def _ideas_waiting(_status: Status) -> str:
    return "reading tallies, catalogue and participants, or what was published before"


def _patrol(status: Status) -> Iterator[Sample]:
    if status["leads"]:
        for partition, offset in enumerate(status["votes"]):
            yield Sample(known.PATROL_NEXT, offset + 1, (str(partition),))
    yield Sample(known.PATROL_BEHIND, status["behind"])
    for rule, number in status["findings"].items():
        yield Sample(known.PATROL_FINDINGS, number, (rule,))
    yield Sample(known.PATROL_OWED, status["owed"])
    yield Sample(known.PATROL_DIFFERING, status["differing"])


def _patrol_waiting(_status: Status) -> str:
    return "reading the judgements"


def _archive(status: Status) -> Iterator[Sample]:
    if not status["leads"]:
        return  # It knows nothing of where the archive stands.
    for place in status["positions"]:
        labels = (place["topic"], str(place["partition"]))
        yield Sample(known.ARCHIVE_NEXT, place["next_offset"], labels)
        if status["measured_at"] is not None:
            yield Sample(known.ARCHIVE_ROWS, place["rows"], labels)
            yield Sample(known.ARCHIVE_OFFSETS, place["offsets"], labels)
            yield Sample(known.ARCHIVE_MISSING, place["missing_records"], labels)
    yield Sample(known.ARCHIVE_STOPPED, len(status["stopped"]))
    if status["measured_at"] is not None:
        yield Sample(known.ARCHIVE_MEASURED, status["measured_at"])


def _archive_waiting(status: Status) -> str:
    if status["stopped"]:
        return "; ".join(status["stopped"])
    if status["duplicate_rows"]:
        return f"{status['duplicate_rows']} rows are stored twice"
    if status["missing_records"]:
        return f"{status['missing_records']} archived records are gone"
    return "finding its place in ClickHouse"


def _notary(status: Status) -> Iterator[Sample]:
    if not status["leads"]:
        return  # As above.
    for found in status["logs"]:
        labels = (found["topic"], str(found["partition"]))
        yield Sample(known.NOTARY_NEXT, found["size"], labels)
        yield Sample(known.NOTARY_SIGNED, found["checkpoint"], labels)
    yield Sample(known.NOTARY_STOPPED, len(status["stopped"]))
    yield Sample(known.OVERDUE, len(status["overdue"]))
    yield from _witnesses(status.get("countersigned", {}))


def _witnesses(status: Status) -> Iterator[Sample]:
    for found in status.get("logs", ()):
        labels = (found["topic"], str(found["partition"]))
        yield Sample(known.NOTARY_WITNESSED, found["size"], labels)
        yield Sample(known.NOTARY_UNWITNESSED, found["unwitnessed_seconds"], labels)
    for asked in status.get("witnesses", ()):
        for answer, number in asked["answers"].items():
            yield Sample(known.NOTARY_WITNESS_ANSWERS, number, (asked["witness"], answer))


def _notary_waiting(status: Status) -> str:
    return "; ".join(status["stopped"]) or "finding its place in the transparency logs"


_SAMPLES: dict[str, Callable[[Status], Iterator[Sample]]] = {
    "ledger": _ledger, "ideas": _ideas, "patrol": _patrol, "archive": _archive, "notary": _notary}
_WAITING: dict[str, Callable[[Status], str]] = {
    "ledger": _ledger_waiting, "ideas": _ideas_waiting,
    "patrol": _patrol_waiting, "archive": _archive_waiting,
    "notary": _notary_waiting}
