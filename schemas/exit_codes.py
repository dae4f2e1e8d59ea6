"""How a program ends: the one table of exit codes; docs/operate.md has it in words."""

EXIT_FAILED = 1
"""What was compared differs, or what was asked for did not come about."""
EXIT_USAGE = 2
"""The command, its file or a setting is wrong."""
EXIT_MISSING = 3
"""Something around the process is missing or unreachable."""
EXIT_INVALID = 4
"""Bytes are not those that were signed or logged."""
EXIT_UNREADABLE = 5
"""Records or a document cannot be read, or are more than may be read."""
EXIT_OWN_KEYS = 6
"""Everything fits, by keys that came with what was checked."""
EXIT_STOPPED = 70
"""A process stopped itself: its state is in the log, a restart recovers it."""
EXIT_INTERRUPTED = 130
"""Somebody pressed Ctrl-C."""
EXIT_TERMINATED = 143
"""It was told to stop before it was done."""
