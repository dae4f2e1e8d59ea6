"""What can go wrong for somebody who writes events, with what to do about it."""

EXIT_USAGE = 2
"""Exit code: the command or its file is wrong."""
EXIT_MISSING = 3
"""Exit code: something is missing or unreachable."""


class ProducingError(Exception):
    """Nothing more can be written; the message says what happened and what to do."""

    exit_code = EXIT_USAGE


class Unreachable(ProducingError):
    """Kafka or one of its topics did not answer in time."""

    exit_code = EXIT_MISSING


class InvalidInput(ProducingError):
    """A file or an argument is not what is expected."""


class ChangesFinal(ProducingError):
    """Figures of a closed consultation would change, and nobody said that they shall."""


class Missing(ProducingError):
    """A file, consultation, proposal or idea is not there."""

    exit_code = EXIT_MISSING
