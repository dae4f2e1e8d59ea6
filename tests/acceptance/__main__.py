"""Does a ClickHouse of yours do what the archive rests on? `make acceptance-clickhouse URL=...`.

Makes two databases of its own on it, asks, and drops them. Says of each need whether it is good,
bad or unknown; exit status 1 where one is bad. Certificates are those of SCRUTIN_CLICKHOUSE_CA,
_CERTIFICATE and _PRIVATE_KEY.
"""

import argparse
import sys

from scrutin.settings import Settings
from tests.acceptance.checks import BAD, CHECKS, Server, asked


def main() -> int:
    """Ask everything of a server, and say it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url", help="the server, with an account that may make databases "
                                    "and users: http://user:password@host:8123")
    parser.add_argument("--reader", default="", help="the same with the account of readers")
    given = parser.parse_args()
    settings = Settings(clickhouse_url=given.url)
    server = Server(given.url, given.reader, settings.clickhouse_trust)
    try:
        answers = {check.__name__: asked(server, check) for check in CHECKS}
    finally:
        server.end()
    if server.stand_in:
        print("This is the local stack's ClickHouse, or a proxy hides what answers: what only a "
              "server can show is unknown.")
    for name, answer in answers.items():
        print(f"{answer.verdict:8}{name}: {answer.said}")
    return int(any(answer.verdict == BAD for answer in answers.values()))


if __name__ == "__main__":
    sys.exit(main())
