"""What a process says of its disk and its certificates."""

import shutil
from pathlib import Path

from schemas import figures
from schemas.figures import Reading, exposition, read
from scrutin.process.surroundings import samples
from scrutin.settings import Settings
from tests.secured import Authority


def said(settings: Settings) -> Reading:
    return read(exposition(samples(settings)).decode())


def test_a_process_tells_the_room_on_the_disk_of_its_folder(tmp_path: Path) -> None:
    """Though the folder is not there yet: it is that of the folder it will be made in."""
    found = said(Settings(data_dir=tmp_path / "not/yet"))
    disk = shutil.disk_usage(tmp_path)

    assert found.one(figures.DISK_SIZE.name) == disk.total
    assert 0 < (found.one(figures.DISK_FREE.name) or 0) <= disk.total


def test_a_process_tells_when_its_certificates_end(tmp_path: Path) -> None:
    """By the setting that names them; of a file that cannot be read nothing is said."""
    authority, path = Authority.made(), tmp_path / "authorities.pem"
    path.write_bytes(authority.pem())
    found = said(Settings(data_dir=tmp_path, kafka_ca=path, kafka_certificate=tmp_path / "gone"))

    assert found.labelled(figures.CERTIFICATE_END) == {
        ("kafka_ca",): authority.certificate.not_valid_after_utc.timestamp()}
