"""The kinds of error; their texts stand in `lossary.texts.calls`."""

from __future__ import annotations


class LossError(ValueError):
    """Something about a loss, its inputs or its parameters is wrong.  Every lossary error is one, and a ValueError."""


class ShapeError(LossError):
    """Shapes of targets, predictions, weights or mask do not fit together; nothing is broadcast in silence."""


class DTypeError(LossError, TypeError):
    """An argument holds strings, objects or complex numbers, or a float where integer labels belong."""


class DomainError(LossError):
    """A value lies outside the set that the loss is defined on: a NaN, a label out of range, a probability of 3."""


class DomainWarning(UserWarning):
    """What a `DomainError` says, told after the fact: ``check="async"`` found the value inside a compiled program."""


class ParameterError(LossError, TypeError):
    """A parameter of a loss has an unknown name or a value that is not allowed."""


class UnknownLossError(LossError, KeyError):
    """No loss has this name; the message lists the nearest ones."""

    def __str__(self) -> str:
        return ValueError.__str__(self)


class BackendError(LossError, TypeError):
    """Arrays of two frameworks or on two devices in one call, or of a framework that is not supported."""


class TraceError(LossError, TypeError):
    """A custom formula uses something outside the vocabulary of `lossary.words`."""

    @classmethod
    def branch(cls) -> TraceError:
        """Python's ``if``/``and``/``not`` asked for the truth of a whole array."""
        return cls(
            "the formula branches on array values with Python's if/and/or/not; a formula is traced once for all "
            "arrays. Write the choice element by element: lossary.words.where(condition, a, b), with & | ~ between "
            "conditions"
        )

    @classmethod
    def iteration(cls) -> TraceError:
        """The formula indexed or looped over an array."""
        return cls(
            "the formula loops over or unpacks an array; a formula speaks of whole rows. Use the words of "
            "lossary.words (sum, mean, max, take, where, ...)"
        )

    @classmethod
    def number(cls) -> TraceError:
        """The formula converted an array to a number."""
        return cls(
            "the formula turns an array into numbers (float(), np.asarray() or another library's function). Use the "
            "words of lossary.words, or NumPy's function of the same name, or pass the function undecorated: any "
            "(y_true, y_pred) callable is accepted where a loss is"
        )

    @classmethod
    def failed(cls, error: Exception) -> TraceError:
        """The formula did something that a symbolic array does not support."""
        return cls(
            f"the formula stopped with {type(error).__name__}: {error}. A formula is traced with symbolic arrays, "
            "which know operators, the words of lossary.words and NumPy's functions of the same names, but no methods, "
            "attributes or arrays of their own; write mean(x) for x.mean(). Any (y_true, y_pred) callable is accepted "
            "undecorated where a loss is"
        )

    @classmethod
    def unknown_word(cls, name: str) -> TraceError:
        """The formula called a NumPy function that has no counterpart in the vocabulary."""
        return cls(
            f"the formula calls {name}, or passes it an argument, that is not in the vocabulary; reductions are over "
            "the last axis. The words are listed by help(lossary.words); any (y_true, y_pred) callable is "
            "accepted undecorated where a loss is"
        )

    @classmethod
    def no_slope(cls, word: str) -> TraceError:
        """A word whose derivative is none of the vocabulary."""
        return cls(f"{word} has no derivative among the words")

    @classmethod
    def no_diagonal(cls) -> TraceError:
        """A Hessian whose diagonal does not say how one output acts by itself."""
        return cls(
            "its outputs are compared in pairs, so that its Hessian has no diagonal that stands for it; accepted are "
            "losses of single outputs and of rows of scores. Rankings are a host's own objective: rank:ndcg of "
            "XGBoost, lambdarank of LightGBM"
        )

    @classmethod
    def no_value(cls, returned: object, predictions: str) -> TraceError:
        """The formula returned what is no value per data point."""
        return cls(f"the formula returned {returned!r}, which does not depend on {predictions}")

    @classmethod
    def pairs(cls, word: str) -> TraceError:
        """A word of rows was given pairs of outputs."""
        return cls(
            f"{word} is a word of rows, and was given pairs of outputs (other); sum over one of both first: "
            'sum(x, over="other")'
        )
