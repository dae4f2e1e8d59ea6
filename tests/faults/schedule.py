"""Which faults a seed injects, at what and when. Pure.

Theory of operation: a schedule is one great fault, chosen by the seed's place among GREAT so that
five seeds in a row meet all of them, and a handful of small ones, at random moments. No target is
hit while another fault of it lasts. The moments are those of the schedule; what the processes are
doing then differs from run to run and machine to machine, so a seed repeats the faults, not the
interleaving: run a seed that failed several times.
"""

import random
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


LEDGERS = ("ledger-1", "ledger-2")
NOTARY, GATEWAY, SECOND_GATEWAY = "notary", "gateway", "gateway-2"
WORKERS = (*LEDGERS, "ideas", "archive", NOTARY, GATEWAY)
ADOPTION = "rules-adopt"
"""The command that adopts rules 2; it is started again until it has done so."""
BROKER, CLICKHOUSE = "kafka", "clickhouse"
QUIET_SECONDS = 1.0
"""Load before the first fault and after the last one, and rest of a target between two."""
SMALL_FAULTS = (3, 6)
"""Fewest and most small faults of a seed."""
SPAN_SECONDS = 5.0
"""Faults begin within so long..."""
ADOPTION_KILLED_SECONDS = (0.8, 2.5)
"""So long after it began the command is killed in half of the seeds that adopt."""
EARLY_SECONDS = 2.0
"""... and those that outlast a session within so long, so that no seed takes much longer."""
SESSION_SECONDS = 10.0
"""The session timeout of the workers' groups."""


class Kind(StrEnum):
    """What is done to a process."""

    KILL = "kill"
    """SIGKILL, and another start."""
    PAUSE = "pause"
    """SIGSTOP and SIGCONT within the session timeout."""
    STOP = "stop"
    """SIGTERM, awaited, and another start."""
    ZOMBIE = "zombie"
    """SIGSTOP past the session timeout, then SIGCONT: others have taken over meanwhile."""
    REPLACE = "replace"
    """SIGSTOP, a successor under the same instance is started, then SIGCONT; the first is given up
    when the load has ended. A ledger's successor is refused as long as the first one lives."""
    LEAVE = "leave"
    """SIGTERM, away past the session timeout: its partitions move away and come back."""
    FULL = "full"
    """No file may grow any more: the disk is full for it. The broker is killed and started then."""


class Clocks(NamedTuple):
    """By how many seconds the clocks of the gateways are ahead of the broker's, all the time."""

    gateway: float = 0.0
    second: float | None = None
    """None: there is one gateway."""


LASTING_SECONDS = {
    Kind.KILL: (0.0, 2.0),
    Kind.PAUSE: (0.2, 3.0),
    Kind.STOP: (0.0, 2.0),
    Kind.ZOMBIE: (10.5, 11.5),
    Kind.REPLACE: (3.0, 6.0),
    Kind.LEAVE: (10.5, 11.5),
    Kind.FULL: (1.5, 4.0),
}
"""How long each lasts."""
WRONG_CLOCKS = (Clocks(3_900.0), Clocks(-3_900.0), Clocks(45.0, -45.0), Clocks(0.0, 90.0))
"""More than the hour that Kafka lets a record be ahead, as much behind; two gateways so far apart
that neither believed what the other had signed."""
RIGHT_CLOCKS_SHARE = 0.5


class Fault(NamedTuple):
    """One fault: what begins at `at_seconds` of load and ends `lasting_seconds` later."""

    at_seconds: float
    kind: Kind
    target: str
    lasting_seconds: float

    @property
    def end_seconds(self) -> float:
        return self.at_seconds + self.lasting_seconds


class Adoption(NamedTuple):
    """Rules 2 are adopted from `at_seconds` of load on."""

    at_seconds: float
    killed_after_seconds: float | None
    """When the command is killed, once it was begun; None: it is not."""


@dataclass(frozen=True)
class Schedule:
    """What one seed does."""

    seed: int
    faults: tuple[Fault, ...]
    joins_late: bool
    """Whether the second ledger starts under load, and so joins, not before it."""
    load_seconds: float
    adoption: Adoption | None
    """None: rules 1 all the time, and events of version 1 alone."""
    clocks: Clocks


