"""What chance explains: tails of counts, in whole micronats, by correctly rounded logarithms. Pure.

Theory of operation: nothing that decides is a float, for the logarithms of two machines differ in
their last digit. `decimal` rounds its own correctly, so 28 digits are the same everywhere; a
millionth of a natural unit is kept of them. Chernoff's bound is never below the tail: what it calls
rare is at least as rare.
"""

import functools
import math
from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Context, Decimal


MILLION = 1_000_000
"""Shares are parts of a million, scores millionths of a nat."""
DIGITS = 28
TAILS_REMEMBERED = 65_536
"""Tails that were computed last: a crowd that grows is looked at again and again."""
_CONTEXT = Context(prec=DIGITS, rounding=ROUND_HALF_EVEN, Emax=999_999, Emin=-999_999)




@functools.lru_cache(maxsize=TAILS_REMEMBERED)
def _ln(number: int) -> Decimal:
    return _CONTEXT.ln(Decimal(number))


@functools.lru_cache(maxsize=TAILS_REMEMBERED)
def tail(held: int, size: int, expected: int) -> int:
    """Return N * KL(n/N || q) in micronats, rounded down; 0 where no more is held than expected.

    `held` of `size` have what `expected` parts of a million were expected to have (1 to 999,999).
    The chance of so many or more is at most e to the minus of it.
    """
    if held * MILLION <= expected * size:
        return 0
    score = _term(held, size, expected)
    if held < size:
        score = _CONTEXT.add(score, _term(size - held, size, MILLION - expected))
    return int(_CONTEXT.multiply(score, Decimal(MILLION)).to_integral_value(ROUND_FLOOR))


def _term(held: int, size: int, expected: int) -> Decimal:
    """Return n * ln(n / (N q))."""
    difference = _CONTEXT.subtract(_ln(held * MILLION), _ln(size * expected))
    return _CONTEXT.multiply(Decimal(held), difference)


def popularity(held: int, size: int, least: int, most: int) -> int:
    """Return three times the share of an item among others, within bounds, as parts of a million.

    Rounded up, so that rounding accuses nobody. `least` and `most` are such parts too.
    """
    return min(most, max(least, -(-3 * held * MILLION // max(1, size))))


def above(share: int, sample: int) -> int:
    """Return a share and 2.6 of its standard errors, rounded up, as parts of a million.

    `share` parts of a million were found among `sample`, which is at least one.
    """
    variance = share * (MILLION - share)  # of one, in millionths squared
    return share + -(-26 * (math.isqrt(variance // sample) + 1) // 10)


def poisson_tail(held: int, expected: int) -> int:
    """Return a bound of a Poisson tail in micronats: c ln(c/m) - c + m, 0 where c <= m.

    `expected` is the mean in millionths, at least one.
    """
    if held * MILLION <= expected:
        return 0
    ratio = _CONTEXT.subtract(_ln(held * MILLION), _ln(expected))
    score = _CONTEXT.multiply(Decimal(held * MILLION), ratio)
    return int(score.to_integral_value(ROUND_FLOOR)) - held * MILLION + expected


def geometric_tail(held: int, mean: int) -> int:
    """Return -ln P(X >= n) in micronats of a negative binomial of r = 1 with a mean of millionths.

    P is (m / (1 + m)) to the n: a crowd that comes by bursts, of any size.
    """
    ratio = _CONTEXT.subtract(_ln(MILLION + mean), _ln(max(1, mean)))
    return int(_CONTEXT.multiply(Decimal(held * MILLION), ratio).to_integral_value(ROUND_FLOOR))


def g_test(table: list[list[int]]) -> int:
    """Return the G statistic of a table of counts, in millionths: 2 Sum O ln(O T / (R C))."""
    rows = [sum(row) for row in table]
    columns = [sum(column) for column in zip(*table, strict=True)]
    total, found = sum(rows), Decimal(0)
    for row, counts in zip(rows, table, strict=True):
        for column, count in zip(columns, counts, strict=True):
            if count:
                ratio = _CONTEXT.subtract(_ln(count * total), _ln(row * column))
                found = _CONTEXT.add(found, _CONTEXT.multiply(Decimal(count), ratio))
    return int(_CONTEXT.multiply(found, Decimal(2 * MILLION)).to_integral_value(ROUND_FLOOR))


def freedom(table: list[list[int]]) -> int:
    """Return the degrees of freedom of a table: rows and columns that hold anything."""
    rows = sum(any(row) for row in table)
    columns = sum(any(column) for column in zip(*table, strict=True))
    return max(0, rows - 1) * max(0, columns - 1)
