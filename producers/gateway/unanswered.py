"""Sequences that were drawn and not answered, by device and by network, in a minute. Pure.

Theory of operation: whoever wants a drawn vote on one proposal can ask for sequences, and throw
them away, until it is drawn. Nobody is refused a sequence for that. But past a bound what is given
says no route: a vote on it counts as any other, and is no drawn vote. A device has a bound, and so
has a network, for a machine is a new device whenever it likes. The first vote with a proof on a
proposal answers one sequence of its device, if one of this minute is not answered yet: then both
have one less. So who reads and votes never comes near, and a crowd behind one address is bounded by
those of it who only look. What leaves no vote more answers nothing: repeated, without a proof,
cast and taken back.

Counted in windows of a minute, in a fixed number of cells (`producers.gateway.cells`): no names are
listed, and no crowd of devices frees anybody. Several gateways divide the bound of a network; what
a device has it has at each. Each counts anew when it starts, and none tells another: an answer that
reaches another gateway than its sequence leaves that one counted until the minute ends.
"""

from producers.gateway.cells import CELL_BYTES, Cells
from producers.gateway.rates import part


DEVICE_SEQUENCES = 20
"""Unanswered sequences of a device in a minute whose proposals still count as drawn: nobody reads
as many cards."""
NETWORK_SEQUENCES = 800
"""Those of a network: of 1,300 new voters that a large mobile operator's busiest prefix brings in
the busiest minute half may look and never vote, where the others take a quarter of it to act."""
DEVICE_CELLS = 1 << 18
"""Windows of devices: more than the sequences that a process can draw in a minute."""
NETWORK_CELLS = 1 << 16
UNANSWERED_BYTES = CELL_BYTES * (DEVICE_CELLS + NETWORK_CELLS)
"""What all windows take, empty or full: 6.5 MB."""


class Unanswered:
    """Counts sequences that nobody answered, at one of so many gateways."""

    def __init__(self, *, gateways: int = 1) -> None:
        self._network_bound = part(NETWORK_SEQUENCES, gateways)
        self._devices, self._networks = Cells(DEVICE_CELLS), Cells(NETWORK_CELLS)

    @property
    def size_bytes(self) -> int:
        """What the counts take."""
        return self._devices.size_bytes + self._networks.size_bytes

    def draw(self, device: bytes, network: bytes, now: float) -> bool:
        """Count a sequence that is drawn; return whether its proposals count as drawn.

        `now` is in seconds from anywhere. What is past a bound is not counted: it frees nobody.
        """
        mine, of_device, device_rest = self._devices.look(device, now)
        theirs, of_network, network_rest = self._networks.look(network, now)
        if of_device >= DEVICE_SEQUENCES or of_network >= self._network_bound:
            return False
        if not device_rest:
            self._devices.begin(mine, device, now)
        if not network_rest:
            self._networks.begin(theirs, network, now)
        self._devices.counts[mine] += 1
        self._networks.counts[theirs] += 1
        return True

    def answer(self, device: bytes, network: bytes, now: float) -> None:
        """Take note of a first vote: it answers one sequence of its device, if there is one."""
        mine, of_device, device_rest = self._devices.look(device, now)
        if not device_rest or not of_device:
            return
        self._devices.counts[mine] -= 1
        theirs, of_network, network_rest = self._networks.look(network, now)
        if network_rest and of_network:
            self._networks.counts[theirs] -= 1
