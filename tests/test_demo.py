"""The demonstration: its data, its label codings, and what a user sees of it from a terminal."""

from __future__ import annotations

import gzip
import json
import os
import signal
import struct
import subprocess
import sys

import numpy as np
import pytest

import lossary
from inputs import PAIRS, PROVEN
from lossary.demo._data import DataError, coded, load

# Two classes that one look tells apart: a bright left or a bright right half.
SIDES = np.array([[[255, 0], [255, 0]], [[0, 255], [0, 255]]], np.uint8).repeat(2, 1).repeat(2, 2)


def idx(array):
    return bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


@pytest.fixture
def folder(tmp_path):
    """A folder of IDX files, half of them compressed."""
    for part, size in (("train", 64), ("t10k", 16)):
        labels = np.arange(size, dtype=np.uint8) % 2
        (tmp_path / f"{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(SIDES[labels])))
        (tmp_path / f"{part}-labels-idx1-ubyte").write_bytes(idx(labels))
    return tmp_path


def start(*arguments, **environment):
    keep = {name: value for name, value in os.environ.items() if name not in ("LOSSES", "DATA", "DATA_DIR", "EPOCHS")}
    settings = {"KERAS_BACKEND": "jax", "PYTHONUNBUFFERED": "1", "COLUMNS": "100", **environment}
    command = [sys.executable, "-m", "lossary.demo", *arguments]
    return subprocess.Popen(
        command, env=keep | settings, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def accuracies(output):
    """Loss and held-out accuracy of each row of the table at the end."""
    rows = [line.split() for line in output.splitlines() if line.count("  ") > 3]
    return {row[0]: float(row[3]) for row in rows if len(row) == 5 and row[3].replace(".", "").isdigit()}


# --- data -------------------------------------------------------------------------------------------------------------


def test_digits_are_whole_and_scaled():
    images = load("digits", None)
    assert images.train.shape[1:] == (8, 8, 1)
    assert len(images.train) + len(images.test) == 1797
    assert (images.train.min(), images.train.max(), images.classes) == (0.0, 1.0, 10)


def test_idx_files_plain_and_compressed(folder):
    images = load("digits", folder)
    assert images.train.shape == (64, 4, 4, 1)
    np.testing.assert_array_equal(images.test[..., 0] * 255, SIDES[np.arange(16) % 2])
    np.testing.assert_array_equal(images.test_labels, np.arange(16) % 2)
    assert images.classes == 2


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (idx(np.zeros((3, 3), np.uint8)), "no IDX file of 1 dimensions"),
        (idx(np.zeros(64, np.uint8))[:-1], "announces 64 bytes of data and holds 63"),
        (idx(np.zeros(63, np.uint8)), "64 images and 63 labels"),
        (b"", "no IDX file"),
    ],
)
def test_broken_files_are_named(folder, content, message):
    (folder / "train-labels-idx1-ubyte").write_bytes(content)
    with pytest.raises(DataError, match=message):
        load("digits", folder)


def test_a_cut_off_archive_is_named(folder):
    archive = folder / "t10k-images-idx3-ubyte.gz"
    archive.write_bytes(archive.read_bytes()[:-20])
    with pytest.raises(DataError, match=r"t10k-images-idx3-ubyte\.gz cannot be read"):
        load("digits", folder)


def test_a_missing_file_is_named(folder):
    (folder / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(DataError, match="has no t10k-labels-idx1-ubyte"):
        load("digits", folder)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("categorical_crossentropy", [[0, 0, 1], [1, 0, 0]]),
        ("sparse_categorical_crossentropy", [2, 0]),
        ("hinge", [[-1, -1, 1], [1, -1, -1]]),
        ("mean_squared_error", [[0, 0, 1], [1, 0, 0]]),
        ("binary_crossentropy", [[0, 0, 1], [1, 0, 0]]),
    ],
)
def test_labels_are_coded_as_the_loss_asks(name, expected):
    found = coded(np.array([2, 0]), 3, lossary.get(name).record.target.coding)
    np.testing.assert_array_equal(found, expected)


