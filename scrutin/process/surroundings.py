"""What a process needs besides itself, as figures: room on its disk, certificates that hold."""

import datetime as dt
import shutil
from collections.abc import Iterator
from pathlib import Path

from cryptography import x509

from schemas import figures
from schemas.figures import Sample
from scrutin.settings import Settings


CERTIFICATES = ("kafka_ca", "kafka_certificate", "clickhouse_ca", "clickhouse_certificate")
"""Settings that name a file of certificates, whose ends are watched."""
CERTIFICATE_BYTES_MOST = 1 << 20
"""No longer file of certificates is read: those of a whole system are a quarter of it."""


def certificate_end(path: Path) -> dt.datetime:
    """Return when the first certificate of a file ends; raises OSError, ValueError."""
    with path.open("rb") as file:
        found = x509.load_pem_x509_certificates(file.read(CERTIFICATE_BYTES_MOST))
    return min(each.not_valid_after_utc for each in found)


def disk_of(folder: Path) -> tuple[int, int]:
    """Return the free and all bytes of the disk that a folder lies on, or will; raises OSError."""
    there = next(each for each in (folder, *folder.parents) if each.exists())
    found = shutil.disk_usage(there)
    return found.free, found.total


def samples(settings: Settings) -> Iterator[Sample]:
    """Yield the figures; of what cannot be looked at none."""
    try:
        free, total = disk_of(settings.data_folder)
    except OSError:
        pass
    else:
        yield Sample(figures.DISK_FREE, free)
        yield Sample(figures.DISK_SIZE, total)
    for name in CERTIFICATES:
        path = getattr(settings, name)
        if path is None:
            continue
        try:
            yield Sample(figures.CERTIFICATE_END, certificate_end(path).timestamp(), (name,))
        except (OSError, ValueError):
            continue
