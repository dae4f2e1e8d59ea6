"""What can go wrong for somebody who writes events, with what to do about it."""

from schemas.exit_codes import EXIT_MISSING, EXIT_USAGE


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
