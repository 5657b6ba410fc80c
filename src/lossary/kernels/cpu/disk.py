"""Machine code on disk: one file per kernel, its digest in front, in a folder that nobody else can write to.

What is read here is run, so a file is trusted only if no other user can have put it or anything above it there, and
is looked into only after its digest was found right.  A damaged file is removed; the kernel is then compiled anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import sys
import tempfile
from pathlib import Path

# The files used last are kept up to so many bytes: some thousand kernels.
KEPT_AT_MOST = 64 << 20
_ENDING = ".kernel"
_DIGEST = hashlib.sha256().digest_size


def folder() -> Path:
    """Where kernels are kept: ``LOSSARY_CACHE_DIR``, else the user's cache directory."""
    chosen = os.environ.get("LOSSARY_CACHE_DIR")
    if chosen:
        return Path(chosen)
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME", ""))
        if not base.is_absolute():  # As the standard says, lest every folder one works in get its own.
            base = Path.home() / ".cache"
    return base / "lossary" / "kernels"


def read(name: str) -> bytes | None:
    """What was written under this name, or None if that is nothing or damaged.

    Raises:
        OSError: The folder or the file cannot be trusted or read.
    """
    path = _safe() / (name + _ENDING)
    try:
        file = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0))
    except FileNotFoundError:
        return None
    with open(file, "rb") as stream:
        _refuse_foreign(path, os.fstat(file))
        content = stream.read()
    data = content[_DIGEST:]
    if _digest(name, data) != content[:_DIGEST]:
        path.unlink()
        return None
    with contextlib.suppress(OSError):
        os.utime(path)  # The last to be used is the last to go.
    return data


def write(name: str, data: bytes) -> None:
    """Keeps bytes under a name, in one step, and lets go of what was not used for longest.

    Raises:
        OSError: The folder cannot be trusted or written to.
    """
    directory = _safe()
    file, temporary = tempfile.mkstemp(dir=directory, suffix=_ENDING)
    try:
        with open(file, "wb") as stream:
            stream.write(_digest(name, data) + data)
        os.replace(temporary, directory / (name + _ENDING))
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    _prune(directory)


def _digest(name: str, data: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\0" + data).digest()


def _prune(directory: Path) -> None:
    kept, size = [], 0
    with os.scandir(directory) as entries:
        for entry in entries:
            if entry.name.endswith(_ENDING):
                with contextlib.suppress(FileNotFoundError):  # Another process has just given it its name.
                    kept.append((entry.stat(follow_symlinks=False), entry.path))
    for status, path in sorted(kept, key=lambda item: -item[0].st_mtime):
        size += status.st_size
        if size > KEPT_AT_MOST:
            with contextlib.suppress(OSError):
                os.unlink(path)


def _safe() -> Path:
    """The folder, made if it is missing, once nobody else can write to it or to what it lies in."""
    directory = Path(os.path.realpath(folder()))
    for path in reversed([directory, *directory.parents]):
        with contextlib.suppress(FileExistsError):
            if not path.exists():
                path.mkdir(mode=0o700)
        _refuse_foreign(path, path.stat())
    return directory


def _refuse_foreign(path: Path, status: os.stat_result) -> None:
    """Raises a PermissionError if another user can write to a file or folder, or swap what a folder holds."""
    if not hasattr(os, "getuid"):
        return
    if status.st_uid not in (0, os.getuid()):
        raise PermissionError(f"{path} belongs to another user; LOSSARY_CACHE_DIR names a folder of your own")
    # In a folder like /tmp everybody may write, but nobody touches what is another's.
    sticky = stat.S_ISDIR(status.st_mode) and status.st_mode & stat.S_ISVTX
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not sticky:
        raise PermissionError(f"{path} can be written by others; write: chmod go-w {path}")
