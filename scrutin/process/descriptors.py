"""Open files of a process that anybody may connect to: as many as it has connections, and some.

Systems give a process 1,024 unless it asks for more, and let it ask for far more. Past what it has
no connection is taken, nor one to the broker made anew: a visitor with a thousand sockets would
keep everybody else out, and the bound of our own would never be met.
"""

import resource

import structlog

from scrutin.serving.joined_writes import CONNECTIONS_MOST


FILES_MOST = CONNECTIONS_MOST + 1_024
"""Connections of visitors, and what else is open: the broker's, the archive's, files, pipes."""


def allow_connections() -> None:
    """Ask for as many open files as there may be connections; say so where there are fewer."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = FILES_MOST if hard == resource.RLIM_INFINITY else min(FILES_MOST, hard)
    if soft != resource.RLIM_INFINITY and soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    if allowed < FILES_MOST:
        structlog.get_logger("process").warning(
            "fewer files may be open than there may be connections: raise LimitNOFILE or ulimit -n",
            allowed=allowed, wanted=FILES_MOST)