# --- from the terminal ----------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.costly
def test_the_default_run(tmp_path):
    """Digits with the loss that `make demo LOSSES=...` names, in fewer epochs."""
    picture = tmp_path / "new" / "curves.png"
    done = start("-o", str(picture), LOSSES="huber_loss", EPOCHS="3", DATA="", DATA_DIR="")
    output, errors = done.communicate(timeout=300)
    assert done.returncode == 0, errors
    found = accuracies(output)
    assert list(found) == ["categorical_crossentropy", "huber"]
    assert min(found.values()) > 0.9
    assert output.count("Epoch 3/3") == 2
    header = picture.read_bytes()[:24]
    assert header[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", header[16:])[0] > 1000


@pytest.mark.exhaustive
def test_every_kind_of_output_and_target_trains_on_a_folder_of_files(folder, tmp_path):
    records = [
        lossary.get(name).record
        for name in ("categorical_crossentropy", *sorted({record.name for record in PAIRS} & PROVEN))
    ]
    kinds: dict[tuple[str, str], str] = {}
    for record in records:
        kinds.setdefault((record.prediction.activation, record.target.coding), record.name)
    done = start(*kinds.values(), "-o", str(tmp_path / "a.png"), DATA_DIR=str(folder), EPOCHS="2")
    output, errors = done.communicate(timeout=400)
    assert done.returncode == 0, errors
    assert accuracies(output) == dict.fromkeys(kinds.values(), 1.0)


@pytest.mark.slow
@pytest.mark.costly
def test_an_interruption_keeps_what_was_trained(tmp_path):
    picture = tmp_path / "curves.png"
    running = start("huber", "-o", str(picture), EPOCHS="1000")
    try:
        lines = []
        for line in running.stdout:
            lines.append(line)
            if line.startswith("Epoch 3/"):
                running.send_signal(signal.SIGINT)
                break
        rest, errors = running.communicate(timeout=120)
    finally:
        running.kill()
    assert running.returncode == 130, errors
    assert "Traceback" not in errors
    assert accuracies(rest)["categorical_crossentropy"] > 0.5
    assert "huber" not in accuracies(rest)
    assert "Stopped early: categorical_crossentropy after" in rest
    assert picture.is_file()


MISTAKES = [
    (["huber_los"], {}, "did you mean huber"),
    ([], {"LOSSES": "mean_square_error"}, "did you mean mean_squared_error"),
    ([], {"DATA": "mnist"}, "accepted are digits and fashion-mnist"),
    ([], {"DATA_DIR": "nowhere"}, "there is no folder nowhere"),
]
# One after the other in a process that starts once.
EACH = """
import json, os, runpy, sys
for arguments, settings, _ in json.loads(sys.argv[1]):
    os.environ.update(dict.fromkeys(("LOSSES", "DATA", "DATA_DIR", "EPOCHS"), "") | settings)
    sys.argv[1:] = arguments
    try:
        runpy.run_module("lossary.demo", run_name="__main__", alter_sys=True)
    except SystemExit as end:
        print("##", end.code, file=sys.stderr, flush=True)
"""


@pytest.mark.costly
def test_mistakes_are_told_before_anything_is_trained():
    done = subprocess.run(
        [sys.executable, "-c", EACH, json.dumps(MISTAKES)], capture_output=True, text=True, timeout=120, check=False
    )
    assert "Epoch" not in done.stdout
    assert "Traceback" not in done.stderr
    said = done.stderr.split("## 2\n")
    assert said.pop() == ""
    for text, (_, _, message) in zip(said, MISTAKES, strict=True):
        assert message in " ".join(text.split())


def test_without_any_source_of_fashion_images_the_message_says_where_to_get_them(tmp_path, monkeypatch):
    import keras

    from lossary.demo import _data

    def unreachable():
        raise OSError("no route to host")

    monkeypatch.setattr(_data, "DEBIAN", tmp_path / "absent")
    monkeypatch.setattr(keras.datasets.fashion_mnist, "load_data", unreachable)
    with pytest.raises(DataError, match=r"apt-get install dataset-fashion-mnist.*DATA_DIR="):
        load("fashion-mnist", None)
