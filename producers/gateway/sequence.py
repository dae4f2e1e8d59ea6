"""Which proposals a voter is shown next. Pure: results, history and a seed in, identifiers out.

Theory of operation: what is voted on decides what is known, so the choice must be fair and must
be one that can be explained afterwards. The rules follow Make.org's SelectionAlgorithm. Some
places go to new proposals (fewer than NEW_VOTES). The others go to tested ones by Thompson
sampling: every score is drawn from what its votes leave open, so that a proposal with few votes
gets its chance and one with many its due. A drawn score decides the zone; places for consensus go
by drawn top score, some for controversy by drawn controversy; of the CANDIDATES best the least
voted is taken. One proposal an author. Places that a group cannot fill go to the next. At last the
order is shuffled, so that no place helps anybody.

Version 1 takes new proposals the oldest first, and looks at all counted votes: ten votes that
somebody asked for make a proposal tested, and ten disagrees bury it for good. Version 2, since
rules 2, looks at drawn votes alone: who comes for a proposal moves nothing of what others are
shown. It fills two places of twelve first, uniformly from all proposals, so that none is ever out
of reach, and takes new ones at random. A pool is of one version, for its counts are.

Draws are numpy's RandomState, whose streams never change (NEP 19): a `SequenceDrawn` event holds
seed and offsets, and `redrawn` gives the same proposals for them in years. It needs no history: the
draw looks at candidates in an order that follows from the seed, and asks of each once whether the
voter has acted on it. These answers, a bit each, are all that a history can do to a draw, and are
recorded in its place: none for a new voter, a hundred and fifty bytes for one who has voted on a
thousand proposals. (A `SequenceServed` of earlier versions holds the history: `serve`.) Left out of
Make.org's rules: the filter of common keywords, which depends on a language's word forms; and the
end of a tested proposal at 1,500 votes, by which a consultation of few proposals would run dry
before it closes: among candidates the least voted goes first anyway.
"""

import itertools
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from schemas.words import CHOICES


FIRST, SECOND = "scrutin-sequence/1", "scrutin-sequence/2"
"""Written into each event; another rule is another version."""
BLIND = "-blind"
"""Follows it while how people vote is hidden: candidates know how many voted, and no more."""
SIZE = 12
"""Proposals of a sequence."""
NEW_VOTES = 10
"""A proposal with fewer votes is new: counted ones in version 1, drawn ones in version 2."""
UNIFORM_PLACES = 2
"""Of SIZE, which version 2 fills from all proposals."""
NEW_RATIO = 0.3
CONTROVERSY_RATIO = 0.1
CANDIDATES = 10
"""Of so many best the least voted is chosen."""
DRAWN = 150
"""Tested proposals whose scores are drawn for one voter, at most: half a millisecond."""

SCORED_BY = (
    *CHOICES, "like_it", "doable", "no_way", "impossible", "platitude_agree", "platitude_disagree",
)
"""What the scores are made of, in the order of `Candidate.counts`."""
_SMOOTHING_CHOICE, _SMOOTHING_QUALIFICATION = 0.33, 0.01
_SMOOTHING = np.array([_SMOOTHING_CHOICE] * 3 + [_SMOOTHING_QUALIFICATION] * 5)

Draws = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


class Candidate(NamedTuple):
    """A proposal that may be shown."""

    id: str
    author: str | None
    counts: tuple[int, ...]
    """In the order of SCORED_BY: of all counted votes in version 1, of drawn ones in version 2."""

    @property
    def votes(self) -> int:
        return sum(self.counts[:3])

    def blind(self) -> "Candidate":
        """Forget how people voted: as many votes, spread evenly, and no qualification."""
        even, rest = divmod(self.votes, len(CHOICES))
        choices = (even + (place < rest) for place in range(len(CHOICES)))
        return self._replace(counts=(*choices, *(0,) * (len(SCORED_BY) - len(CHOICES))))


