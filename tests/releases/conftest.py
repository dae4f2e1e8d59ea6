"""Topics of two partitions, and release 0.1.0 unpacked, for rehearsals with real processes."""

import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.services import Broker
from tests.harness import Stack, stack_on
from tests.releases.rehearsal import PARTITIONS


WHEEL = Path(__file__).parent / "scrutin-0.1.0-py3-none-any.whl"


@pytest.fixture
def stack(broker: Broker, topic_prefix: str, tmp_path: Path) -> Iterator[Stack]:
    """Yield topics of two partitions."""
    with stack_on(broker, topic_prefix, PARTITIONS, tmp_path) as found:
        yield found


@pytest.fixture
def release(tmp_path: Path) -> dict[str, str]:
    """Unpack release 0.1.0: the environment in which programs are its own."""
    folder = tmp_path / "0.1.0"
    with zipfile.ZipFile(WHEEL) as wheel:
        wheel.extractall(folder)
    return {"PYTHONPATH": str(folder), "PYTHONSAFEPATH": "1"}
