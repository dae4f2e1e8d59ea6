"""The figures that the views measure, as samples for /metrics."""

from collections.abc import Iterator

from schemas import figures
from schemas.figures import Sample
from schemas.words import REFUSED
from views.operations.ruler import HOPS
from views.operations.watch import Watch


def samples(watch: Watch) -> Iterator[Sample]:
    """Yield all samples of one moment."""
    for (topic, partition), end in sorted(watch.ends.items()):
        yield Sample(figures.LOG_END, end, (topic, str(partition)))
    for topic, places in sorted(watch.places.items()):
        yield Sample(figures.LOG_LEADERLESS, places.leaderless, (topic,))
        yield Sample(figures.LOG_OUT_OF_SYNC, places.out_of_sync, (topic,))
    yield from _lags(watch)
    if watch.page_delay_seconds is not None:
        yield Sample(figures.PAGE_DELAY, watch.page_delay_seconds)
    if watch.looks:
        yield from _votes(watch)
    for process in (watch.broker, *watch.processes.values()):
        if process.answers is not None:
            yield Sample(figures.ANSWERS, process.answers, (process.name,))
            yield Sample(figures.RESTARTS, process.restarts, (process.name,))
    for verdict in watch.recounts:
        yield Sample(figures.RECOUNT_EQUAL, verdict.held, (verdict.consultation,))
        yield Sample(figures.RECOUNT_MADE, verdict.at, (verdict.consultation,))


def _lags(watch: Watch) -> Iterator[Sample]:
    for hop in HOPS:
        for partition in watch.ruler.partitions():
            lag = watch.ruler.lag(hop, partition, watch.clock)
            if lag.messages is not None and lag.seconds is not None:
                labels = (hop, str(partition))
                yield Sample(figures.LAG_MESSAGES, lag.messages, labels)
                yield Sample(figures.LAG_SECONDS, round(lag.seconds, 3), labels)


def _votes(watch: Watch) -> Iterator[Sample]:
    last = watch.looks[-1]
    yield Sample(figures.VOTES_RECEIVED, last.received)
    yield Sample(figures.VOTES_COUNTED, last.counted)
    for reason, votes in watch.set_aside.items():
        yield Sample(figures.VOTES_SET_ASIDE, votes, (reason,))
    for outcome, records in sorted(last.decided.items()):
        yield Sample(figures.DECIDED, records, (outcome,))
    for name in REFUSED:
        yield Sample(figures.REFUSED, last.number(name), (name.removeprefix("refused_"),))
    yield Sample(figures.DEAD_LETTERS, last.dead_letters)