class Pool:
    """The proposals of a consultation, in the order of the catalogue, with their counts.

    `version` is FIRST or SECOND, `blind` asks that how people vote plays no part.
    """

    def __init__(
        self, candidates: Iterable[Candidate], version: str, *, blind: bool = False
    ) -> None:
        self.version = version
        self.algorithm = version + BLIND if blind else version
        self.by_id = {each.id: each.blind() if blind else each for each in candidates}
        self.places = {name: place for place, name in enumerate(self.by_id)}
        self.every = found = list(self.by_id.values())
        self.new = [each for each in found if each.votes < NEW_VOTES]
        self.tested = [each for each in found if each.votes >= NEW_VOTES]
        counts = np.array([each.counts for each in self.tested], float).reshape(-1, len(SCORED_BY))
        # Both platitudes are one score.
        self.positive = np.column_stack((counts[:, :7], counts[:, 7] + counts[:, 8]))
        self.votes = counts[:, :3].sum(axis=1)
        self._randomness = np.random.RandomState(0)

    def seeded(self, seed: bytes) -> np.random.RandomState:
        """Return the randomness of a seed, for one draw: the next one on this pool seeds it anew.

        Each draw with a generator of its own gives the same, but who makes one has it seeded by the
        machine first: a sixth of a draw.
        """
        self._randomness.seed(np.frombuffer(seed, "<u4"))
        return self._randomness


class Drawn(NamedTuple):
    """What was chosen, and what it takes to choose it again."""

    proposals: list[str]
    asked: int
    """So many of them, the first ones, were asked for."""
    left_out: bytes
    """Whether the voter had acted on it, of each candidate that the draw looked at: a bit each, the
    highest of a byte first, zero bytes at the end dropped."""


Acted = Callable[[str], bool]
"""Whether the voter is known to have acted on a proposal; asked once of each, in order."""


class _Choice:
    """The places of one sequence, filled one by one."""

    def __init__(self, pool: Pool, acted: Acted, included: Sequence[str]) -> None:
        self.chosen = [pool.by_id[name] for name in dict.fromkeys(included) if name in pool.by_id]
        self._acted = acted
        self._seen = {each.id: True for each in self.chosen}
        """What may not be taken (any more), and what may, of those looked at."""
        self._authors = {each.author for each in self.chosen if each.author}

    @property
    def places(self) -> int:
        return SIZE - len(self.chosen)

    def open_to(self, candidate: Candidate) -> bool:
        # The author first: of a keen author's hundred proposals nothing needs to be known.
        if candidate.author in self._authors:
            return False
        seen = self._seen.get(candidate.id)
        if seen is None:
            seen = self._seen[candidate.id] = self._acted(candidate.id)
        return not seen

    def take(self, candidate: Candidate) -> None:
        self.chosen.append(candidate)
        self._seen[candidate.id] = True
        if candidate.author:
            self._authors.add(candidate.author)

    def fill(self, ranked: Iterable[Candidate], places: int, *, least_voted: bool) -> None:
        """Take up to so many of ranked candidates, looking at no more of them than that takes."""
        # Who is not open once never is again.
        still_open = filter(self.open_to, ranked)
        best: list[Candidate] = []
        for _ in range(min(places, self.places)):
            best = [each for each in best if self.open_to(each)]
            best += itertools.islice(still_open, (CANDIDATES if least_voted else 1) - len(best))
            if not best:
                return
            self.take(min(best, key=lambda each: each.votes) if least_voted else best[0])


def serve(
    pool: Pool, history: Collection[str], seed: bytes, included: Sequence[str] = ()
) -> list[str]:
    """Choose the next proposals of a voter; those asked for come first."""
    return draw(pool, history, seed, included).proposals


def draw(
    pool: Pool, history: Collection[str], seed: bytes, included: Sequence[str] = ()
) -> Drawn:
    """Choose them, and note what the history had to do with it."""
    known, answers = frozenset(history), list[bool]()

    def acted(name: str) -> bool:
        answers.append(name in known)
        return answers[-1]

    choice = _Choice(pool, acted, included)
    asked = len(choice.chosen)
    proposals = _filled(pool, choice, seed)
    bits = np.packbits(np.array(answers, bool)).tobytes()
    return Drawn(proposals, asked, bits.rstrip(b"\0"))


