"""Why a recount cannot be made, by the exit code it ends with."""


class RecountFailed(Exception):
    """The recount ends before numbers can be compared."""

    exit_code = 3


class ArchiveLacks(RecountFailed):
    """Records that the published result holds are not in the archive."""

    exit_code = 3


class ArchiveUnreadable(RecountFailed):
    """An archived record cannot be read by this version."""

    exit_code = 5


class OtherVotesDecided(RecountFailed):
    """The archived decisions do not commit to the archived votes."""

    exit_code = 4
