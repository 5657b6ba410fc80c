"""Bytes that are read once, from their beginning: unpacked, turned into UTF-8, and looked at before they are read."""

from __future__ import annotations

import io
import lzma
import shutil
import tempfile
from typing import IO, Any, cast

from ._blocks import reading
from ._places import Place

# So many bytes of the text are looked at before it is read.
HEAD = 1 << 16
MAGIC = {
    b"\x1f\x8b": "gzip",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"BZh": "bz2",
    b"\xfd7zXZ\x00": "xz",
    b"\x04\x22\x4d\x18": "lz4",
}
KINDS = {b"PAR1": "parquet", b"ARROW1": "arrow", b"\xff\xff\xff\xff": "arrow", b"PK": "npz", b"{": "jsonl"}
WIDE = (b"\xff\xfe", b"\xfe\xff")


class Headed:
    """A file whose beginning is known before it is read; remembers the first part that holds more than ASCII."""

    def __init__(self, file: Any, size: int = HEAD) -> None:
        self._file = file
        self.head = b""
        while len(self.head) < size and (part := file.read(size)):
            self.head += part
        self._rest = self.head
        self.beyond = b""
        self.closed = False

    def read(self, size: int = -1) -> bytes:
        """The next bytes, fewer than asked for at the end alone: a pipe gives little at a time."""
        if size is None or size < 0:
            part, self._rest = bytes(self._rest + self._file.read()), b""
        else:
            part, self._rest = self._rest[:size], self._rest[size:]
            while len(part) < size and (more := self._file.read(size - len(part))):
                part += more
        if not self.beyond and not part.isascii():
            self.beyond = part
        return part

    def readable(self) -> bool:
        """Always."""
        return True

    def close(self) -> None:
        """Closes the file underneath."""
        if not self.closed:
            self.closed = True
            self._file.close()


class Stream:
    """The unpacked bytes of a place, and how far they have been read."""

    def __init__(self, place: Place, encoding: str | None = None) -> None:
        import pyarrow as pa

        self._raw = place.open()
        self._size = place.size
        with reading(place):
            file = Headed(self._raw, 16)
            codec = next((name for magic, name in MAGIC.items() if file.head.startswith(magic)), None)
            if codec == "xz":
                unpacked = lzma.LZMAFile(cast(IO[bytes], _Reading(file)))  # noqa: SIM115 - closed with the stream
                file = Headed(unpacked)
            else:
                plain = codec is None
                file = Headed(file if plain else pa.CompressedInputStream(pa.PythonFile(file, mode="r"), codec))
            # What two bytes at the beginning say about an encoding is beyond doubt.
            encoding = encoding or ("utf-16" if file.head.startswith(WIDE) else None)
            if encoding and encoding.lower().replace("-", "").replace("_", "") not in ("utf8", "utf8sig"):
                file = Headed(pa.transcoding_input_stream(pa.PythonFile(file, mode="r"), encoding, "utf-8"))
        self.file = file

    @property
    def kind(self) -> str:
        """What the bytes are, told by their beginning."""
        start = self.file.head.removeprefix(b"\xef\xbb\xbf").lstrip()
        return next((kind for magic, kind in KINDS.items() if start.startswith(magic)), "csv")

    @property
    def done(self) -> float:
        """The part that has been read, 0 to 1."""
        try:
            return min(1.0, self._raw.tell() / self._size) if self._size else 0.0
        except (OSError, ValueError):
            return 0.0

    def spooled(self) -> Any:
        """All of it on disk, for formats that are read from their end."""
        copy = tempfile.TemporaryFile()  # noqa: SIM115 - as long as who reads it
        shutil.copyfileobj(self.file, copy, 1 << 20)
        copy.seek(0)
        return copy

    def close(self) -> None:
        """Closes what is underneath too."""
        self.file.close()
        self._raw.close()


class _Reading(io.RawIOBase):
    """What lzma calls a file."""

    def __init__(self, file: Headed) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        return self._file.read(size)
