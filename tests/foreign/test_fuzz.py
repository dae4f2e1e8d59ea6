"""Every reader of foreign bytes gives a value or its own error, in steps that length bounds."""

import itertools

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.foreign.all_readers import READERS
from tests.foreign.hostile import JSON, TEXTS
from tests.foreign.readers import SEEDS, Reader, is_within_bounds


EACH = pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.name)
SIZES = (512, 2_048, 8_192)
FACTOR, ATTEMPTS = 8, 12
"""Four times as much may take so many times as long: the square takes sixteen."""


@EACH
@given(data=st.data())
@settings(derandomize=True, database=None, max_examples=60, phases=(Phase.generate, Phase.shrink),
          suppress_health_check=list(HealthCheck))
def test_whatever_is_given_is_read_or_refused(reader: Reader, data: st.DataObject) -> None:
    """No bytes make a reader fail in another way than its own, or go on beyond their length."""
    raw = data.draw(reader.examples())
    assert is_within_bounds(raw, reader.tried(raw))


@EACH
def test_good_examples_and_seeds_are_read_or_refused(reader: Reader) -> None:
    """What is good is read, not refused; what once broke a reader is read or refused."""
    for raw in reader.good:
        reader.read(raw)
    for raw in (*reader.good, *(path.read_bytes() for path in reader.seeds())):
        assert is_within_bounds(raw, reader.tried(raw))


@EACH
def test_work_of_a_reader_is_linear(reader: Reader) -> None:
    """Four times as many hostile bytes, alone or within a good example, take four times as long."""
    for text in (*TEXTS, *JSON):
        for good in (b"", *reader.good):
            half = len(good) // 2
            raws = [good[:half] + text(size).encode("utf-8", "replace") + good[half:]
                    for size in SIZES]
            for pair in itertools.pairwise(raws):
                assert is_linear(reader, pair), (text(20), good[:20])


def is_linear(reader: Reader, pair: tuple[bytes, bytes]) -> bool:
    """Whether the larger takes at most FACTOR times as long, by the least of several attempts."""
    least = [reader.seconds(raw) for raw in pair]
    for _ in range(ATTEMPTS):
        if least[1] <= FACTOR * least[0]:
            return True
        least = [min(one, reader.seconds(raw)) for one, raw in zip(least, pair, strict=True)]
    return False


def test_every_folder_of_seeds_is_a_reader_s() -> None:
    """No seed lies where nobody reads it."""
    folders = {path.name for path in SEEDS.iterdir()}
    assert folders
    assert folders <= {reader.name for reader in READERS}
