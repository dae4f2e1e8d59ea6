"""What participants say about themselves: gender, age band and region, each or not at all."""

import random
from collections.abc import Sequence


GENDERS: tuple[tuple[str | None, float], ...] = (
    ("woman", 0.57), ("man", 0.39), ("other", 0.02), (None, 0.02),
)
"""More women than men take part in consultations on youth and school."""
AGE_BANDS: tuple[tuple[str | None, float], ...] = (
    ("15-17", 0.07), ("18-24", 0.21), ("25-34", 0.19), ("35-49", 0.24), ("50-64", 0.18),
    ("65+", 0.09), (None, 0.02),
)
"""Younger than the population: the campaign is made for them."""
REGIONS: tuple[tuple[str | None, float], ...] = (
    ("FR-IDF", 12.3), ("FR-ARA", 8.1), ("FR-HDF", 6.0), ("FR-NAQ", 6.0), ("FR-OCC", 6.0),
    ("FR-GES", 5.6), ("FR-PAC", 5.1), ("FR-PDL", 3.8), ("FR-BRE", 3.4), ("FR-NOR", 3.3),
    ("FR-BFC", 2.8), ("FR-CVL", 2.6), ("FR-974", 0.9), ("FR-971", 0.4), ("FR-972", 0.36),
    ("FR-20R", 0.35), ("FR-973", 0.29), ("FR-976", 0.28), (None, 3.0),
)
"""The regions of France by ISO 3166-2, by millions of inhabitants."""

Description = tuple[str | None, str | None, str | None]


def numbers() -> range:
    """Return the numbers that name a description."""
    return range(1, 1 + len(GENDERS) * len(AGE_BANDS) * len(REGIONS))


def description(number: int) -> Description:
    """Return gender, age band and region of a numbered description."""
    rest, region = divmod(number - 1, len(REGIONS))
    gender, age_band = divmod(rest, len(AGE_BANDS))
    return GENDERS[gender][0], AGE_BANDS[age_band][0], REGIONS[region][0]


def draw(count: int, chance: random.Random) -> list[int]:
    """Draw so many descriptions, by number."""
    genders, age_bands, regions = (
        _draw_column(column, count, chance) for column in (GENDERS, AGE_BANDS, REGIONS)
    )
    return [
        1 + (gender * len(AGE_BANDS) + age_band) * len(REGIONS) + region
        for gender, age_band, region in zip(genders, age_bands, regions, strict=True)
    ]


def _draw_column(
    column: Sequence[tuple[str | None, float]], count: int, chance: random.Random
) -> list[int]:
    return chance.choices(range(len(column)), [weight for _, weight in column], k=count)
