"""Why an archive ends: every reason says what happened and what to do."""


class ArchiveStopped(Exception):
    """The archive must not go on as it is; the message is for the operator."""


class LogHasHole(ArchiveStopped):
    """Offsets are missing in a log that never loses any."""


class LogTruncated(ArchiveStopped):
    """A log ends before the end of what is archived of it."""


class LogDiffers(ArchiveStopped):
    """A record reads differently in the log and in the archive."""


class InsertIncomplete(ArchiveStopped):
    """An insert left some of its rows, though one block is stored whole or not at all."""


class ArchiveSuperseded(ArchiveStopped):
    """Another archive of the same topics has taken over."""


class ServiceAway(ArchiveStopped):
    """Kafka or ClickHouse stayed away longer than it is waited for."""
