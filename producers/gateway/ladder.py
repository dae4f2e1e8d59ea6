"""What the door asks of devices that are not known, by network and proposal. Pure.

Theory of operation: on a step of this ladder stands a *place*: a network and a proposal that
devices of it ask for. Where more than so many devices that are not known come for one proposal out
of one network within ten minutes, the next ones are challenged: a step up. A device counts once,
however often it comes. Where many solve what is
asked of them, it is a machine with a solver: another one. The patrol raises places too
(`raise_named`), and a network that sends more requests without a cookie than people do is raised
as a whole. Devices that are known by a vote on what was drawn have places of their own, ten times
as wide: a stock of them can be made in a day. Each half an hour in which nothing raised a place
takes it a step down. Nobody's neighbours notice: another network or proposal is another place.

Who waits instead of working passes, so many a minute for each place, and no script faster than
that however many wait. A voter counts once a minute, and who was told to wait longer is not heard
before: whoever asks all the time gets ahead of nobody. Several gateways divide each bound
(`producers.gateway.rates.part`).

All is counted in a fixed number of cells, made once: no names are listed, and no crowd frees
anybody. Each gateway counts anew when it starts.
"""

import math
from array import array

from producers.gateway.cells import TRIES
from producers.gateway.rates import part
from producers.gateway.recent import UNTIL_BYTES, Recent, Until


FRESH_DEVICES = 30
"""Devices that are not known, of one network for one proposal within WINDOW_SECONDS: those after
them are challenged."""
SERVED_DEVICES = 300
"""The same of devices that are known by a vote on what was drawn: more than come of themselves."""
WINDOW_SECONDS = 600
PARTS = 5
"""A window forgets a part of itself at a time (`producers.gateway.recent`)."""
COUNTED_SECONDS = WINDOW_SECONDS + WINDOW_SECONDS // PARTS
"""A device counts once at a place in so long: while its first coming may still be counted."""
COUNTED_TIMES = 4
"""Past so many times as many devices as raise a place no more are counted there: no crowd at one
place takes the cells of all."""
SOLVED_MOST = 500
"""Challenges of one network that are solved within WINDOW_SECONDS; past it they become longer."""
MANY_TIMES = 3
"""Past so many times as many other proposals come first."""
MINUTE_SECONDS = 60
PASSES_PER_MINUTE = 60
"""So many of those who wait pass at a place, in all gateways together."""
QUIET_SECONDS = 1_800
"""After so long without a cause a place goes a step down."""
HIGHEST = 3
"""1: work or a wait. 2: longer ones. 3: they count after two other proposals only."""
OTHERS_FIRST = 2
"""Other proposals on which a device has a proven vote before its own at the highest step counts."""
WAIT_SECONDS = (0, 20, 60, 60)
"""How long who does no work waits, by step."""
WAIT_MOST_SECONDS = 600
"""No wait is longer, however many wait."""
PLACE_CELLS = 1 << 17
NETWORK_CELLS = 1 << 16
RAISED_MOST = 10_000
"""Places that the patrol has raised, at once: ten hours of its findings. What it raises beyond
them is left out, until some have ended."""
LADDER_BYTES = PLACE_CELLS * (12 + 2 * 6) + PLACE_CELLS * 17 + 2 * NETWORK_CELLS * (12 + 2 * 7) + (
    NETWORK_CELLS * (12 + 2 * 6)) + (PLACE_CELLS + 2 * NETWORK_CELLS) * UNTIL_BYTES
"""What all cells take, empty or full: 15 MB. Raised places come to some 3 MB more."""

_SERVED = b"served\0"
Raised = tuple[int, int]
"""A step, and until when it holds (milliseconds since 1970)."""


