"""The cross-entropy of a last layer's scores as a function, which remembers the loss that its settings make."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from .._marks import unconverted, untraced
from ..backends import Array
from ..calls import route
from ..calls.linear import Arguments, library
from .linear import LinearCrossEntropy


@unconverted
def linear_cross_entropy(
    y_true: Any,
    hidden: Any,
    weight: Any,
    bias: Any = None,
    *,
    sample_weight: Any = None,
    where: Any = None,
    ignore_class: int | None = None,
    label_smoothing: float = 0.0,
    softcap: float | None = None,
    z_loss: float = 0.0,
    shift: int = 0,
    reduction: str | None = "sum_over_batch_size",
    chunk: int | None = None,
    parallel: str | None = None,
    group: Any = None,
    check: Any = None,
) -> Array:
    """Cross-entropy of a language model's head without its logits: never tokens times vocabulary in memory.

    The value of ``SparseCategoricalCrossentropy(from_logits=True)`` of ``hidden @ weight.T + bias``, where the scores
    alone would fill the memory.  Tokens are taken in chunks, and with the value come the gradients for hidden, weight
    and bias, on NumPy (`LinearCrossEntropy.value_and_grad`), PyTorch and JAX; on TensorFlow they come when they are
    asked for.  Half precision is summed up in float32.
    Unlike the functions of other losses it reduces, as its peers do: gradients that are made together with the value
    need to know its reduction.

    Args:
        y_true: Integer labels ``(...,)``, or rows of probabilities ``(..., vocabulary)``.
        hidden: What the last layer gets, ``(..., features)``.
        weight: Its weight, ``(vocabulary, features)`` as in ``torch.nn.Linear``; ``kernel.T`` for a kernel of Keras or
            Flax, which lies the other way round.
        bias: Its bias, ``(vocabulary,)``.
        sample_weight: A weight per label.
        where: True where a label counts.
        ignore_class: A label that does not count.
        label_smoothing: Share s of each target spread over all C classes: y (1 - s) + s/C.
        softcap: A bound that scores approach: ``softcap * tanh(score / softcap)``.
        z_loss: Weight of the square of the log-sum of the scores, as in `z_loss_crossentropy`.
        shift: How many places after its hidden vector a label stands; 1 for the next token, then the last hidden
            vectors and the first labels are left out, and ``sample_weight`` and ``where`` are those of the labels.
        reduction: As for objects; ``"none"`` returns one value per token and computes twice, as the gradients wait for
            the backward pass.
        chunk: How many tokens have their scores in memory at a time; by default as many as memory hardly notices.
        parallel: ``"tokens"`` where every process of ``torch.distributed`` has tokens of its own and the whole weight,
            ``"vocabulary"`` where every process has all tokens and, in the order of the ranks, some rows of weight and
            bias.  The loss is that of all processes on each of them, and so are the gradients for hidden and for rows
            of the weight; of a whole weight each process has its own tokens' part, and the gradient is their sum (an
            average over processes, as DistributedDataParallel makes, wants the loss times their number).
        group: The processes that ``parallel`` means; by default all.
        check: As in `lossary.check`; inside JAX's compiled programs a label that names no class gives NaN, no report.

    Returns:
        The reduced loss, differentiable where arrays are; second derivatives are computed in words, chunk by chunk.

    In ``torch.compile`` and strict ``torch.export`` it is an operator of the program.

    >>> import lossary, numpy as np
    >>> print(lossary.linear_cross_entropy([2, 0], np.eye(2), np.zeros((4, 2))).round(4))  # log 4
    1.3863
    """
    given = (ignore_class, label_smoothing, softcap, z_loss, shift, reduction, chunk, parallel, check)
    arguments = Arguments(y_true, hidden, weight, bias, sample_weight, where)
    way = route.seen(library("linear_cross_entropy", arguments))
    if parallel is None and way.compiles(arguments):
        return way.linear_compiled(_spelling(*given), reduction or "none", arguments)
    try:
        # A compiler follows how it is made, and would warn of a memory.
        loss = _made(*given) if way.is_followed else _remembered(*given)
    except TypeError:  # Something that cannot be remembered, and is no setting either.
        loss = _made(*given)
    return loss(*arguments, group=group)


def _made(
    ignore_class: Any, label_smoothing: Any, softcap: Any, z_loss: Any, shift: Any, reduction: Any, chunk: Any,
    parallel: Any, check: Any,
) -> LinearCrossEntropy:  # fmt: skip
    own = {"ignore_class": ignore_class, "label_smoothing": label_smoothing, "softcap": softcap, "z_loss": z_loss}
    return LinearCrossEntropy(**own, shift=shift, chunk=chunk, parallel=parallel, reduction=reduction, check=check)


# The object, which remembers what earlier calls found out.
_remembered = lru_cache(maxsize=64, typed=True)(_made)


@untraced
def _spelling(*given: Any) -> str:
    return str(_remembered(*given)._spelling)
