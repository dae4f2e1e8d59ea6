"""How a worker's end is told in the report of a seed."""

import pytest

from tests.faults.cluster import reason


STOPPED = "2026-11-28T14:13:25Z [critical] worker stopped   error=X() reason='it stood still'\n"


@pytest.mark.parametrize(("said", "told"), [
    (STOPPED, "it stood still"),
    (STOPPED + "2026-11-28T14:13:26Z [error] archive ended reason=ProducerClosed\n",
     "ProducerClosed"),
    ("\x1b[2mscrutin: cannot listen on 127.0.0.1:40753\x1b[0m\n\n",
     "scrutin: cannot listen on 127.0.0.1:40753"),
    ("", ""),
])
def test_the_reason_named_last_is_told_or_else_the_last_line(said: str, told: str) -> None:
    """A worker that ends before its log is set up says a plain line."""
    assert reason(said) == told