class Ladder:
    """The places of one of so many gateways; `now` is in seconds from anywhere, alike for all."""

    def __init__(
        self, *, gateways: int = 1, places: int = PLACE_CELLS, networks: int = NETWORK_CELLS
    ) -> None:
        self._fresh_most = part(FRESH_DEVICES, gateways)
        self._served_most = part(SERVED_DEVICES, gateways)
        self._solved_most = part(SOLVED_MOST, gateways)
        self._passes_most = part(PASSES_PER_MINUTE, gateways)
        self._steps = _Steps(places)
        self._fresh = Recent(places, seconds=WINDOW_SECONDS, parts=PARTS)
        self._counted = Until(places, most_seconds=COUNTED_SECONDS)
        self._solved = Recent(networks, seconds=WINDOW_SECONDS, parts=PARTS)
        self._passes = Recent(networks, seconds=MINUTE_SECONDS, parts=6)
        self._passed = Until(networks, most_seconds=MINUTE_SECONDS)
        self._waiting = Until(networks, most_seconds=WAIT_MOST_SECONDS)
        self._tries = Recent(networks, seconds=MINUTE_SECONDS, parts=6)
        self._raised: dict[tuple[bytes, bytes], Raised] = {}
        self.raised = 0
        """How often a place was taken a step or more up, here."""

    @property
    def size_bytes(self) -> int:
        """What the cells take."""
        return sum(each.size_bytes for each in (
            self._steps, self._fresh, self._counted, self._solved, self._passes, self._passed,
            self._waiting, self._tries))

    @property
    def names_raised(self) -> bool:
        """Whether any place stands raised by name, so that names of networks are asked for."""
        return bool(self._raised)

    def ask(
        self, network: bytes, target: bytes, voter: bytes, now: float, least: int = 0
    ) -> int:
        """Count a device that is not known and comes for a proposal; return the step it meets.

        That is `least` at least. Who meets none passes as one of those who wait do.
        """
        place = _place(network, target)
        self._come(place, voter, now, self._fresh_most, COUNTED_TIMES * self._fresh_most)
        step = max(
            least, self._steps.step(place, now), self._steps.step(_place(network, b""), now))
        if not step:
            self._pass(place, voter, now)
        return step

    def ask_served(self, network: bytes, target: bytes, voter: bytes, now: float) -> int:
        """Count one that is known by a vote on what was drawn; return the step it meets.

        That is none until many more came than come of themselves, and 1 from then on.
        """
        place = _place(network, _SERVED + target)
        self._come(place, voter, now, self._served_most, self._served_most)
        return self._steps.step(place, now)

    def _come(self, place: bytes, voter: bytes, now: float, most: int, counted_most: int) -> None:
        """Count a device, and raise its place where there are too many.

        One who finds no cell counts each time: no crowd elsewhere lets a crowd pass uncounted here.
        """
        came, name = self._fresh.count(place, now), place + voter
        if came <= counted_most and not self._counted.left(name, now):
            self._counted.begin(name, now + COUNTED_SECONDS, now)
            came = self._fresh.add(place, now)
        if came > most:
            self._raise(place, 1, now)

    def solved(self, network: bytes, target: bytes, now: float) -> None:
        """Count a challenge that was solved: too many of one network make them longer."""
        solved = self._solved.add(network, now)
        if solved > self._solved_most:
            step = HIGHEST if solved > MANY_TIMES * self._solved_most else 2
            self._raise(_place(network, target), step, now)

    def crowded(self, network: bytes, now: float) -> None:
        """Raise a network as a whole: more requests came without a cookie than people send."""
        self._raise(_place(network, b""), 1, now)

    def passes(self, network: bytes, target: bytes, voter: bytes, now: float) -> int:
        """Let a voter who has waited through: 0; else the seconds to wait yet.

        Who comes as the nth too many of a minute is told of the moment when n more have passed, and
        is told the same until then.
        """
        place = _place(network, target)
        if self._passed.left(place + voter, now):
            return 0
        seconds = self.waits(network, target, voter, now)
        if seconds:
            return seconds
        tries = self._tries.add(place, now)
        if self._passes.count(place, now) < self._passes_most:
            self._pass(place, voter, now)
            return 0
        turn = MINUTE_SECONDS * max(tries - self._passes_most, 1) // self._passes_most
        seconds = min(max(turn, WAIT_SECONDS[1]), WAIT_MOST_SECONDS)
        self._waiting.begin(place + voter, now + seconds, now)
        return seconds

    def waits(self, network: bytes, target: bytes, voter: bytes, now: float) -> int:
        """Return the seconds that are left of what a voter was told when too many waited; or 0."""
        return math.ceil(self._waiting.left(_place(network, target) + voter, now))

    def _pass(self, place: bytes, voter: bytes, now: float) -> None:
        """Count a voter who passes; one who finds no cell counts each time."""
        if not self._passed.left(place + voter, now):
            self._passed.begin(place + voter, now + MINUTE_SECONDS, now)
            self._passes.add(place, now)

    def raise_named(
        self, name: bytes, target: bytes, step: int, until: int, now: int
    ) -> None:
        """Raise a network by the name that it bears today (milliseconds since 1970).

        An empty target is every proposal. What holds longer already stays.
        """
        if until <= now or not 0 < step <= HIGHEST:
            return
        if len(self._raised) >= RAISED_MOST:
            self._raised = {place: held for place, held in self._raised.items() if held[1] > now}
        held = self._raised.get((name, target))
        if held is None and len(self._raised) >= RAISED_MOST:
            return
        self.raised += held is None or held[0] < step or held[1] <= now
        if held is not None and held[1] > now:
            step, until = max(step, held[0]), max(until, held[1])
        self._raised[name, target] = (step, until)

    def named(self, name: bytes, target: bytes, now: int) -> int:
        """Return the step to which a network was raised by name (milliseconds since 1970)."""
        found = (self._raised.get((name, each), (0, 0)) for each in (target, b""))
        return max(step if until > now else 0 for step, until in found)

    def _raise(self, place: bytes, step: int, now: float) -> None:
        self.raised += self._steps.raise_to(place, step, now)


