"""Other libraries' losses without all that stands around them in their packages."""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import inspect
import os
import sys
import types
from typing import Any

import torch

# What packages import beside their losses and what those do not use: compilers, trainers, readers of files.
UNUSED = {
    "accelerate", "albumentations", "attr", "cv2", "datasets", "distrax", "dm_env", "gcsfs", "huggingface_hub",
    "hyperpyyaml", "keras_nlp", "lightning", "mmcv", "mmengine", "pkg_resources", "pycocotools",
    "pytorch_lightning", "safetensors", "sentencepiece", "shapely", "tokenizers", "torchaudio", "tqdm",
    "transformers", "triton", "typeguard",
}  # fmt: skip
# Modules of their own packages that they import and that write or download files.
BESIDE = {
    *(f"ultralytics.utils.{name}" for name in ("metrics", "ops", "tal", "torch_utils")),
    "tensorflow_addons.utils.types",
    "sentence_transformers.base",
    "sentence_transformers.base.losses",
    "sentence_transformers.base.losses.merged_forward",
    "sentence_transformers.sentence_transformer.model",
    *(f"trl.trainer.{name}_config" for name in ("dpo", "kto", "reward")),
    *(f"trl.experimental.{name}.{name}_config" for name in ("cpo", "orpo")),
}


class Anything(types.ModuleType):
    """Takes every use: attributes, calls, base classes; as a decorator it changes nothing."""

    __path__ = []  # noqa: RUF012
    __version__ = "0"

    def __bool__(self) -> bool:
        return False

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return Anything(name)

    def __call__(self, *args: Any, **options: Any) -> Any:
        decorated = len(args) == 1 and not options and (inspect.isfunction(args[0]) or inspect.isclass(args[0]))
        return args[0] if decorated else self

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *raised: Any) -> None:
        pass

    def __mro_entries__(self, bases: Any) -> tuple[type, ...]:
        return ()

    def __getitem__(self, index: Any) -> Any:
        return self

    __or__ = __ror__ = __getitem__


class Unused(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds what is `BESIDE` a loss, and modules of `UNUSED` that are not installed."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        missing = name.partition(".")[0] in UNUSED and importlib.machinery.PathFinder.find_spec(name, path) is None
        return importlib.machinery.ModuleSpec(name, self, is_package=True) if missing or name in BESIDE else None

    def create_module(self, spec: Any) -> types.ModuleType:
        return Anything(spec.name)

    def exec_module(self, module: Any) -> None:
        pass


os.environ["KERAS_BACKEND"] = "tensorflow"
sys.meta_path.insert(0, Unused())
# The wheel of torchvision on PyPI is compiled for CUDA; its losses are Python.
torch.library.define("torchvision::nms", "(Tensor a, Tensor b, float c) -> Tensor")
sys.modules["torchvision._meta_registrations"] = types.ModuleType("without")


def module(name: str) -> Any:
    """A module whose packages are entered without running what they import."""
    parts = name.split(".")
    for parent in (".".join(parts[:i]) for i in range(1, len(parts))):
        if parent not in sys.modules:
            spec = importlib.util.find_spec(parent)
            assert spec is not None, f"{parent} is not installed"
            sys.modules[parent] = package = types.ModuleType(parent)
            package.__path__, package.__spec__ = spec.submodule_search_locations or [], spec
            package.__version__ = "0"
    return importlib.import_module(name)
