"""The figures: their names, units, goals and what each is measured against. The list is whole.

A figure that a run promised and did not measure makes the run fail, so none can vanish unseen.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One figure; `goal` is None where it only informs."""

    unit: str
    goal: float | None
    lower_is_better: bool
    against: str
    """What it is measured against, or how."""


def _more(unit: str, goal: float | None, against: str) -> Figure:
    return Figure(unit, goal, lower_is_better=False, against=against)


def _less(unit: str, goal: float | None, against: str) -> Figure:
    return Figure(unit, goal, lower_is_better=True, against=against)


FIGURES = {
    "ledger_votes_per_second": _more(
        "votes/s", 200_000, "1,000,000 votes, full rules, decisions acknowledged by the broker"),
    "ledger_cpu_microseconds_per_vote": _less(
        "µs", 5, "CPU of the one worker process, the same runs"),
    "ledger_against_kafka_streams": _more(
        "×", 1.5, "Kafka Streams, exactly once, RocksDB, two threads; same topic, run by turns"),
    "ledger_against_kafka_streams_warm": _more(
        "×", 1.0, "the second half of the same Kafka Streams runs"),
    "ledger_against_plain_faust": _more(
        "×", 10, "a plain Faust agent with two tables, 20,000 votes made alike"),
    "ledger_against_raw_read": _more(
        "×", None, "reading the topic by aiokafka and nothing else"),
    "ledger_cpu_microseconds_per_vote_at_1m": _less("µs", None, "1,000,000 votes"),
    "ledger_cpu_microseconds_per_vote_at_3m": _less("µs", None, "3,000,000 votes"),
    "ledger_cpu_microseconds_per_vote_at_10m": _less("µs", None, "10,000,000 votes"),
    "ledger_cost_growth": _less(
        "×", 1.25, "CPU a vote at the largest size of the growth run, over that at 1,000,000"),
    "restart_seconds": _less(
        "s", 5, "SIGKILL, start at once, until a new vote is decided; 1,000,000 decisions to fold"),
    "recovery_decisions_per_second": _more(
        "decisions/s", None, "decisions folded between joining the group and deciding again"),
    "ledger_bytes_per_live_vote": _less(
        "bytes", 250, "resident memory of a pure ledger with 500,000 live votes"),
    "archive_events_per_second": _more(
        "events/s", 200_000, "votes and decisions from Kafka to ClickHouse, decoded columns"),
    "leaves_per_second": _more(
        "leaves/s", None, "votes from Kafka to tiles on disk under a signed checkpoint"),
    "proof_milliseconds": _less(
        "ms", None, "a vote's tlog-proof from the tiles on disk, held against the signed root"),
    "recount_pure_seconds": _less(
        "s", 10, "the campaign's ballot box replayed by the ledger from the archive"),
    "recount_sql_seconds": _less(
        "s", 1, "the campaign recounted by SQL over the votes alone"),
    "decision_latency_milliseconds_p99_at_2000": _less(
        "ms", 20, "acknowledged vote to readable decision, 2,000 votes/s"),
    "decision_latency_milliseconds_p99_at_10000": _less(
        "ms", 20, "acknowledged vote to readable decision, 10,000 votes/s"),
    "result_latency_milliseconds_p99_at_2000": _less(
        "ms", 150, "acknowledged vote to the publication that holds it, 2,000 votes/s"),
    "result_latency_milliseconds_p99_at_10000": _less(
        "ms", 150, "acknowledged vote to the publication that holds it, 10,000 votes/s"),
    "demo_seconds": _less(
        "s", 60, "`scrutin demo --exit`, the whole campaign, everything installed"),
}
