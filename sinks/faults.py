"""Why an archive or a notary ends: every reason says what happened and what to do."""

import errno


_NO_ROOM = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EFBIG))
"""What a system says that has no room left: of the disk, of a quota, of a file."""


class SinkStopped(Exception):
    """It must not go on as it is; the message is for the operator."""


class LogHasHole(SinkStopped):
    """Offsets are missing in a log that never loses any."""


class LogTruncated(SinkStopped):
    """A log ends before the end of what was read of it before."""


class LogDiffers(SinkStopped):
    """A record reads differently in the log and where it was kept."""


class InsertIncomplete(SinkStopped):
    """An insert left some of its rows, though one block is stored whole or not at all."""


class InsertUnreadable(SinkStopped):
    """Rows were acknowledged, and cannot be read again."""


class ArchiveSuperseded(SinkStopped):
    """Another archive of the same topics has taken over."""


class ServiceAway(SinkStopped):
    """Kafka or ClickHouse stayed away longer than it is waited for."""


class TreeRefused(SinkStopped):
    """A transparency log on disk is not the one that was signed: nothing more is signed."""


class DiskFull(SinkStopped):
    """No room is left where it writes."""


def reason_of(error: BaseException) -> SinkStopped | None:
    """Find why an archive or a notary ended in what its tasks raised."""
    if isinstance(error, SinkStopped):
        return error
    if isinstance(error, OSError) and error.errno in _NO_ROOM:
        where = f" ({error.filename})" if error.filename else ""
        return DiskFull(
            f"the disk takes no more: {error.strerror}{where}. Nothing that was acknowledged, "
            "archived or signed is lost: make room and start it again.")
    if isinstance(error, BaseExceptionGroup):
        return next(filter(None, map(reason_of, error.exceptions)), None)
    return None