GREAT: tuple[tuple[Kind, tuple[str, ...]], ...] = (
    (Kind.KILL, (BROKER,)),
    (Kind.ZOMBIE, LEDGERS),
    (Kind.REPLACE, ("ideas", "archive", *LEDGERS)),
    (Kind.LEAVE, LEDGERS),
    (Kind.KILL, (CLICKHOUSE,)),
)
OF_GATEWAYS = (Kind.KILL, Kind.PAUSE, Kind.STOP)
"""One of two is killed, frozen or rolled, while voters ask both by turns."""
SMALL: tuple[tuple[Kind, tuple[str, ...]], ...] = (
    (Kind.KILL, WORKERS),
    (Kind.KILL, LEDGERS),
    (Kind.PAUSE, (*WORKERS, BROKER, CLICKHOUSE)),
    (Kind.STOP, (*WORKERS, BROKER)),
    (Kind.FULL, (*WORKERS, BROKER, CLICKHOUSE)),
)


def schedule(seed: int) -> Schedule:
    """Make the schedule of a seed; the same seed gives the same one."""
    randomness = random.Random(seed)
    busy: dict[str, list[Fault]] = {}
    drawn = [GREAT[seed % len(GREAT)], *randomness.choices(
        SMALL, k=randomness.randint(*SMALL_FAULTS))]
    faults = [_placed(randomness, kind, targets, busy) for kind, targets in drawn]
    clocks = _clocks(seed)
    if clocks.second is not None:
        faults.append(_of_second_gateway(seed, busy))
    placed = tuple(sorted(fault for fault in faults if fault is not None))
    ends = max(fault.end_seconds for fault in placed)
    joins_late = not any(fault.target == LEDGERS[1] for fault in placed)
    load_seconds = round(ends + QUIET_SECONDS, 3)
    return Schedule(seed, placed, joins_late, load_seconds, _adoption(seed, load_seconds),
                    clocks)


def _of_second_gateway(seed: int, busy: dict[str, list[Fault]]) -> Fault | None:
    """Draw what becomes of one of two gateways; apart, so that the others are those they were."""
    randomness = random.Random(f"gateways {seed}")
    return _placed(randomness, randomness.choice(OF_GATEWAYS), (SECOND_GATEWAY,), busy)


def _clocks(seed: int) -> Clocks:
    """Draw how wrong the clocks of the gateways are; apart, so that faults are those they were."""
    randomness = random.Random(f"clocks {seed}")
    is_right = randomness.random() < RIGHT_CLOCKS_SHARE
    return Clocks() if is_right else randomness.choice(WRONG_CLOCKS)


def _adoption(seed: int, load_seconds: float) -> Adoption | None:
    """Draw whether rules 2 are adopted, and when; apart, so that faults are those they were."""
    randomness = random.Random(f"adoption {seed}")
    if randomness.random() < 0.5:
        return None
    at_seconds = round(randomness.uniform(0.0, load_seconds - QUIET_SECONDS), 3)
    killed_after = round(randomness.uniform(*ADOPTION_KILLED_SECONDS), 3)
    return Adoption(at_seconds, killed_after if randomness.random() < 0.5 else None)


def _placed(
    randomness: random.Random, kind: Kind, targets: tuple[str, ...], busy: dict[str, list[Fault]]
) -> Fault | None:
    """Draw a fault; None where its target has another one at that time."""
    outlasts = LASTING_SECONDS[kind][0] > SESSION_SECONDS
    fault = Fault(
        round(randomness.uniform(QUIET_SECONDS, EARLY_SECONDS if outlasts else SPAN_SECONDS), 3),
        kind,
        randomness.choice(targets), round(randomness.uniform(*LASTING_SECONDS[kind]), 3))
    others = busy.setdefault(fault.target, [])
    for other in others:
        if (fault.at_seconds < other.end_seconds + QUIET_SECONDS
                and other.at_seconds < fault.end_seconds + QUIET_SECONDS):
            return None
    others.append(fault)
    return fault
