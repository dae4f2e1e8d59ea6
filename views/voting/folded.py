"""A paper as the value of a cookie: bounded, signed, and read back by any gateway. Pure.

Theory of operation: the cookie goes with every request below the booth, through proxies that keep
4,000 bytes of a head and servers that refuse more than 8,000; with all else that browsers send it
stays below 3,000. So proposals are numbers (`views.voting.roll`), and numbers take as many bytes as
they need, seven bits in each. The latest votes are written whole, a dozen bytes each. Of the others
stays what a visitor looks for, choice, qualifications and whether the vote came with a proof: in
the order of their places, the steps between them first and then what each says, which deflates to
one byte a vote. What a choice was before, and where its event lies, is forgotten with that. Only
past thousands of votes some are forgotten wholly.

Where routes to proposals are noted they stand in two bits beside each number, and among the older
ones stands what was asked for and has no vote. A paper without a known route is written as it was
before routes were, so that gateways which know of none go on reading it.

The first papers were deflated JSON with the names in it: they are read, and written so no more.
"""

import base64
import binascii
import functools
import hmac
import json
import zlib
from collections.abc import Callable, Iterable, Iterator

from schemas.words import CHOICES, QUALIFICATIONS, QUALIFICATIONS_PER_CHOICE, SHOWN
from views.voting.paper import ASKED, DONE_BYTES, UNKNOWN, Mark, Paper
from views.voting.roll import MARK_BYTES, Roll


PAPER_CHARACTERS = 1_500
"""Longest cookie value: what else a browser sends with it takes up to 1,300 bytes, what is answered
with it 1,300, and a head shall stay below 3,000."""
WHOLE_LEAST = 16
"""Votes that are kept whole, at least: a sequence and some."""
_ROUTELESS, _ROUTED = b"2", b"3"
"""Stands before the content where it is sealed: gateways of before, whose papers were sealed as
they were or have no routes, take it for nobody's."""
_ROUTE_BITS = {_ROUTELESS: 0, _ROUTED: 2}
"""Bits of a route beside each number of a proposal."""
_BEFORE = b"x"
"""How the content of a paper of before begins: zlib says so."""
_RAW = -15
"""Deflate without zlib's head and sum: the seal says more."""
_NOTHING = b"\3\0"
"""Nothing, deflated."""
BUTTONS = (*CHOICES, "withdraw", *(
    sign + word for word in QUALIFICATIONS for sign in ("+", "-")))
"""What an act without proof can have been, as its button names it."""

Seal = Callable[[bytes], bytes]
IsSealed = Callable[[bytes, bytes], bool]
"""Given a code and the content, says whether the code is a seal of it."""


