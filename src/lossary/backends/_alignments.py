"""The probability of a sequence of labels under all its alignments, by recursion over time, in words of a backend.

A. Graves et al., Connectionist temporal classification (2006): labels with blanks between them are a chain of states;
at each step a path stays, moves on, or moves from a label to the next one over the blank between them, unless the two
are equal.  Here the chain starts in a state that no step ends in, so that steps can be left out anywhere.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

Array = Any


class Chain(NamedTuple):
    """The states of each sequence, and what each step gives them, as logarithms."""

    classes: Array  # (..., S) the class of a state, as whole numbers
    leaps: Array  # (..., S) whether a state is reached from the last but one
    ends: Array  # (..., S) 0 where a path may end, else minus infinity
    gains: Array  # (..., T, S)


def alignment_nll(self: Any, labels: Array, scores: Array, blank: float, keep: Array | None = None) -> Array:
    """Minus the logarithm of the probability; infinity where no alignment fits into so few steps."""
    logs, _ = _log_softmax(self, self.cast(scores, self.finest(scores)))
    chain = _chain(self, labels, logs, blank)
    last, _ = _forward(self, chain, _kept(self, keep, scores))
    return self.cast(self.maximum(-_log_sum(self, last + chain.ends), 0.0), self.dtype(scores))


def alignment_slope(self: Any, labels: Array, scores: Array, blank: float, keep: Array | None = None) -> Array:
    """Shares of the classes at each step less those among the alignments; 0 where there are none."""
    logs, leads = _log_softmax(self, self.cast(scores, self.finest(scores)))
    chain, kept = _chain(self, labels, logs, blank), _kept(self, keep, scores)
    last, reached = _forward(self, chain, kept)
    possible = self.less(-math.inf, _log_sum(self, last + chain.ends))
    paths = reached + _backward(self, chain, kept)
    # At each step they sum to the same, but for what both have been rounded by since the beginning and the end.
    largest = self.max(paths)
    shares = self.exp(paths - self.where(self.less(-math.inf, largest), largest, 0.0))
    shares = shares / self.maximum(self.sum(shares), 1.0)
    marks = self.indicator(self.is_label(self.expand_last(chain.classes), logs), logs)
    excess = self.exp(logs) - self.matmul(shares, marks)
    # Both sum to 1 at each step, so what the largest share lacks are the others' sum: there it has its digits.
    excess = self.where(leads, -self.sum(self.where(leads, 0.0, excess)), excess)
    return self.cast(self.where(self.across(possible), excess, 0.0), self.dtype(scores))


def alignment_states(self: Any, labels: Array, scores: Array, blank: float, keep: Array | None = None) -> Array:
    """Logarithms of the probability to be in each state after each step: the start, then blanks and labels in turn."""
    logs, _ = _log_softmax(self, self.cast(scores, self.finest(scores)))
    _, reached = _forward(self, _chain(self, labels, logs, blank), _kept(self, keep, scores))
    return self.cast(reached, self.dtype(scores))


def _log_softmax(self: Any, scores: Array) -> tuple[Array, Array]:
    """Logarithms of the shares, with the digits of one that is nearly 1, and where the largest is."""
    leads = self.first_max(scores)
    behind = scores - self.max(scores)
    return behind - self.log1p(self.sum(self.where(leads, 0.0, self.exp(behind)))), leads


def _kept(self: Any, keep: Array | None, scores: Array) -> Array:
    """Which steps count, (..., T, 1)."""
    ones = self.ones_like(scores)
    counted = self.max(ones if keep is None else self.indicator(keep, ones))
    return self.less(0.0, self.max(counted * ones))


def _chain(self: Any, labels: Array, logs: Array, blank: float) -> Chain:
    first = logs[..., 0, :1]
    empty = self.count(logs) + blank if blank < 0 else blank
    labels, count = _dense(self, self.cast(labels, self.dtype(logs)), empty)
    blanks = self.ones_like(labels) * empty
    start = self.ones_like(first) * empty
    pairs = self.fold_last(self.stack_last([labels, blanks]), 2)
    named = self.concat_last([start, start, pairs])
    states = self.position(named)
    inside = self.logical_and(self.less(0.0, states), self.less_equal(states, 2.0 * count + 1.0))
    known = self.logical_and(self.less_equal(0.0, named), self.less(named, self.count(logs)))
    classes = self.cast(self.where(inside, named, self.ones_like(named) * empty), self.label_dtype("int64"))
    gains = self.take_each(logs, classes)
    gains = self.where(self.across(inside), gains, -math.inf)
    gains = self.where(self.across(self.logical_or(known, self.logical_not(inside))), gains, math.nan)
    ends = self.less(self.abs(states - (2.0 * count + 0.5)), 1.0)
    leaps = self.logical_not(self.equal(named, _moved(self, named, 2, -1.0)))
    return Chain(classes, leaps, self.where(ends, self.ones_like(named) * 0.0, -math.inf), gains)


def _dense(self: Any, labels: Array, empty: Any) -> tuple[Array, Array]:
    """The labels without those that are no class, one after the other, and how many there are."""
    there = self.logical_and(self.less_equal(0.0, labels), self.logical_not(self.equal(labels, empty)))
    count = self.indicator(there, labels)
    place = self.where(there, self.cumulated(count) - 1.0, -1.0)
    # (..., to, from): where each goes.
    goes = self.equal(self.across(place), self.turned(self.across(self.position(labels))))
    moved = self.sum(self.where(goes, self.across(labels), 0.0))
    return self.squeeze_last(moved), self.sum(count)


def _forward(self: Any, chain: Chain, kept: Array) -> tuple[Array, Array]:
    """The logarithm of the probability to be in each state after the last step, and after each."""
    states = self.position(chain.ends)
    start = self.where(self.equal(states, 0.0), self.ones_like(chain.ends) * 0.0, -math.inf)

    def step(reached: Array, gains: Array, counts: Array) -> tuple[Array, Array]:
        near = _log_add(self, reached, _moved(self, reached, 1, -math.inf))
        far = self.where(chain.leaps, _moved(self, reached, 2, -math.inf), -math.inf)
        after = self.where(counts, _log_add(self, near, far) + gains, reached)
        return after, after

    last, reached = self.scan(step, start, (chain.gains, kept), reverse=False)
    return last, reached


def _backward(self: Any, chain: Chain, kept: Array) -> Array:
    """The logarithm of the probability to come to an end from each state after each step."""

    def step(left: Array, gains: Array, counts: Array) -> tuple[Array, Array]:
        through = left + gains
        near = _log_add(self, through, _moved(self, through, -1, -math.inf))
        far = _moved(self, self.where(chain.leaps, through, -math.inf), -2, -math.inf)
        return self.where(counts, _log_add(self, near, far), left), left

    return self.scan(step, chain.ends, (chain.gains, kept), reverse=True)[1]


def _moved(self: Any, x: Array, by: int, filler: float) -> Array:
    """Each row moved on by some states, or back."""
    ends = self.ones_like(x[..., : abs(by)]) * filler
    return self.concat_last([ends, x[..., :-by]] if by > 0 else [x[..., -by:], ends])


def _log_add(self: Any, a: Array, b: Array) -> Array:
    """``log(exp(a) + exp(b))``, with the digits of a result near 0."""
    larger, smaller = self.maximum(a, b), self.minimum(a, b)
    lag = smaller - self.where(self.equal(larger, -math.inf), 0.0, larger)
    return larger + self.log1p(self.exp(lag))


def _log_sum(self: Any, x: Array) -> Array:
    """As `_log_add` over a row, of which at most two are not minus infinity."""
    leads = self.first_max(x)
    largest = self.max(x)
    lag = x - self.where(self.equal(largest, -math.inf), 0.0, largest)
    return largest + self.log1p(self.sum(self.where(leads, 0.0, self.exp(lag))))
