"""The figures operators watch: one name, unit and meaning for each, wherever it is measured.

Theory of operation: a process says what it measures as samples of the figures below and nothing
else; `exposition` writes them as Prometheus's text, `read` reads that text back. The operators'
page asks the processes for the same text as Prometheus does, so both show the same. Names follow
Prometheus's ways: base units, `_total` on what only grows, a moment instead of an age.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector


MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True)
class Figure:
    """One figure: where it is measured, what it counts, what it means."""

    name: str
    process: str
    """Kind of process that measures it; "every" for all."""
    unit: str
    meaning: str
    labels: tuple[str, ...] = ()

    @property
    def counter(self) -> bool:
        """Whether it only grows while the process runs."""
        return self.name.endswith("_total")

    @property
    def family(self) -> str:
        """What Prometheus's client calls it with its kin: the three of a histogram are one.

        It writes a counter's `_total` itself: with two of them Prometheus has no help for it.
        """
        for part in ("_bucket", "_count", "_sum", "_total"):
            if self.name.endswith(part):
                return self.name.removesuffix(part)
        return self.name

    @property
    def kind(self) -> str:
        """Its type as Prometheus names it."""
        if self.counter:
            return "counter"
        return "gauge" if self.family == self.name else "histogram"


FIGURES: dict[str, Figure] = {}
"""Every figure by its name."""


def _figure(name: str, process: str, unit: str, meaning: str, *labels: str) -> Figure:
    made = FIGURES[name] = Figure(name, process, unit, meaning, labels)
    return made


INFO = _figure(
    "scrutin_info", "every", "1", "Kind of process, its SCRUTIN_INSTANCE and version; always 1.",
    "process", "instance_name", "version")
READY = _figure(
    "scrutin_ready", "every", "0 or 1", "Whether /readyz says yes: the process does its work.")
LEADS = _figure(
    "scrutin_leads", "ideas, patrol, archive, notary", "0 or 1",
    "Whether this process holds the lease of its kind and works; 0: it stands by.")

DISK_FREE = _figure(
    "scrutin_disk_free_bytes", "every", "bytes",
    "Room left on the disk of SCRUTIN_DATA_DIR, for who is not root.")
DISK_SIZE = _figure(
    "scrutin_disk_size_bytes", "every", "bytes", "Size of the disk of SCRUTIN_DATA_DIR.")
CERTIFICATE_END = _figure(
    "scrutin_certificate_end_timestamp_seconds", "every", "seconds since 1970",
    "When a certificate ends that a setting names for Kafka; of several in a file the first to "
    "end.", "setting")

LEDGER_NEXT = _figure(
    "scrutin_ledger_next_offset", "ledger", "offset",
    "First offset of the votes whose decision the broker has not acknowledged.", "partition")
LEDGER_LIVE_VOTES = _figure(
    "scrutin_ledger_live_votes", "ledger", "votes", "Live votes held in memory.", "partition")
LEDGER_RECOVERED = _figure(
    "scrutin_ledger_recovered", "ledger", "0 or 1",
    "Whether a held partition was recovered from its decisions.", "partition")
LEDGER_SNAPSHOTS_FAILED = _figure(
    "scrutin_ledger_failed_snapshots", "ledger", "snapshots",
    "Writings of snapshots in a row that failed: the place of SCRUTIN_SNAPSHOTS is away or full.")

RESULTS_NEXT = _figure(
    "scrutin_results_next_offset", "ideas", "offset",
    "First offset of the votes that the last published results do not hold.", "partition")

RESULTS_SET_ASIDE = _figure(
    "scrutin_ideas_set_aside_records", "ideas", "records",
    "Records read since the start that nobody can read, or that are no event of their topic.",
    "topic")

UNENDORSED = _figure(
    "scrutin_ideas_unendorsed_records", "ideas", "records",
    "Records of the catalogue that count for nothing since nobody has endorsed them, namings of "
    "keys that nobody may have made, and closings among participants that the catalogue does not "
    "know; since the log began.")

PATROL_NEXT = _figure(
    "scrutin_patrol_next_offset", "patrol", "offset",
    "First offset of the votes that is not judged.", "partition")
PATROL_BEHIND = _figure(
    "scrutin_patrol_behind_records", "patrol", "records",
    "Votes that were there at the last judgement and wait for the next one: a backlog.")
PATROL_FINDINGS = _figure(
    "scrutin_patrol_findings", "patrol", "findings",
    "Findings in the judgements that this process has read or made, by rule.", "rule")
PATROL_OWED = _figure(
    "scrutin_patrol_owed_suspensions", "patrol", "suspensions",
    "Suspensions that judgements ask for and the ballot box has not: no key may sign, perhaps.")
PATROL_DIFFERING = _figure(
    "scrutin_patrol_differing_judgements", "patrol", "judgements",
    "Recorded judgements that came out otherwise when they were made again at the start.")

ARCHIVE_NEXT = _figure(
    "scrutin_archive_next_offset", "archive", "offset",
    "First offset that is not in ClickHouse.", "topic", "partition")
ARCHIVE_ROWS = _figure(
    "scrutin_archive_rows", "archive", "rows", "Rows at the last count, count().",
    "topic", "partition")
ARCHIVE_OFFSETS = _figure(
    "scrutin_archive_offsets", "archive", "offsets",
    "Distinct offsets at the last count, uniqExact(offset).", "topic", "partition")
ARCHIVE_MISSING = _figure(
    "scrutin_archive_missing_records", "archive", "records",
    "Records that were archived before the last count and not found by it: a hole.",
    "topic", "partition")
ARCHIVE_STOPPED = _figure(
    "scrutin_archive_stopped_partitions", "archive", "partitions",
    "Partitions that are not archived any more, because a record cannot be read.")
ARCHIVE_MEASURED = _figure(
    "scrutin_archive_measured_timestamp_seconds", "archive", "seconds since 1970",
    "When rows and offsets were last counted.")

NOTARY_NEXT = _figure(
    "scrutin_notary_next_offset", "notary", "offset",
    "First offset that is not a leaf of its transparency log.", "topic", "partition")
NOTARY_SIGNED = _figure(
    "scrutin_notary_signed_offset", "notary", "offset",
    "First offset that the last signed checkpoint does not cover.", "topic", "partition")
NOTARY_STOPPED = _figure(
    "scrutin_notary_stopped_partitions", "notary", "partitions",
    "Logs that are not continued any more: an operator must look.")
OVERDUE = _figure(
    "scrutin_notary_overdue_consultations", "notary", "consultations",
    "Consultations whose date has passed and which are not closed in every partition.")
NOTARY_WITNESSED = _figure(
    "scrutin_notary_witnessed_offset", "notary", "offset",
    "First offset that no checkpoint covers which enough witnesses have countersigned; told where "
    "witnesses are asked.", "topic", "partition")
NOTARY_UNWITNESSED = _figure(
    "scrutin_notary_unwitnessed_seconds", "notary", "seconds",
    "How long a log has had checkpoints that too few witnesses have countersigned; 0 where they "
    "have countersigned the newest.", "topic", "partition")
NOTARY_WITNESS_ANSWERS = _figure(
    "scrutin_notary_witness_answers_total", "notary", "answers",
    "What witnesses answered: cosigned; ahead or refused (it has seen another log under this "
    "name); unknown or forbidden (it does not know the log, or its key); unfit (what no witness "
    "may answer); failed; away (no answer in time).", "witness", "answer")

GATEWAY_WAITING = _figure(
    "scrutin_gateway_waiting_records", "gateway", "records",
    "Events taken whose acknowledgement by the broker is awaited.")
GATEWAY_WAITING_MOST = _figure(
    "scrutin_gateway_waiting_records_max", "gateway", "records",
    "So many may wait; what comes beyond is refused as busy.")
GATEWAY_WAIT = _figure(
    "scrutin_gateway_wait_seconds", "gateway", "seconds",
    "How long the oldest of them has been waiting; 0 without any.")
GATEWAY_CONNECTED = _figure(
    "scrutin_gateway_connected", "gateway", "0 or 1",
    "Whether a broker takes events; while none does, votes are refused as unavailable.")
GATEWAY_AWAY = _figure(
    "scrutin_gateway_partition_away", "gateway", "0 or 1",
    "Whether a partition takes nothing of this gateway: its broker is away, or has failed it and "
    "is on trial. Votes that lie in others are taken.", "topic", "partition")
GATEWAY_CLOCK_MEASURED = _figure(
    "scrutin_gateway_clock_measured", "gateway", "0 or 1",
    "Whether the broker's clock was measured in the last three minutes; while not, what was "
    "measured last holds, and before the first measure the machine's own clock.")
GATEWAY_CLOCK_AHEAD = _figure(
    "scrutin_gateway_clock_ahead_seconds", "gateway", "seconds",
    "By how much the machine's clock is ahead of the broker's, below 0 behind it; what the gateway "
    "stamps bears the broker's time all the same.")
GATEWAY_ACKNOWLEDGED = _figure(
    "scrutin_gateway_acknowledged_records_total", "gateway", "records",
    "Events acknowledged by the broker; those of the votes topic are receipts.", "topic")
GATEWAY_ANSWERS = _figure(
    "scrutin_gateway_answers_total", "gateway", "answers",
    "Answers by operation of /v1 (as in its OpenAPI document; pages: everything else) and status.",
    "route", "status")
GATEWAY_REFUSALS = _figure(
    "scrutin_gateway_refusals_total", "gateway", "answers",
    "Refusals of /v1 and of the booth's forms, by the name of the problem (/problems/NAME).",
    "reason")
GATEWAY_BALLOTS = _figure(
    "scrutin_gateway_partner_ballots_total", "gateway", "ballots",
    "Ballots that came in batches under a partner's key: recorded or refused.",
    "consultation", "partner", "outcome")
GATEWAY_SEQUENCES = _figure(
    "scrutin_gateway_sequences_total", "gateway", "sequences",
    "Sequences by what became of them: recorded at once; waiting for their voter's first act; "
    "recorded_with_vote, which waited (waiting less these: who only looked, crawlers too); "
    "not_recorded, for a voter or network has used up what is kept of it in a day.", "outcome")
GATEWAY_PAST_BOUND = _figure(
    "scrutin_gateway_sequences_past_bound_total", "gateway", "sequences",
    "Sequences whose view proofs say no route, for their device or network left too many of this "
    "minute unanswered: votes on their proposals count, and are no drawn votes.")
GATEWAY_CHALLENGES = _figure(
    "scrutin_gateway_challenges_total", "gateway", "challenges",
    "What the door did: raised a network for a proposal, asked for work or a wait (the vote is "
    "suspect), had it solved or waited out (trusted), saw it left for eleven minutes.", "what")
GATEWAY_SECONDS_CLASSES = _figure(
    "scrutin_gateway_answer_seconds_bucket", "gateway", "answers",
    "Answers of /v1 that took at most so long, refusals included.", "le")
GATEWAY_SECONDS_COUNT = _figure(
    "scrutin_gateway_answer_seconds_count", "gateway", "answers", "All of them.")
GATEWAY_SECONDS_SUM = _figure(
    "scrutin_gateway_answer_seconds_sum", "gateway", "seconds", "How long all of them took.")

LOG_END = _figure(
    "scrutin_log_end_offset", "views", "offset", "End of a log: first offset not written yet.",
    "topic", "partition")
LAG_MESSAGES = _figure(
    "scrutin_lag_messages", "views", "records",
    "Records that have passed the first place of a hop and not the second.", "hop", "partition")
LAG_SECONDS = _figure(
    "scrutin_lag_seconds", "views", "seconds",
    "How long the oldest of them has been waiting; 0 without any.", "hop", "partition")
PAGE_DELAY = _figure(
    "scrutin_page_delay_seconds", "views", "seconds",
    "From the publication of the last results to their arrival on the pages.")
VOTES_RECEIVED = _figure(
    "scrutin_votes_received", "views", "votes", "Votes received, of all consultations.")
VOTES_COUNTED = _figure(
    "scrutin_votes_counted", "views", "votes", "Votes counted now.")
VOTES_SET_ASIDE = _figure(
    "scrutin_votes_set_aside", "views", "votes", "Votes set aside now.", "reason")
DECIDED = _figure(
    "scrutin_decided_records_total", "views", "records",
    "Records of the ballot box decided and published.", "outcome")
REFUSED = _figure(
    "scrutin_refused_records_total", "views", "records",
    "Records of the ballot box refused, votes and controls alike, by reason.",
    "reason")
DEAD_LETTERS = _figure(
    "scrutin_dead_letters_total", "views", "records", "Undecodable records kept as they came.")
LIVE_CLIENTS = _figure(
    "scrutin_live_clients", "views, gateway", "clients",
    "Open streams of live figures.")
LIVE_CLIENTS_MOST = _figure(
    "scrutin_live_clients_max", "views, gateway", "clients",
    "So many may be open; who comes beyond is refused with 503.")
VIEWS_ANSWERS = _figure(
    "scrutin_views_answers_total", "views", "answers",
    "Answers by kind of address (pages, v1, log, static, operations, live) and status; of live "
    "streams when they begin.", "kind", "status")
VIEWS_SECONDS_CLASSES = _figure(
    "scrutin_views_answer_seconds_bucket", "views", "answers",
    "Answers that began after at most so long, live streams apart.", "le")
VIEWS_SECONDS_COUNT = _figure(
    "scrutin_views_answer_seconds_count", "views", "answers", "All of them.")
VIEWS_SECONDS_SUM = _figure(
    "scrutin_views_answer_seconds_sum", "views", "seconds", "How long until all of them began.")
LOG_LEADERLESS = _figure(
    "scrutin_log_leaderless_partitions", "views", "partitions",
    "Partitions of a topic that no broker leads: they take and give nothing. As brokers told "
    "within the last half minute.", "topic")
LOG_OUT_OF_SYNC = _figure(
    "scrutin_log_out_of_sync_partitions", "views", "partitions",
    "Partitions of a topic of which a replica is away or behind; told as above.", "topic")
ANSWERS = _figure(
    "scrutin_process_answers", "views", "0 or 1",
    "Whether a process (or the broker) answered the operators' page when last asked.",
    "process_name")
RESTARTS = _figure(
    "scrutin_process_restarts_total", "views", "restarts",
    "Restarts of a process seen by the operators' page.", "process_name")
RECOUNT_EQUAL = _figure(
    "scrutin_recount_equal", "views", "0 or 1",
    "Whether the last recount gave the published numbers.", "consultation")
RECOUNT_MADE = _figure(
    "scrutin_recount_timestamp_seconds", "views", "seconds since 1970",
    "When the last recount ended.", "consultation")

WORKERS = _figure(
    "scrutin_workers", "views, gateway", "workers",
    "Workers that take requests at this port; told where there are several.")
WORKERS_MOST = _figure(
    "scrutin_workers_max", "views, gateway", "workers", "So many there are to be.")
WORKER_RESTARTS = _figure(
    "scrutin_worker_restarts_total", "views, gateway", "restarts",
    "Workers that ended and were started again.")

PROCESS_STARTED = "process_start_time_seconds"
PROCESS_MEMORY = "process_resident_memory_bytes"
"""Figures of Prometheus's own client, which every process gives beside ours."""


