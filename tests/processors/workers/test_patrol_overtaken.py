"""A patrol that judges while another one does, as one that was frozen and thaws."""

import sys
from pathlib import Path

from tests.harness import Stack
from tests.processors.workers.dangers import second_patrol
from tests.processors.workers.test_patrol import (
    QUICK,
    begin,
    evening,
    judgements,
    repeated,
    stack,
    write_part,
)
from tests.waiting import until_found


__all__ = ["stack"]


async def test_a_patrol_whose_number_another_has_taken_begins_anew(stack: Stack) -> None:
    """It does not end, and its next judgement goes on from the one that was recorded first."""
    await begin(stack, "report")
    log = evening(1)
    await write_part(stack, log, 0, 50)
    patrol = stack.worker("patrol", **QUICK)
    patrol.program = [sys.executable, str(Path(second_patrol.__file__))]
    patrol.start()
    await patrol.says("another patrol wrote a judgement before this one: it begins anew")
    await write_part(stack, log, 50, 100)

    async def went_on() -> bool:
        assert patrol.running(), patrol.so_far()
        return [fields["number"] for _, fields in await judgements(stack)][:3] == [1, 1, 2]
    await until_found(went_on)
    first, _, second = (await judgements(stack))[:3]

    assert await repeated(stack, [first, second]) == [first[0], second[0]]
    assert patrol.so_far().count("begins anew") == 1