def redrawn(pool: Pool, seed: bytes, included: Sequence[str], left_out: bytes) -> list[str]:
    """Choose again what `draw` chose, from what it noted."""
    noted = np.unpackbits(np.frombuffer(left_out, np.uint8)).tolist()
    answers = map(bool, itertools.chain(noted, itertools.repeat(0)))
    return _filled(pool, _Choice(pool, lambda _: next(answers), included), seed)


def _filled(pool: Pool, choice: _Choice, seed: bytes) -> list[str]:
    randomness = pool.seeded(seed)
    first = len(choice.chosen)
    _fill(pool, choice, randomness)
    rest = [each.id for each in choice.chosen[first:]]
    order = randomness.permutation(len(rest))
    return [each.id for each in choice.chosen[:first]] + [rest[place] for place in order]


def beyond_uniform(pool: Pool, seed: bytes) -> list[str]:
    """Choose in version 2 for a new voter; return what is not on a uniform place."""
    choice = _Choice(pool, lambda _: False, ())
    _fill(pool, choice, pool.seeded(seed))
    return [each.id for each in choice.chosen[UNIFORM_PLACES:]]


def _fill(pool: Pool, choice: _Choice, randomness: np.random.RandomState) -> None:
    places = choice.places
    new: Iterator[Candidate] = iter(pool.new)
    if pool.version == SECOND:
        anywhere = _shuffled(pool.every, randomness)
        choice.fill(anywhere, round(places * UNIFORM_PLACES / SIZE), least_voted=False)
        new = _shuffled(pool.new, randomness)
    tops, controversial, others = _drawn(pool, choice, randomness)
    choice.fill(new, round(places * NEW_RATIO), least_voted=False)
    choice.fill(controversial, round(places * CONTROVERSY_RATIO), least_voted=True)
    for group in (tops, controversial, others):
        choice.fill(group, SIZE, least_voted=True)
    choice.fill(new, SIZE, least_voted=False)


def _shuffled(
    candidates: Sequence[Candidate], randomness: np.random.RandomState
) -> Iterator[Candidate]:
    order = randomness.permutation(len(candidates))
    return (candidates[place] for place in order)


def _drawn(
    pool: Pool, choice: _Choice, randomness: np.random.RandomState
) -> tuple[list[Candidate], list[Candidate], list[Candidate]]:
    """Draw the scores of some tested proposals; rank those of consensus, controversy, and all."""
    picked = list(itertools.islice(
        (place for place in randomness.permutation(len(pool.tested)).tolist()
         if choice.open_to(pool.tested[place])), DRAWN))
    if not picked:
        return [], [], []
    positive, votes = pool.positive[picked], pool.votes[picked][:, None]
    # A voter qualifies only his own choice, so no count exceeds the votes; platitudes may not
    # either, for they belong to different choices.
    draws: Draws = randomness.beta(
        positive + _SMOOTHING, np.maximum(votes - positive, 0.0) + 1.0)
    agree, disagree, neutral, like_it, doable, no_way, impossible, platitude = draws.T
    top = agree + like_it + doable - no_way - impossible - platitude
    controversy = np.minimum(agree, disagree) + np.minimum(like_it, no_way)
    consensus = (agree >= 0.6) | ((neutral < 0.4) & (disagree < 0.15))
    rejection = (disagree >= 0.6) | ((neutral < 0.4) & (agree < 0.15))
    divided = ~consensus & ~rejection & (neutral < 0.4)
    tested = [pool.tested[place] for place in picked]

    def ranked(scores: Draws, where: Draws) -> list[Candidate]:
        return [tested[place] for place in np.argsort(-scores, kind="stable") if where[place]]

    return (ranked(top, consensus), ranked(controversy, divided),
            ranked(top, np.ones(len(tested))))
