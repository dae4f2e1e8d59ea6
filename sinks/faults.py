"""Why an archive or a notary ends: every reason says what happened and what to do."""


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


class ArchiveSuperseded(SinkStopped):
    """Another archive of the same topics has taken over."""


class ServiceAway(SinkStopped):
    """Kafka or ClickHouse stayed away longer than it is waited for."""


class TreeRefused(SinkStopped):
    """A transparency log on disk is not the one that was signed: nothing more is signed."""


def reason_of(error: BaseException) -> SinkStopped | None:
    """Find why an archive or a notary ended in what its tasks raised."""
    if isinstance(error, SinkStopped):
        return error
    if isinstance(error, BaseExceptionGroup):
        return next(filter(None, map(reason_of, error.exceptions)), None)
    return None