def written(paper: Paper, seal: Seal, roll: Roll) -> str:
    """Write a paper as a cookie's value, within PAPER_CHARACTERS; the paper stays as it is."""
    whole = [(place, mark) for name, mark in paper.marks.items()
             if (place := roll.place(name)) is not None]
    older = {place: state for name, state in _states(paper)
             if (place := roll.place(name)) is not None}
    version = _ROUTED if _knows_routes(paper) else _ROUTELESS
    while True:
        content = _folded(paper, whole, older, roll, _ROUTE_BITS[version])
        text = base64.urlsafe_b64encode(seal(version + content) + content).rstrip(b"=").decode()
        if len(text) <= PAPER_CHARACTERS or not (whole or older):
            return text
        if len(whole) > WHOLE_LEAST or not older:
            leaving = 1 + len(whole) // 10
            older |= {place: _state(mark) for place, mark in whole[:leaving]}
            del whole[:leaving]
        else:
            # The log knows what was voted on: what was asked for is known here alone.
            first = sorted(older, key=lambda place: (_is_aside(older[place]), place))
            for place in first[:1 + len(older) // 10]:
                del older[place]


def read(
    text: str | None, seal: Seal, roll: Roll, is_sealed: IsSealed | None = None
) -> Paper:
    """Read a paper that we sealed; an empty one for anything else, or of another catalogue.

    Where seals change over time, `is_sealed` knows older ones too.
    """
    code_bytes = len(seal(b""))
    try:
        raw = base64.urlsafe_b64decode((text or "") + "=" * (-len(text or "") % 4))
    except (binascii.Error, ValueError):
        return Paper()
    code, content = raw[:code_bytes], raw[code_bytes:]
    is_ours = is_sealed or (lambda code, content: hmac.compare_digest(code, seal(content)))
    for version, bits in _ROUTE_BITS.items():
        if is_ours(code, version + content):
            return _unfolded(content, roll, bits)
    if content[:1] == _BEFORE and is_ours(code, content):
        return _of_before(content)
    return Paper()


def _knows_routes(paper: Paper) -> bool:
    return bool(paper.routes) or any(mark.route != UNKNOWN for mark in paper.every().values())


def _states(paper: Paper) -> Iterator[tuple[str, int]]:
    """Yield what is kept of older marks, and of what was asked for and is not in turn."""
    for name, mark in paper.older.items():
        yield name, _state(mark)
    for name, route in paper.routes.items():
        if route == ASKED and name not in paper.sequence:
            yield name, _ASIDE | _ROUTE[route] << _ROUTE_AT


def _folded(
    paper: Paper, whole: list[tuple[int, Mark]], older: dict[int, int], roll: Roll, bits: int
) -> bytes:
    sequence = [place for name in paper.sequence if (place := roll.place(name)) is not None]
    places = sorted(older)
    used = [*sequence, *(place for place, _ in whole), *places[-1:]]
    count = min(max(used, default=-1) + 1, len(roll))
    numbers = [count, paper.partition, int(paper.described), paper.voted, len(sequence)]
    numbers += (place << bits | _ROUTE[paper.routes.get(roll.name(place), UNKNOWN)]
                for place in sequence)
    numbers.append(len(whole))
    cast = 0
    for place, mark in whole:
        numbers += (place << bits | _ROUTE[mark.route], _said(mark),
                    _unsigned(mark.cast - cast), max(mark.last - mark.cast, 0), mark.acts)
        if mark.unproven:
            numbers.append(BUTTONS.index(mark.unproven))
        cast = mark.cast
    numbers.append(len(places))
    steps = (place - before for before, place in zip((-1, *places), places, strict=False))
    summary = _bytes_of(steps) + bytes(older[place] for place in places)
    return roll.mark(count) + paper.done + _bytes_of(numbers) + _deflated(summary)


def _deflated(content: bytes) -> bytes:
    if not content:  # Of most papers: a packer takes a quarter of a megabyte to begin.
        return _NOTHING
    packing = zlib.compressobj(9, zlib.DEFLATED, _RAW)
    return packing.compress(content) + packing.flush()


def _unfolded(content: bytes, roll: Roll, bits: int) -> Paper:
    head = MARK_BYTES + DONE_BYTES
    mark, rest = content[:MARK_BYTES], _Numbers(content[head:])
    take = rest.number
    if not roll.knows(take(), mark):
        return Paper()
    paper = Paper(done=content[MARK_BYTES:head], partition=take(), described=bool(take()),
                  voted=take())
    for _ in range(take()):
        name, route = _named(roll, take(), bits)
        paper.sequence.append(name)
        if route != UNKNOWN:
            paper.routes[name] = route
    cast = 0
    for _ in range(take()):
        (name, route), said = _named(roll, take(), bits), take()
        cast += _signed(take())
        paper.marks[name] = found = _mark(said, cast, cast + take(), take())
        found.unproven = BUTTONS[take()] if said & _UNPROVEN else ""
        found.route = route
    _unfold_older(paper, rest, roll)
    return paper


def _unfold_older(paper: Paper, rest: "_Numbers", roll: Roll) -> None:
    """Read the older marks, and what was asked for and has none."""
    count = rest.number()
    if not count:
        return
    summary = _Numbers(zlib.decompress(rest.left(), _RAW))
    places, place = [], -1
    for _ in range(count):
        place += summary.number()
        places.append(place)
    for place, state in zip(places, summary.left(), strict=True):
        if _is_aside(state):
            paper.routes[roll.name(place)] = SHOWN[state >> _ROUTE_AT]
        else:
            paper.older[roll.name(place)] = _mark_of_state(state)


def _named(roll: Roll, number: int, bits: int) -> tuple[str, str]:
    """Return the proposal and the route that a number stands for."""
    return roll.name(number >> bits), SHOWN[number & (1 << bits) - 1]


def _of_before(content: bytes) -> Paper:
    sequence, rows, voted, partition, described = json.loads(zlib.decompress(content))
    return Paper(sequence, {
        name: Mark(_choice(choice + 1), _words(bits), _choice(before + 1), bool(trusted), cast,
                   cast + later, acts, *unproven)
        for name, choice, bits, before, trusted, cast, later, acts, *unproven in rows
    }, voted=voted, partition=partition, described=bool(described))


# What a mark says, in one number: choice and the one before (2 bits each), trusted, unproven,
# then a bit for each qualification.
_TRUSTED, _UNPROVEN, _QUALIFICATIONS_AT = 16, 32, 6
_CHOICES = (None, *CHOICES)
_INDEX = {choice: index for index, choice in enumerate(_CHOICES)}
_BIT = {word: 1 << place for place, word in enumerate(QUALIFICATIONS)}
_ROUTE = {route: index for index, route in enumerate(SHOWN)}


def _said(mark: Mark) -> int:
    return (_INDEX[mark.choice] | _INDEX[mark.before] << 2 | _TRUSTED * mark.trusted
            | _UNPROVEN * bool(mark.unproven) | _bits(mark.qualifications) << _QUALIFICATIONS_AT)


def _mark(said: int, cast: int, last: int, acts: int) -> Mark:
    return Mark(_choice(said & 3), _words(said >> _QUALIFICATIONS_AT), _choice(said >> 2 & 3),
                bool(said & _TRUSTED), cast, last, acts)


# What is kept of an older one, in one byte: choice, trusted, and the qualifications of the choice,
# or the choice that was withdrawn, then the route. Of what has no mark: a choice that there is not.
_ROUTE_AT = 6
_SAID_MASK = (1 << _ROUTE_AT) - 1
_ASIDE = 32


def _is_aside(state: int) -> bool:
    return state & _SAID_MASK == _ASIDE


def _state(mark: Mark) -> int:
    index = _INDEX[mark.choice]
    own = _bits(mark.qualifications) >> QUALIFICATIONS_PER_CHOICE * (index - 1) if index else (
        _INDEX[mark.before])
    return (index | mark.trusted << 2 | (own & (1 << QUALIFICATIONS_PER_CHOICE) - 1) << 3
            | _ROUTE[mark.route] << _ROUTE_AT)


def _mark_of_state(state: int) -> Mark:
    index, own = state & 3, (state & _SAID_MASK) >> 3
    qualifications = _words(own << QUALIFICATIONS_PER_CHOICE * (index - 1)) if index else set()
    before = None if index else _choice(own)
    return Mark(_choice(index), qualifications, before, bool(state & 4), -1, -1,
                route=SHOWN[state >> _ROUTE_AT])


class _Numbers:
    """Numbers of as many bytes as they need, one after the other."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._at = 0

    def number(self) -> int:
        """Take the next one."""
        found = shift = 0
        while True:
            byte = self._content[self._at]
            self._at += 1
            found |= (byte & 0x7F) << shift
            if byte < 0x80:
                return found
            shift += 7

    def left(self) -> bytes:
        """Return the bytes behind them."""
        return self._content[self._at:]


def _bytes_of(numbers: Iterable[int]) -> bytes:
    return bytes(_septets(numbers))


def _septets(numbers: Iterable[int]) -> Iterator[int]:
    for number in numbers:
        while number > 0x7F:
            yield number & 0x7F | 0x80
            number >>= 7  # noqa: PLW2901 -- what is left of it
        yield number


def _unsigned(number: int) -> int:
    return number << 1 if number >= 0 else -number << 1 | 1


def _signed(number: int) -> int:
    return -(number >> 1) if number & 1 else number >> 1


def _choice(index: int) -> str | None:
    return _CHOICES[index]


def _bits(qualifications: set[str]) -> int:
    return sum(_BIT[word] for word in qualifications) if qualifications else 0


def _words(bits: int) -> set[str]:
    return set(_words_of(bits))


@functools.cache  # 512 of them at most: our seal stands for every bit
def _words_of(bits: int) -> frozenset[str]:
    return frozenset(word for place, word in enumerate(QUALIFICATIONS) if bits >> place & 1)
