"""Split a whole number into whole shares: the one tool by which counts stay exact."""

from collections.abc import Sequence


def apportion(
    total: int, weights: Sequence[float], caps: Sequence[int] | None = None
) -> list[int]:
    """Split `total` by weights into whole shares that add up to it, none above its cap.

    Shares are differences of rounded partial sums: each is its exact part rounded up or down.
    What a capped share cannot take goes to the others, by weight. Raises ValueError when the caps
    do not leave room for the total.
    """
    shares = [0] * len(weights)
    if caps is None:
        _add(shares, total, range(len(weights)), weights)
        return shares
    if total > sum(caps):
        raise ValueError(f"{total} do not fit under caps of {sum(caps)} in all")
    rest = total
    while rest:
        room = [index for index, cap in enumerate(caps) if shares[index] < cap]
        _add(shares, rest, room, weights)
        rest = 0
        for index in room:
            if shares[index] > caps[index]:
                rest += shares[index] - caps[index]
                shares[index] = caps[index]
    return shares


def _add(
    shares: list[int], total: int, places: Sequence[int], weights: Sequence[float]
) -> None:
    whole = sum(weights[index] for index in places)
    given, partial = 0, 0.0
    for index in places:
        partial += weights[index]
        upto = round(total * partial / whole)
        shares[index] += upto - given
        given = upto
    assert given == total, "the partial sums are added in the same order as the whole"
