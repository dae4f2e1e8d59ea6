"""Why an archive or a notary ends is said in a sentence, or it is a fault of ours."""

import errno

import pytest

from sinks.faults import DiskFull, reason_of


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_full_disk_is_a_reason(number: int) -> None:
    """Of the disk, a quota or a file, wherever tasks have raised it; it names the file."""
    full = OSError(number, "No space left on device", "/data/tile")
    reason = reason_of(ExceptionGroup("tasks", [ExceptionGroup("one", [full])]))

    assert isinstance(reason, DiskFull)
    assert "No space left on device (/data/tile)" in str(reason)
    assert "None" not in str(reason_of(OSError(number, "No space left on device")))


def test_other_errors_of_the_system_are_faults_of_ours() -> None:
    """They end with a trace, so that somebody looks."""
    assert reason_of(OSError(errno.EACCES, "Permission denied")) is None
