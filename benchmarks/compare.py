"""Ours beside the peers, from the measured seconds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Result = Mapping[str, Any]
# What a user of each framework gets from us, and everyone it is compared with.
OURS = {"NumPy": "lossary numpy", "PyTorch": "lossary torch", "JAX": "lossary jax", "TensorFlow": "lossary tf xla"}
PEERS = {
    "PyTorch": ("torch", "torch.compile", "keras torch"),
    "JAX": ("optax", "keras jax"),
    "TensorFlow": ("keras tf", "keras tf xla"),
}
PEERS["NumPy"] = ("sklearn", *PEERS["PyTorch"], *PEERS["JAX"], *PEERS["TensorFlow"])


def seconds(result: Result) -> dict[str, float]:
    """The least seconds of everyone."""
    return {name: times["min"] for name, times in result["seconds"].items()}


def fastest(result: Result, framework: str) -> tuple[str, float] | None:
    """The fastest peer in a framework and its seconds."""
    found = {name: s for name, s in seconds(result).items() if name in PEERS[framework]}
    return min(found.items(), key=lambda item: item[1]) if found else None


def ratio(result: Result, framework: str) -> float | None:
    """How many times the seconds of ours the fastest peer takes; above 1 ours is faster."""
    ours, peer = seconds(result).get(OURS[framework]), fastest(result, framework)
    return peer[1] / ours if ours is not None and peer is not None else None


def limit(result: Result, framework: str) -> float | None:
    """The streaming limit's seconds divided by ours."""
    ours, stream = seconds(result).get(OURS[framework]), seconds(result).get("stream")
    return stream / ours if ours is not None and stream is not None else None


def verdict(value: float) -> int:
    """1 if ours is faster, -1 if it is slower, 0 within five percent: less than two runs differ by."""
    return (value > 1.05) - (value < 0.95)
