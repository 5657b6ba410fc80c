"""Machine code on disk: nothing damaged or foreign is run, and the folder is bounded."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

import lossary
from lossary import kernels
from lossary.facts.registry import enrol
from lossary.kernels.cpu import disk, store

CODE = bytes(range(256)) * 3


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for kernels below two that are not there yet, made while new files are for everybody."""
    monkeypatch.setenv("LOSSARY_CACHE_DIR", str(tmp_path / "one" / "kernels"))
    before = os.umask(0)
    yield tmp_path / "one" / "kernels"
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_what_is_written_is_read_by_nobody_else(folder: Path) -> None:
    assert disk.read("a") is None
    disk.write("a", CODE)
    assert disk.read("a") == CODE
    assert [mode(path) for path in (folder.parent, folder, folder / "a.kernel")] == [0o700, 0o700, 0o600]


def test_damage_is_noticed_and_removed(folder: Path) -> None:
    disk.write("a", CODE)
    file = folder / "a.kernel"
    whole = file.read_bytes()
    broken = [whole[:size] for size in range(0, len(whole), 50)] + [whole + b"x"]
    broken += [whole[:at] + bytes([whole[at] ^ 1 << at % 8]) + whole[at + 1 :] for at in range(0, len(whole), 7)]
    for content in broken:
        file.touch(mode=0o600)
        file.write_bytes(content)
        assert disk.read("a") is None
        assert not file.exists()
    # Whole, but the machine code of something else.
    disk.write("b", CODE)
    (folder / "b.kernel").rename(file)
    assert disk.read("a") is None


def test_what_others_could_have_written_is_refused(folder: Path) -> None:
    disk.write("a", CODE)
    for path, bits in ((folder / "a.kernel", 0o622), (folder, 0o720), (folder.parent, 0o777)):
        before = mode(path)
        path.chmod(bits)
        with pytest.raises(PermissionError, match=f"{path} can be written by others; write: chmod go-w {path}"):
            disk.read("a")
        path.chmod(before)
    # Everybody may write to a folder like /tmp, and nobody touches what is another's.
    folder.parent.chmod(0o1777)
    assert disk.read("a") == CODE
    elsewhere = folder.with_name("a")
    (folder / "a.kernel").rename(elsewhere)
    (folder / "a.kernel").symlink_to(elsewhere)
    with pytest.raises(OSError, match=r"a\.kernel"):
        disk.read("a")


@pytest.mark.skipif(os.name == "nt" or os.getuid() != 0, reason="only root gives files away")
def test_what_belongs_to_others_is_refused(folder: Path) -> None:
    disk.write("a", CODE)
    os.chown(folder, 12345, -1)
    with pytest.raises(PermissionError, match="belongs to another user; LOSSARY_CACHE_DIR names a folder of your own"):
        disk.read("a")


def test_what_was_not_used_for_longest_goes_first(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "KEPT_AT_MOST", 3 * len(CODE) + 200)
    for name in "abc":
        disk.write(name, CODE)
        (folder / "notes.txt").write_text("not ours")
        os.utime(folder / f"{name}.kernel", (ord(name), ord(name)))
    disk.read("a")
    disk.write("d", CODE)
    assert sorted(path.name for path in folder.iterdir()) == ["a.kernel", "c.kernel", "d.kernel", "notes.txt"]


def test_other_processes_may_write_meanwhile(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under a name that is gone when it is looked at."""
    disk.write("a", CODE)
    listed = os.scandir

    @contextmanager
    def scandir(path: Path) -> Iterator[list[os.DirEntry[str]]]:
        (folder / "theirs.kernel").touch()
        with listed(path) as entries:
            found = list(entries)
        (folder / "theirs.kernel").unlink()
        yield found

    monkeypatch.setattr(os, "scandir", scandir)
    disk.write("b", CODE)
    assert disk.read("b") == CODE


def test_a_full_disk_leaves_nothing_behind(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk.write("a", CODE)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    code, origin = store.found("some", "source", "", lambda: CODE)
    assert (code, origin) == (CODE, "compiled for this process alone: OSError: [Errno 28] No space left on device")
    assert [path.name for path in folder.iterdir()] == ["a.kernel"]


def test_without_a_home_kernels_are_compiled_for_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere() -> Path:
        raise RuntimeError("Could not determine home directory.")

    for name in ("LOSSARY_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", nowhere)
    code, origin = store.found("some", "source", "", lambda: CODE)
    assert (code, "for this process alone: RuntimeError" in origin) == (CODE, True)


def test_a_cache_of_the_user_that_is_no_absolute_path_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LOSSARY_CACHE_DIR", raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    for given in ("", "relative"):
        monkeypatch.setenv("XDG_CACHE_HOME", given)
        assert disk.folder() == Path.home() / ".cache" / "lossary" / "kernels"


WRITING = """
from lossary.kernels.cpu import disk
while True:
    for name in "abc":
        disk.write(name, name.encode() * 300_000)
"""


def test_a_process_that_is_killed_leaves_whole_files(folder: Path) -> None:
    writer = subprocess.Popen([sys.executable, "-c", WRITING])
    while not (folder / "c.kernel").exists():
        assert writer.poll() is None
    writer.kill()
    writer.wait()
    assert [disk.read(name) for name in "abc"] == [name.encode() * 300_000 for name in "abc"]


def test_a_kernel_is_computed_right_after_its_file_was_damaged(folder: Path) -> None:
    """A flipped bit anywhere once gave a wrong gradient; now the kernel is compiled again and the file replaced."""
    y_true, y_pred = np.zeros((70, 1000)), np.full((70, 1000), 3.0)

    def called() -> str:
        enrol(lossary.get("mae").record)  # So that kernels are loaded anew.
        value, gradient = lossary.value_and_grad("mae")(y_true, y_pred)
        assert (value, gradient.min(), gradient.max()) == (3.0, 1 / 70_000, 1 / 70_000)
        return kernels.explain("mae", y_true, y_pred)

    assert "compiled and kept in" in called()
    assert "loaded from" in called()
    for file in folder.iterdir():
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 16
        file.write_bytes(content)
    assert "compiled and kept in" in called()
    assert "loaded from" in called()
    folder.chmod(0o777)
    assert f"compiled for this process alone: PermissionError: {folder} can be written by others" in called()


def test_another_processor_has_other_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    before = store._environment.__wrapped__()
    monkeypatch.setattr("llvmlite.binding.get_host_cpu_name", lambda: "generic")
    assert store._environment.__wrapped__() != before
