"""What several workers say is one: counts are summed and never fall, states are the worst."""

from hypothesis import given
from hypothesis import strategies as st

from schemas import figures
from schemas.figures import FIGURES, Figure, Reading, Sample, families, read, text_of
from scrutin.workers.sums import AS_ONE, FARTHEST, HELD, LEAST, Plain, Sums, plain


ANSWERS = figures.GATEWAY_ANSWERS


def said(*samples: Sample) -> Plain:
    """Write what a worker says, without what its process is."""
    return [each for each in plain(families(samples)) if each[0].startswith("scrutin")]


def of(sums: Sums) -> Reading:
    """Read the sums as whoever scrapes them does."""
    return read(text_of(sums.joined()).decode())


def test_counts_are_summed_by_their_labels() -> None:
    """Of what only one has counted its count stands, and a histogram stays one."""
    sums = Sums()
    for worker in (1, 2):
        sums.say(worker, said(
            Sample(ANSWERS, 10 * worker, ("vote", "201")),
            Sample(ANSWERS, 7, ("pages", str(200 + worker))),
            Sample(figures.GATEWAY_SECONDS_CLASSES, worker, ("0.1",)),
            Sample(figures.GATEWAY_SECONDS_CLASSES, 3 * worker, ("+Inf",)),
            Sample(figures.GATEWAY_SECONDS_COUNT, 3 * worker),
            Sample(figures.GATEWAY_SECONDS_SUM, worker / 4)))
    found = of(sums)

    assert found.labelled(ANSWERS) == {
        ("vote", "201"): 30, ("pages", "201"): 7, ("pages", "202"): 7}
    assert found.labelled(figures.GATEWAY_SECONDS_CLASSES) == {("0.1",): 3, ("+Inf",): 9}
    assert found.one(figures.GATEWAY_SECONDS_COUNT.name) == 9
    assert found.one(figures.GATEWAY_SECONDS_SUM.name) == 0.75


def test_states_are_those_of_whoever_stands_worst() -> None:
    """Not ready, away, waiting longest, a clock that is farthest off: one worker suffices."""
    sums = Sums()
    for worker, ready, away, wait, ahead in ((1, 1, 0, 0.25, 2.0), (2, 0, 1, 4.0, -3.0)):
        sums.say(worker, said(
            Sample(figures.READY, ready), Sample(figures.GATEWAY_AWAY, away, ("votes", "0")),
            Sample(figures.GATEWAY_WAIT, wait), Sample(figures.GATEWAY_CLOCK_AHEAD, ahead),
            Sample(figures.GATEWAY_WAITING, 10), Sample(figures.DECIDED, 50 + worker, ("x",)),
            Sample(figures.INFO, 1, ("gateway", "a", "1"))))
    found = of(sums)

    assert {name: [*values.values()] for name, values in found.values.items()} == {
        "scrutin_ready": [0], "scrutin_gateway_partition_away": [1],
        "scrutin_gateway_wait_seconds": [4.0], "scrutin_gateway_clock_ahead_seconds": [-3.0],
        "scrutin_gateway_waiting_records": [20], "scrutin_decided_records_total": [52],
        "scrutin_info": [1]}


def test_what_an_ended_worker_counted_stays_and_how_it_stood_does_not() -> None:
    """The one that takes its place begins at nothing, and the sum goes on from where it was."""
    sums = Sums()
    for worker in (1, 2):
        sums.say(worker, said(
            Sample(ANSWERS, 100, ("vote", "201")), Sample(figures.LIVE_CLIENTS, 5)))
    sums.end(2)
    alone = of(sums)
    sums.say(2, said(Sample(ANSWERS, 1, ("vote", "201")), Sample(figures.LIVE_CLIENTS, 1)))
    again = of(sums)

    assert [found.labelled(ANSWERS) for found in (alone, again)] == [
        {("vote", "201"): 200}, {("vote", "201"): 201}]
    assert [found.one(figures.LIVE_CLIENTS.name) for found in (alone, again)] == [5, 6]


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(0, 9), st.booleans()), max_size=30))
def test_a_sum_of_counts_never_falls_and_counts_everything_once(
    steps: list[tuple[int, int, bool]]
) -> None:
    """Whichever workers count and end in whatever order: all that was said is in it, once."""
    sums, counted, total, before = Sums(), {1: 0, 2: 0, 3: 0}, 0, 0.0
    for worker, more, ends in steps:
        counted[worker] += more
        total += more
        sums.say(worker, said(Sample(ANSWERS, counted[worker], ("vote", "201"))))
        if ends:
            sums.end(worker)
            counted[worker] = 0
        now = of(sums).labelled(ANSWERS)["vote", "201"]
        assert now >= before
        before = now

    assert before == total


@given(st.lists(st.tuples(st.integers(1, 2), st.integers(0, 9), st.booleans()), max_size=30))
def test_what_all_read_alike_never_falls(steps: list[tuple[int, int, bool]]) -> None:
    """Whoever has read farthest may end: who is started again reads all of it from the start."""
    sums, log_end, before = Sums(), 0, 0.0
    for worker, more, ends in steps:
        log_end += more
        sums.say(worker, said(Sample(figures.DECIDED, log_end, ("counted",))))
        if ends:
            sums.end(worker)
            sums.say(worker, said(Sample(figures.DECIDED, 0, ("counted",))))
        now = of(sums).labelled(figures.DECIDED)["counted",]
        assert now >= before
        before = now

    assert before == log_end


def test_the_process_that_began_first_says_when_all_did() -> None:
    """A worker that is started again makes nobody think that the whole process was."""
    sums = Sums()
    for worker, began in ((0, 1_000.0), (1, 1_002.0), (2, 5_000.0)):
        sums.say(worker, [
            ["process_start_time_seconds", "Start time.", "gauge",
             [["process_start_time_seconds", {}, began]]],
            ["process_resident_memory_bytes", "Memory.", "gauge",
             [["process_resident_memory_bytes", {}, 10.0]]]])
    before = of(sums)
    sums.end(1)

    assert [found.one(figures.PROCESS_STARTED) for found in (before, of(sums))] == [1_000, 1_000]
    assert before.one(figures.PROCESS_MEMORY) == 30


def test_how_figures_are_one_is_said_of_those_that_are_measured_here() -> None:
    """No name in a list is misspelt or of others, and none stands in two."""
    lists = (AS_ONE, HELD, LEAST, FARTHEST)
    measured: list[Figure] = [each for each in FIGURES.values() if {
        "views", "gateway", "every"}.intersection(each.process.split(", "))]
    named = [name for each in lists for name in each if name.startswith("scrutin")]

    assert len(named) == len({*named})
    assert {*named} <= {each.name for each in measured}