@dataclass(frozen=True)
class Sample:
    """A figure's value, under its labels."""

    figure: Figure
    value: float
    labels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reading:
    """What a process said of itself: values by figure name, then by labels."""

    values: dict[str, dict[tuple[str, ...], float]] = field(default_factory=dict)

    def one(self, name: str) -> float | None:
        """Return the value of a figure without labels; None where it was not said."""
        return self.values.get(name, {}).get(())

    def labelled(self, figure: Figure) -> dict[tuple[str, ...], float]:
        """Return the values of a figure by its labels, in the order the figure names them."""
        return self.values.get(figure.name, {})


class _Samples(Collector):
    def __init__(self, samples: Iterable[Sample]) -> None:
        self._samples = samples

    def collect(self) -> Iterator[Metric]:
        families: dict[str, Metric] = {}
        for sample in self._samples:
            figure = sample.figure
            family = families.setdefault(
                figure.family, Metric(figure.family, figure.meaning, figure.kind))
            family.add_sample(
                figure.name, dict(zip(figure.labels, sample.labels, strict=True)), sample.value)
        yield from families.values()


class _Families(Collector):
    def __init__(self, found: Iterable[Metric]) -> None:
        self._found = found

    def collect(self) -> Iterable[Metric]:
        return self._found


def families(samples: Iterable[Sample]) -> list[Metric]:
    """Gather samples, and those of the process itself, by families."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    registry.register(_Samples(samples))
    return list(registry.collect())


def text_of(found: Iterable[Metric]) -> bytes:
    """Write families as Prometheus's text."""
    registry = CollectorRegistry()
    registry.register(_Families(found))
    return generate_latest(registry)


def exposition(samples: Iterable[Sample]) -> bytes:
    """Write samples, and those of the process itself, as Prometheus's text."""
    return text_of(families(samples))


def read(text: str) -> Reading:
    """Read Prometheus's text; raise ValueError where it is none. Unknown figures are left out."""
    values: dict[str, dict[tuple[str, ...], float]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            figure = FIGURES.get(sample.name)
            if figure is None and sample.name not in (PROCESS_STARTED, PROCESS_MEMORY):
                continue
            names = figure.labels if figure else ()
            labels = tuple(sample.labels.get(name, "") for name in names)
            values.setdefault(sample.name, {})[labels] = sample.value
    return Reading(values)
