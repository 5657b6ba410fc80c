"""What the adviser hands back: a loss, the output layer and metric that go with it, and the lines to paste."""

from __future__ import annotations

import html
import json
from dataclasses import dataclass
from typing import Any, Literal

from ..errors import ParameterError
from ..objects.define import Loss
from ..objects.get import get

_TORCH = {
    "linear": "",
    "sigmoid": ", torch.nn.Sigmoid()",
    "softmax": ", torch.nn.Softmax(dim=-1)",
    "softplus": ", torch.nn.Softplus()",
}


@dataclass(frozen=True)
class Advice:
    """Which loss, output layer and metric fit targets.

    Attributes:
        task: The question the targets ask, in a few words.
        loss: The loss, configured.
        units: Output units of the last layer.
        activation: Activation of the last layer, by Keras's name.
        metric: A metric to watch, by Keras's name.
        alternatives: Other losses by name, and when each is better.
        reasons: What in the targets led here.
        confident: False where the targets alone do not tell; the reasons say what is missing.
        preparation: A line that brings the targets into the form the loss reads, or an empty text.
        spatial: Whether every position of a grid is answered, so that the last layer is a 1 x 1 convolution.
    """

    task: str
    loss: Loss
    units: int
    activation: str
    metric: str
    alternatives: dict[str, str]
    reasons: tuple[str, ...]
    confident: bool
    preparation: str = ""
    spatial: bool = False

    @property
    def name(self) -> str:
        """The loss's canonical name."""
        return self.loss.record.name

    def code(self, framework: Literal["keras", "torch"] = "keras") -> str:
        """The lines to paste, for ``"keras"`` or ``"torch"``.

        Raises:
            ParameterError: Another framework was named.
        """
        if framework == "keras":
            return "\n".join(self._lines(self._keras()))
        if framework == "torch":
            return "\n".join(self._lines(self._torch()))
        raise ParameterError(
            f"suggest: framework is {framework!r}; accepted are 'keras' and 'torch'. Write advice.code('keras')"
        )

    def _lines(self, body: list[str]) -> list[str]:
        numpy = ["import numpy as np"] if "np." in self.preparation else []
        return [*numpy, "import lossary", *([self.preparation] if self.preparation else []), *body]

    def _keras(self) -> list[str]:
        activation = "" if self.activation == "linear" else f", activation={self.activation!r}"
        layer = f"Conv2D({self.units}, 1" if self.spatial else f"Dense({self.units}"
        return [
            "import keras",
            "from lossary.keras import Sequential",
            f"model = Sequential([..., keras.layers.{layer}{activation})])",
            f"model.compile(loss=lossary.{self.loss!r}, optimizer='adam', metrics=[{self.metric!r}])",
            "model.fit(x, y_true)",
        ]

    def _torch(self) -> list[str]:
        layer, activation, loss = f"torch.nn.Linear(features, {self.units})", _TORCH[self.activation], self.loss
        if self.spatial:
            # PyTorch's channels lie along axis 1.
            layer, activation = f"torch.nn.Conv2d(features, {self.units}, 1)", activation.replace("dim=-1", "dim=1")
            loss = get(self.name, **self.loss.parameters, axis=1)
        return [
            "import torch",
            f"model = torch.nn.Sequential(..., {layer}{activation})",
            f"loss = lossary.{loss!r}",
            "loss(y_true, model(x)).backward()",
        ]

    def __str__(self) -> str:
        sure = "" if self.confident else " (not sure: read the reasons)"
        lines = [
            f"{self.task}{sure}",
            f"  loss        {self.loss!r}",
            f"  last layer  {self.units} unit{'s' if self.units > 1 else ''}, {self.activation}",
            f"  metric      {self.metric}",
            "because",
            *(f"  - {reason}" for reason in self.reasons),
        ]
        if self.alternatives:
            lines += ["instead", *(f"  - {name}: {when}" for name, when in self.alternatives.items())]
        return "\n".join([*lines, "code", *(f"  {line}" for line in self.code().splitlines())])

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "task": self.task,
            "loss": self.loss.get_config(),
            "name": self.name,
            "units": self.units,
            "activation": self.activation,
            "metric": self.metric,
            "alternatives": dict(self.alternatives),
            "reasons": list(self.reasons),
            "confident": self.confident,
            "code": {"keras": self.code("keras"), "torch": self.code("torch")},
        }

    def to_json(self, indent: int | None = 2) -> str:
        """The same as JSON text."""
        return json.dumps(self.to_dict(), indent=indent)
