"""Images to train on: scikit-learn's digits, or IDX files such as Fashion-MNIST's."""

from __future__ import annotations

import gzip
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .._extras import require
from ..calls.categorical import to_categorical
from ..errors import LossError

Array = np.ndarray[Any, Any]
NAMES = ("digits", "fashion-mnist")
# Where Debian's package dataset-fashion-mnist puts its files.
DEBIAN = Path("/usr/share/datasets/fashion-mnist")
PARTS = ("train-images", "train-labels", "t10k-images", "t10k-labels")


class DataError(LossError):
    """Images or labels that cannot be found or read."""


@dataclass(frozen=True)
class Images:
    """Training and held-out images, pixels from 0 to 1 in shape (N, height, width, 1), and their labels."""

    name: str
    train: Array
    train_labels: Array
    test: Array
    test_labels: Array

    @property
    def classes(self) -> int:
        """How many classes there are."""
        return int(self.train_labels.max()) + 1

    @property
    def pixels(self) -> int:
        """How many pixels an image has."""
        return math.prod(self.train.shape[1:])


def coded(labels: Array, classes: int, coding: str) -> Array:
    """Labels in the coding that a loss's target domain asks for."""
    if coding == "integers":
        return labels
    one_hot: Array = to_categorical(labels, classes).astype(np.float32)
    return 2 * one_hot - 1 if coding == "signs" else one_hot


def load(name: str, folder: Path | None) -> Images:
    """The images of this name, or those in a folder of IDX files."""
    if folder is not None:
        return _from_folder(folder)
    if name == "digits":
        return _digits()
    if name == "fashion-mnist":
        return _from_folder(DEBIAN) if DEBIAN.is_dir() else _from_keras()
    raise DataError(f"unknown data {name!r}; accepted are {' and '.join(NAMES)}, or DATA_DIR=... with IDX files")


def _digits() -> Images:
    require("sklearn", "demo", "the digits")
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    found = load_digits()
    parts = train_test_split(found.images / 16, found.target, test_size=0.2, random_state=0, stratify=found.target)
    return _images("digits", *parts)


def _images(name: str, train: Array, test: Array, train_labels: Array, test_labels: Array) -> Images:
    train, test = (part.astype(np.float32)[..., None] for part in (train, test))
    return Images(name, train, train_labels.astype(np.int64), test, test_labels.astype(np.int64))


def _from_keras() -> Images:
    from keras.datasets import fashion_mnist

    try:
        (train, train_labels), (test, test_labels) = fashion_mnist.load_data()
    except Exception as error:
        raise DataError(
            f"Fashion-MNIST is not at hand: {DEBIAN} does not exist, and keras.datasets could not fetch it ({error}). "
            "Install it with: apt-get install dataset-fashion-mnist, or name a folder that holds its four IDX files: "
            "DATA_DIR=/path/to/folder"
        ) from None
    return _images("fashion-mnist", train / 255, test / 255, train_labels, test_labels)


# --- IDX files ------------------------------------------------------------------------------------------------------


def _from_folder(folder: Path) -> Images:
    if not folder.is_dir():
        raise DataError(f"there is no folder {folder}; DATA_DIR names one that holds the IDX files {_expected()}")
    train, train_labels, test, test_labels = (_read(_file(folder, part), part) for part in PARTS)
    for images, labels, part in ((train, train_labels, "train"), (test, test_labels, "t10k")):
        if len(images) != len(labels) or len(images) == 0:
            raise DataError(f"{folder}: {part} has {len(images)} images and {len(labels)} labels; one label per image")
    return _images(folder.resolve().name, train / np.float32(255), test / np.float32(255), train_labels, test_labels)


def _expected() -> str:
    return ", ".join(f"{part}-idx{_rank(part)}-ubyte[.gz]" for part in PARTS)


def _rank(part: str) -> int:
    return 3 if part.endswith("images") else 1


def _file(folder: Path, part: str) -> Path:
    stem = f"idx{_rank(part)}-ubyte"
    for name in (f"{part}-{stem}.gz", f"{part}-{stem}", f"{part}.{stem}.gz", f"{part}.{stem}"):
        if (folder / name).is_file():
            return folder / name
    raise DataError(f"{folder} has no {part}-{stem} or {part}-{stem}.gz; expected are {_expected()}")


def _read(path: Path, part: str) -> Array:
    """The unsigned bytes of an IDX file: two zeros, the type 8, the rank, big-endian lengths, then the data."""
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError) as error:
        raise DataError(f"{path} cannot be read: {error}") from None
    rank = _rank(part)
    start = 4 + 4 * rank
    if content[:4] != bytes([0, 0, 8, rank]) or len(content) < start:
        raise DataError(f"{path} is no IDX file of {rank} dimensions of unsigned bytes: it starts with {content[:4]!r}")
    shape = tuple(int(length) for length in np.frombuffer(content, ">u4", rank, offset=4))
    if len(content) - start != math.prod(shape):
        raise DataError(f"{path} announces {math.prod(shape)} bytes of data and holds {len(content) - start}")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)
