"""How long whoever ends one of our processes waits for it, before it is killed.

A process that was told to stop drains, if it serves, and then ends by itself, at the latest when
`LastMoment` has it end. Who kills it earlier cuts off what it would still have settled, and its
word of what held it up. So whoever may kill waits for that, and for a surplus: more the farther out
it stands, so that the innermost kills first.
"""

from scrutin.settings import Settings


WORKER_SURPLUS_SECONDS = 10.0
"""Of a supervisor of workers: one of them says why it ends, and is seen to have ended."""
SURPLUS_SECONDS = 15.0
"""Of whoever ends a whole process, which may be such a supervisor: `scrutin up`, and what
docker-compose.yml, the chart and docs/operate.md say to others."""


def ending_seconds(settings: Settings, *, serves: bool) -> float:
    """Return how long a process may take to end once it was told to, in seconds."""
    return settings.stop_seconds + (settings.drain_seconds if serves else 0.0)
