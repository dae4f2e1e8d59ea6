"""One file that holds many: a zip of which every byte is determined by names and contents. Pure.

Theory of operation: nothing is compressed, no time and no owner is written, and all sizes take the
64-bit form, so that there is one way to write any contents. The reader goes through the file from
its first byte to its last and accepts what the writer would have written, nothing else: a byte
changed outside the contents is found here, one inside by its file's hash. Any zip program reads it.
"""

import hashlib
import struct
import zlib
from collections.abc import Iterable, Iterator
from typing import BinaryIO, NamedTuple

from sinks.bundle.faults import Lacking, Unreadable
from sinks.bundle.layout import CHECKPOINTS_BYTES_MAX, WHOLE_BYTES_MAX


PIECE_BYTES = 1 << 20
"""Contents are read and written in pieces: memory stays flat whatever a file holds."""
NAME_BYTES_MAX = 255
"""No name of ours comes near it; a longer one is refused before it is read."""

FILES_MAX = 8_192
"""Twice as many as a bundle of 1,024 partitions has: what stands in the list of files is held."""

_LOCAL = struct.Struct("<4s5HIIIHH")
_LOCAL_EXTRA = struct.Struct("<HHQQ")
_CENTRAL = struct.Struct("<4s6HIIIHHHHHII")
_CENTRAL_EXTRA = struct.Struct("<HHQQQ")
_END64 = struct.Struct("<4sQHHIIQQQQ")
_LOCATOR = struct.Struct("<4sIQI")
_END = struct.Struct("<4sHHHHIIH")
_ZIP64 = 45
"""Version of the format that reads sizes of 64 bits."""
_UNIX = 3 << 8
_UTF8, _STORED, _MIDNIGHT, _FIRST_DAY = 1 << 11, 0, 0, 1 << 5 | 1
"""Names are UTF-8, contents as they are, and all is of 1 January 1980."""
_IN_EXTRA, _IN_EXTRA_16 = 0xFFFFFFFF, 0xFFFF
_ATTRIBUTES = 0o100644 << 16


class Packed(NamedTuple):
    """A file in the bundle: where its contents begin, and what they are."""

    name: str
    header_at: int
    begin: int
    size: int
    crc: int
    sha256: str


