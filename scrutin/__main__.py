"""`scrutin`, and `python -m scrutin`: listens to signals before it loads what takes seconds."""

import sys

from schemas.exit_codes import EXIT_INTERRUPTED
from scrutin import first_moment


def main() -> None:
    """Run the command line."""
    try:
        first_moment.listen(sys.argv[1:])
        from scrutin.main import main as run  # noqa: PLC0415 -- for the reason above
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)
    run()


if __name__ == "__main__":
    main()
