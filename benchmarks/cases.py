"""What is measured: each loss with its parameters, the shapes, and ordinary inputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

import lossary

Shape = tuple[int, int]
POINTWISE: tuple[Shape, ...] = ((32, 10), (4096, 64), (65536, 64))
ROWS: tuple[Shape, ...] = ((65536, 10), (8192, 1000), (1024, 32000))


@dataclass(frozen=True)
class Case:
    """One loss and its parameters."""

    name: str
    from_logits: bool = False

    @property
    def label(self) -> str:
        """The loss and what is set."""
        return self.name + " (logits)" * self.from_logits

    @property
    def parameters(self) -> dict[str, Any]:
        """What is set, as keyword arguments."""
        return {"from_logits": True} if self.from_logits else {}

    @property
    def shapes(self) -> tuple[Shape, ...]:
        """Where the loss is measured: softmax cross-entropy also on short and on long rows."""
        return (*POINTWISE, *ROWS) if self.from_logits and "categorical" in self.name else POINTWISE

    def loss(self) -> Any:
        """Our object."""
        return lossary.get(self.name, **self.parameters)


CASES = (
    Case("mean_squared_error"),
    Case("mean_absolute_error"),
    Case("mean_absolute_percentage_error"),
    Case("hinge"),
    Case("squared_hinge"),
    Case("huber"),
    Case("log_cosh"),
    Case("mean_squared_logarithmic_error"),
    Case("poisson"),
    Case("binary_crossentropy"),
    Case("binary_crossentropy", from_logits=True),
    Case("kl_divergence"),
    Case("cosine_similarity"),
    Case("categorical_hinge"),
    Case("categorical_crossentropy"),
    Case("categorical_crossentropy", from_logits=True),
    Case("sparse_categorical_crossentropy"),
    Case("sparse_categorical_crossentropy", from_logits=True),
)


def inputs(case: Case, shape: Shape) -> tuple[Any, Any]:
    """Ordinary float32 inputs, the same in every process."""
    rng = np.random.default_rng(0)
    loss = case.loss()
    y_true = loss.record.target.sample(rng, shape)
    y_pred = loss.record.prediction_domain(loss.parameters).sample(rng, shape).astype(np.float32)
    return (y_true if loss.record.labels_are_integers else y_true.astype(np.float32)), y_pred