class _Steps:
    """The step of each place that was raised, and since when it is quiet there."""

    __slots__ = ("_codes", "_mask", "_quiet_since", "_steps")

    def __init__(self, cells: int) -> None:
        self._mask = cells - 1
        self._codes = array("q", bytes(8 * cells))
        self._quiet_since = array("d", bytes(8 * cells))
        self._steps = array("B", bytes(cells))

    @property
    def size_bytes(self) -> int:
        return sum(each.itemsize * len(each)
                   for each in (self._codes, self._quiet_since, self._steps))

    def step(self, place: bytes, now: float) -> int:
        cell, is_own = self._look(hash(place), now)
        return self._now(cell, now) if is_own else 0

    def raise_to(self, place: bytes, step: int, now: float) -> bool:
        """Raise a place to a step at least, from now on; return whether it stood lower."""
        cell, is_own = self._look(hash(place), now)
        held = self._now(cell, now) if is_own else 0
        if not is_own:
            self._codes[cell] = hash(place)
        self._steps[cell], self._quiet_since[cell] = max(held, step), now
        return step > held

    def _look(self, code: int, now: float) -> tuple[int, bool]:
        """Return the cell of a place, and whether it stands there: perhaps with others."""
        first, free = code & self._mask, None
        for cell in range(first, first + TRIES):
            cell &= self._mask  # noqa: PLW2901 -- behind the last comes the first
            if not self._now(cell, now):
                free = cell if free is None else free
            elif self._codes[cell] == code:
                return cell, True
        return (first, True) if free is None else (free, False)

    def _now(self, cell: int, now: float) -> int:
        """Return what is left of a step; a clock that was set back leaves it as it was."""
        quiet = max(0.0, now - self._quiet_since[cell])
        return max(0, self._steps[cell] - int(quiet // QUIET_SECONDS))


def target_of(consultation: str, proposal: str) -> bytes:
    """Name a proposal of a consultation for the ladder."""
    return f"{consultation}\0{proposal}".encode()


def _place(network: bytes, target: bytes) -> bytes:
    return bytes((len(network),)) + network + target
