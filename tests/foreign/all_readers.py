"""Every reader of foreign bytes; one that is not here is not held to anything."""

from tests.foreign import of_files, of_logs, of_visitors
from tests.foreign.readers import Reader


READERS: tuple[Reader, ...] = (*of_visitors.READERS, *of_logs.READERS, *of_files.READERS)
