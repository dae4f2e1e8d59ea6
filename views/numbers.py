"""Partitions and offsets in addresses: `{offset:number}` in a route.

Starlette's own `int` takes any number of digits, and Python refuses to read some thousands.
"""

import re

from starlette.convertors import Convertor, register_url_convertor


NUMBER_DIGITS_MAX = 18
"""Of a partition or an offset: neither has more."""
NUMBER = re.compile(rf"[0-9]{{1,{NUMBER_DIGITS_MAX}}}")


class _Number(Convertor[int]):
    regex = NUMBER.pattern

    def convert(self, value: str) -> int:
        return int(value)

    def to_string(self, value: int) -> str:
        return str(value)


def register() -> None:
    """Let routes name such parts; again does no harm."""
    register_url_convertor("number", _Number())