class Packer:
    """Writes a bundle, file by file; `close` writes the list of them."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.files: list[Packed] = []

    def add(self, name: str, pieces: Iterable[bytes]) -> Packed:
        """Write one file."""
        header_at = self._file.tell()
        self._file.write(_local(name, 0, 0))
        begin, size, crc, digest = self._file.tell(), 0, 0, hashlib.sha256()
        for piece in pieces:
            self._file.write(piece)
            size, crc = size + len(piece), zlib.crc32(piece, crc)
            digest.update(piece)
        self._file.seek(header_at)
        self._file.write(_local(name, crc, size))
        self._file.seek(begin + size)
        packed = Packed(name, header_at, begin, size, crc, digest.hexdigest())
        self.files.append(packed)
        return packed

    def close(self) -> None:
        """Write the end."""
        self._file.write(_ending(self.files, self._file.tell()))


class Bundle:
    """A bundle, read from its first byte to its last."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.files: dict[str, Packed] = {}
        self.damaged: list[str] = []
        """Files whose contents do not have the checksum beside them: a hash says the rest."""
        self._read()

    def _read(self) -> None:
        self._file.seek(0)
        while (head := self._file.read(_LOCAL.size))[:4] == b"PK\3\4":
            packed = self._file_at(self._file.tell() - len(head), head)
            if packed.name in self.files:
                raise Unreadable(packed.name, "the bundle has two files of this name")
            self.files[packed.name] = packed
            if len(self.files) > FILES_MAX:
                raise Unreadable(packed.name, f"the bundle has more than {FILES_MAX:,} files")
        at = self._file.tell() - len(head)
        self._file.seek(at)
        expected = _ending(list(self.files.values()), at)
        found = self._file.read(len(expected) + 1)
        if found != expected:
            different = next((place for place, (one, other) in enumerate(
                zip(found, expected, strict=False)) if one != other),
                min(len(found), len(expected)))
            raise Unreadable(f"byte {at + different}", "the list at the end of the bundle is not "
                             "that of its files: it was cut or changed")

    def _file_at(self, header_at: int, head: bytes) -> Packed:
        """Read the file that begins at a place."""
        place = f"byte {header_at}"
        if len(head) < _LOCAL.size:
            raise Unreadable(place, "the bundle is cut short")
        crc, name_bytes = struct.unpack_from("<I", head, 14)[0], head[26] | head[27] << 8
        if name_bytes > NAME_BYTES_MAX:
            raise Unreadable(place, "no file of a bundle begins so")
        rest = self._file.read(name_bytes + _LOCAL_EXTRA.size)
        try:
            name = rest[:name_bytes].decode()
            size = _LOCAL_EXTRA.unpack(rest[name_bytes:])[2]
        except (UnicodeDecodeError, struct.error):
            raise Unreadable(place, "no file of a bundle begins so") from None
        if head + rest != _local(name, crc, size):
            raise Unreadable(place, f"what stands before {name!r} was changed")
        begin, found, digest = self._file.tell(), 0, hashlib.sha256()
        left = size
        while left and (piece := self._file.read(min(PIECE_BYTES, left))):
            found = zlib.crc32(piece, found)
            digest.update(piece)
            left -= len(piece)
        if left:
            raise Unreadable(name, "the bundle is cut short within it")
        if found != crc:
            self.damaged.append(name)
        return Packed(name, header_at, begin, size, crc, digest.hexdigest())

    def pieces(self, name: str) -> Iterator[bytes]:
        """Yield the contents of a file in pieces; two may be read by turns."""
        packed = self._packed(name)
        at, end = packed.begin, packed.begin + packed.size
        while at < end:
            self._file.seek(at)
            piece = self._file.read(min(PIECE_BYTES, end - at))
            at += len(piece)
            yield piece

    def size_of(self, name: str) -> int:
        """Return the bytes of a file."""
        return self._packed(name).size

    def read(self, name: str) -> bytes:
        """Return a whole file; raise Unreadable where it is larger than one of its kind can be."""
        most = WHOLE_BYTES_MAX.get(name, CHECKPOINTS_BYTES_MAX)
        if self._packed(name).size > most:
            raise Unreadable(name, f"it has more than {most:,} bytes, this version holds no more")
        return b"".join(self.pieces(name))

    def text(self, name: str) -> str:
        """Return a whole file as text."""
        try:
            return self.read(name).decode()
        except UnicodeDecodeError as error:
            raise Unreadable(name, f"not text: {error}") from error

    def _packed(self, name: str) -> Packed:
        if name not in self.files:
            raise Lacking(name, "the bundle has no such file")
        return self.files[name]


def _local(name: str, crc: int, size: int) -> bytes:
    """Write what stands before the contents of a file."""
    encoded = name.encode()
    return _LOCAL.pack(
        b"PK\3\4", _ZIP64, _UTF8, _STORED, _MIDNIGHT, _FIRST_DAY, crc, _IN_EXTRA, _IN_EXTRA,
        len(encoded), _LOCAL_EXTRA.size,
    ) + encoded + _LOCAL_EXTRA.pack(1, _LOCAL_EXTRA.size - 4, size, size)


def _ending(files: list[Packed], at: int) -> bytes:
    """Write the list of files and what ends the bundle."""
    listed = b"".join(map(_central, files))
    after = at + len(listed)
    return b"".join((
        listed,
        _END64.pack(b"PK\6\6", _END64.size - 12, _UNIX | _ZIP64, _ZIP64, 0, 0, len(files),
                    len(files), len(listed), at),
        _LOCATOR.pack(b"PK\6\7", 0, after, 1),
        _END.pack(b"PK\5\6", 0, 0, _IN_EXTRA_16, _IN_EXTRA_16, _IN_EXTRA, _IN_EXTRA, 0),
    ))


def _central(packed: Packed) -> bytes:
    encoded = packed.name.encode()
    return _CENTRAL.pack(
        b"PK\1\2", _UNIX | _ZIP64, _ZIP64, _UTF8, _STORED, _MIDNIGHT, _FIRST_DAY, packed.crc,
        _IN_EXTRA, _IN_EXTRA, len(encoded), _CENTRAL_EXTRA.size, 0, 0, 0, _ATTRIBUTES, _IN_EXTRA,
    ) + encoded + _CENTRAL_EXTRA.pack(
        1, _CENTRAL_EXTRA.size - 4, packed.size, packed.size, packed.header_at)
