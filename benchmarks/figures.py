"""The figures: their names, units, goals and what each is measured against. The list is whole.

A figure that a run promised and did not measure makes the run fail, so none can vanish unseen.
"""

from dataclasses import dataclass


GROWTH = (1, 3, 10)
"""Sizes of the growth run, in times the votes of a usual one: a million."""


IDLE_PROCESSES = ("ledger", "ideas", "patrol", "archive", "notary", "views", "gateway", "kafka",
                  "clickhouse", "supervisor")
"""Processes of the local stack."""


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
    "ledger_against_kafka_streams_by_rules_2": _more(
        "×", 1.5, "the same Kafka Streams on ballots of version 2, which the ledger decides by "
        "rules 2; by turns"),
    "ledger_against_kafka_streams_by_rules_2_warm": _more(
        "×", 1.0, "the second half of the same Kafka Streams runs"),
    "ledger_cpu_against_kafka_streams_by_rules_2": _less(
        "×", 1.0, "CPU a vote of the two processes in the same runs"),
    "two_ledgers_against_kafka_streams_by_rules_2": _more(
        "×", None, "two ledgers of one group, and its two threads: the same ballots, by turns"),
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
        "s", 5, "SIGKILL after 1,000,000 decisions, start at once, until a new vote is decided"),
    "restart_without_snapshots_seconds": _less(
        "s", 5, "the same where no snapshot was made: all 1,000,000 decisions are folded"),
    "recovery_decisions_per_second": _more(
        "decisions/s", None, "decisions folded between joining the group and deciding again, "
        "without snapshots"),
    "ledger_bytes_per_live_vote": _less(
        "bytes", 250, "resident memory of a pure ledger with 500,000 live votes"),
    **{f"soak_megabytes_per_minute_{process}": _less(
        "MB/min", 1, f"resident memory of {process}, fitted over ten minutes of 20,000 votes/s by "
        "people who change their minds") for process in ("ledger", "ideas", "archive", "views")},
    "patrol_votes_per_second": _more(
        "votes/s", 100_000, "one core that decodes, folds and judges fresh voters and their "
        "networks from memory, every five seconds of a campaign's best hour, an attack among them"),
    "ledger_beside_the_patrol": _more(
        "×", 0.95, "the ledger's rate on ballots of version 2 with a patrol reading them too, by "
        "its rate alone, by turns; where broker, ledger and patrol have a core each"),
    "archive_events_per_second": _more(
        "events/s", 200_000, "votes and decisions from Kafka to ClickHouse, decoded columns"),
    "leaves_per_second": _more(
        "leaves/s", None, "votes from Kafka to tiles on disk under a signed checkpoint"),
    "proof_milliseconds": _less(
        "ms", None, "a vote's tlog-proof from the tiles on disk, held against the signed root"),
    "verify_events_per_second": _more(
        "events/s", 150_000, "an auditor's bundle of 1,000,000 votes verified on one core, from "
        "the start of the program to its end"),
    "verify_peak_megabytes": _less("MB", 512, "the most resident memory of that process"),
    "verify_events_per_second_at_7m": _more("events/s", 150_000, "the same with 7,000,000 votes"),
    "verify_peak_megabytes_at_7m": _less("MB", 512, "the same with 7,000,000 votes"),
    "recount_pure_seconds": _less(
        "s", 10, "the campaign's ballot box replayed by the ledger from the archive"),
    "recount_sql_seconds": _less(
        "s", 1, "the campaign recounted by SQL over the votes alone"),
    "replay_events_per_second": _more(
        "events/s", None, "the campaign replayed from the archive into fresh topics, read back "
        "and compared"),
    "decision_latency_milliseconds_p99_at_2000": _less(
        "ms", 20, "acknowledged vote to readable decision, 2,000 votes/s"),
    "decision_latency_milliseconds_p99_at_10000": _less(
        "ms", 20, "acknowledged vote to readable decision, 10,000 votes/s"),
    "result_latency_milliseconds_p99_at_2000": _less(
        "ms", 150, "acknowledged vote to the publication that holds it, 2,000 votes/s"),
    "result_latency_milliseconds_p99_at_10000": _less(
        "ms", 150, "acknowledged vote to the publication that holds it, 10,000 votes/s"),
    "gateway_votes_per_second": _more(
        "votes/s", 10_000,
        "one gateway that remembers all it may, every protection on, acknowledged; 64 connections "
        "that vote without a pause"),
    "gateway_votes_per_second_at_256": _more(
        "votes/s", 10_000, "the same over 256 connections: larger batches, so fewer signatures"),
    "gateway_against_empty": _more(
        "×", 0.25, "64 connections, against the same server answering an empty 202"),
    "gateway_cpu_microseconds_per_vote": _less("µs", None, "CPU of that process, 64 connections"),
    "gateway_cpu_microseconds_per_vote_at_256": _less("µs", None, "the same, 256 connections"),
    "booth_acts_per_second": _more(
        "acts/s", 4_000, "people in browsers with the booth's script, beside ledger and ideas: a "
        "page, a sequence, 12 votes, 6 qualifications, and what the booth is told of them; "
        "256 connections"),
    "booth_cpu_microseconds_per_act": _less(
        "µs", 250, "CPU of the gateway by acts, all that a browser asks for included"),
    "booth_latency_milliseconds_p99_at_256": _less(
        "ms", 50, "an act, request to receipt, the same 256 connections, without a pause: the mean "
        "is 256 by the acts a second, so below 5,120 of them no mean is under 50"),
    "booth_latency_milliseconds_p99_at_1000": _less(
        "ms", 50, "an act, from the time it was due to its receipt, over 256 connections of people "
        "who pause: 1,000 acts a second, at times fixed beforehand"),
    "booth_cpu_of_two_workers_against_one": _less(
        "×", 1.18, "CPU by acts of two workers at one port, their supervisor's with it, against "
        "one process, one after the other: 1.7 × the acts where each has a core"),
    "booth_acts_of_two_workers_against_one": _more(
        "×", None, "acts a second, the same runs; browsers, ledger and broker share the cores"),
    "booth_acts_against_0_1_0": _more(
        "×", 4, "acts a second of the same evening in the booth of release 0.1.0, where each is a "
        "form, a 303 and a page, by turns, 64 connections: its process carries about 1,000, and "
        "4,000 are wanted"),
    "booth_cpu_against_0_1_0": _less(
        "×", 0.25, "CPU by acts of the same evening in that booth, the same turns: 1,000 by 4,000"),
    "door_votes_against_open": _more(
        "×", 0.95, "votes a second of a gateway with the door, of drawn votes by devices with "
        "their mark, against one without it, by turns"),
    "door_cpu_against_open": _less("×", None, "CPU a vote, the same turns"),
    "limits_microseconds": _less(
        "µs", 3, "CPU of counting one request of a known voter and its network, with its headers"),
    "limits_against_0_1_0": _less(
        "×", 2, "the same by release 0.1.0, 190,000 voters, by turns in one process"),
    "limits_refused_against_0_1_0": _less(
        "×", 1, "refusing a new device of a network past its limit, by release 0.1.0, by turns"),
    "ledger_against_0_1_0": _more(
        "×", 0.9, "ballots of version 2 by rules 2, against release 0.1.0 on its own, by turns"),
    "ledger_cpu_against_0_1_0": _less("×", None, "CPU a vote, the same turns"),
    "gateway_against_0_1_0": _more(
        "×", 0.95, "votes a second of the gateway of release 0.1.0, 64 connections, by turns"),
    "gateway_cpu_against_0_1_0": _less(
        "×", None, "CPU a vote of the gateway of release 0.1.0, the same turns"),
    "gateway_latency_milliseconds_p99": _less(
        "ms", 50, "request to receipt, 64 connections that vote without a pause"),
    "gateway_latency_milliseconds_p99_at_256": _less(
        "ms", None, "the same, 256 connections: each waits for four times as many"),
    "live_latency_milliseconds_p99": _less(
        "ms", 150, "receipt to the snapshot that holds the vote, at a client of the live stream, "
        "2,000 votes/s through a gateway"),
    "live_clients": _more(
        "clients", 2_000, "streams of one process that are all still followed after 90 s of "
        "200 votes/s"),
    "live_clients_snapshots_per_second": _more(
        "snapshots/s", None, "of the one of these clients that had the fewest; 2 at most"),
    "live_clients_latency_milliseconds_p99": _less(
        "ms", None, "receipt to the snapshot that holds the vote, at one of these clients"),
    "live_clients_memory_megabytes_per_minute": _less(
        "MB/min", 1, "resident memory of that process meanwhile, fitted"),
    "results_page_kilobytes": _less(
        "kB", 100, "the campaign's results page with its style and script, compressed as sent"),
    "results_page_milliseconds": _less(
        "ms", 30, "from the results document of 2,864 proposals to the page, in process"),
    "idle_cpu_against_0_1_0": _less(
        "×", 0.33, "CPU of the whole local stack at three votes a second over a minute, by that of "
        "release 0.1.0, one after the other"),
    **{f"idle_cpu_percent_{process}": _less(
        "%", None, f"of a core, by {process}, in the same minute") for process in IDLE_PROCESSES},
    "publication_milliseconds_at_20000_proposals": _less(
        "ms", 5, "CPU of publishing one moved vote with its rankings, in process; the mean of 200"),
    "results_page_milliseconds_at_20000": _less(
        "ms", 60, "CPU from a publication of one moved vote, its rankings among it, to the results "
        "page of 20,000 proposals, in process; the first page left out"),
    "tally_flush_stall_milliseconds_at_100000": _less(
        "ms", 50, "the most CPU that a ledger's loop spends without a pause on a flush of all "
        "tallies of a partition"),
    "ideas_megabytes_at_100000_proposals": _less(
        "MB", None, "resident memory of the state of ideas, four partitions with votes on each"),
    "views_megabytes_at_100000_proposals": _less(
        "MB", None, "the same of what the views keep of results and catalogue"),
    "document_megabytes_at_100000_proposals": _less(
        "MB", None, "what the whole results document of them takes besides, while it is kept"),
    "sequence_milliseconds": _less(
        "ms", 1, "choosing a voter's next 12 among 2,864 proposals, in process; all new, half of "
        "them or none, the slowest counts"),
    "demo_seconds": _less(
        "s", 60, "`scrutin demo --exit`, the whole campaign, everything installed"),
}
