"""Why a recount cannot be made, by the exit code it ends with."""

from schemas.exit_codes import EXIT_INVALID, EXIT_MISSING, EXIT_UNREADABLE


class RecountFailed(Exception):
    """The recount ends before numbers can be compared."""

    exit_code = EXIT_MISSING


class ArchiveLacks(RecountFailed):
    """Records that the published result holds are not in the archive."""

    exit_code = EXIT_MISSING


class ArchiveUnreadable(RecountFailed):
    """An archived record cannot be read by this version."""

    exit_code = EXIT_UNREADABLE


class RecordUnreadable(RecountFailed):
    """A record of a log cannot be read by this version."""

    exit_code = EXIT_UNREADABLE


class OtherVotesDecided(RecountFailed):
    """The archived decisions do not commit to the archived votes."""

    exit_code = EXIT_INVALID
