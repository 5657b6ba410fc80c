"""Findings about losses of preferences: log-probabilities of two answers, of which one was liked better."""

from __future__ import annotations

import numpy as np

from ..facts.arguments import Role
from .evidence import Evidence, Floats, NotCheckedError, number, share
from .rules import Seen, enough, rule

PAIR = ("chosen", "rejected")
REFERENCES = tuple(f"reference_{name}" for name in PAIR)
# What reads means per token; the others read sums.
_OF_MEANS = frozenset({"ipo", "simpo", "orpo"})
# Nats per token: a trained model rarely needs more on average, and an answer of many tokens rarely less in sum.
_MOST_PER_TOKEN, _LEAST_PER_ANSWER = 12.0, 4.0
# Where a sigmoid has no slope left, in float32.
_SATURATED = 16.0


def has_pairs(e: Evidence) -> bool:
    """Whether the loss reads two answers of which one was liked better."""
    return set(PAIR) <= set(e.record.names)


def _reads_logarithms(e: Evidence) -> bool:
    return has_pairs(e) and (_has_references(e) or e.name in {"cpo", "orpo", "simpo"})


def _has_references(e: Evidence) -> bool:
    return set(REFERENCES) <= set(e.record.names)


def _named(e: Evidence, role: Role, array: Floats | None) -> dict[str, Floats]:
    """Its arguments of one role, out of the array in which they lie side by side."""
    of_role = [argument.name for argument in e.record.arguments if argument.role is role]
    if array is None or array.shape[-1:] != (len(of_role),):
        return {}
    return {name: array[..., place].astype(np.float64) for place, name in enumerate(of_role)}


def _answers(e: Evidence) -> dict[str, Floats]:
    found = _named(e, Role.PREDICTION, e.raw_pred)
    if not found:
        raise NotCheckedError("y_pred does not hold one number per answer")
    return found


def _with_references(e: Evidence) -> tuple[Floats, Floats, Floats, Floats]:
    """Chosen and rejected under the model, then under the reference."""
    answers, references = _answers(e), _named(e, Role.GIVEN, e.raw_true)
    if not references or references[REFERENCES[0]].shape != answers["chosen"].shape:
        raise NotCheckedError(f"y_true does not hold {' and '.join(REFERENCES)}")
    first, second = (answers[name] for name in PAIR)
    return first, second, *(references[name] for name in REFERENCES)  # type: ignore[return-value]


def _sums(of: str) -> str:
    each = "torch.log_softmax(logits, -1).gather(-1, tokens[..., None])[..., 0]"
    reduced = f"({each} * is_answer).sum(-1)"
    return f"{of} = {reduced}{' / is_answer.sum(-1)' if of == 'mean' else ''}"


@rule(
    "LS130",
    "log-probabilities above 0",
    severity="warning",
    needs="y_pred",
    bad="diagnose('dpo', references, -answers)",
    clean="diagnose('dpo', references, answers)",
)
def above_zero(e: Evidence) -> Seen | None:
    """Cross-entropies, or scores before a softmax, where logarithms of probabilities belong."""
    if not _reads_logarithms(e):
        return None
    found = _answers(e) | _named(e, Role.GIVEN, e.raw_true)
    places = [(name, array) for name, array in found.items() if (array > 1e-3).any()]
    if not places:
        return None
    name, array = places[0]
    above = array > 1e-3
    all_above = bool(above.all())
    kind = "cross-entropies, log-probabilities with the other sign" if all_above else "raw scores or rewards"
    return Seen(
        f"{name} is {number(array[above][0])}, and {share(above.sum(), above.size)} of its numbers are above 0. A "
        f"log-probability is at most 0; these look like {kind}"
        + (f", with which {e.name} raises the rejected answer" if all_above else ""),
        f"{name} = -{name}" if all_above else f"{_sums('log_probability')}   # of each answer's own tokens",
    )


@rule(
    "LS131",
    "both answers are the same",
    needs="y_pred",
    bad="diagnose('dpo', references, answers[:, [0, 0]])",
    clean="diagnose('dpo', references, answers)",
)
def same_answers(e: Evidence) -> Seen | None:
    """One answer twice: a comparison that says nothing."""
    if not has_pairs(e):
        return None
    answers = _answers(e)
    same = answers["chosen"] == answers["rejected"]
    enough(same.size, 4, "comparisons to tell a mistake from chance")
    if not same.any():
        return None
    everywhere = bool(same.all())
    return Seen(
        f"chosen and rejected are the same number in {share(same.sum(), same.size)} comparisons. "
        + (
            "One array stands in both places: what raises one answer lowers it again, and nothing is learnt"
            if everywhere
            else "Where both answers are the same text there is no preference"
        ),
        "y_pred = np.stack([chosen, rejected], axis=-1)   # of two answers"
        if everywhere
        else "kept = [pair for pair in pairs if pair['chosen'] != pair['rejected']]",
        severity=None if everywhere else "note",
    )


@rule(
    "LS132",
    "the reference's answers in another order",
    needs="y_pred",
    bad="diagnose('dpo', references[:, ::-1], answers)",
    clean="diagnose('dpo', references, answers)",
    unless="LS131",
)
def other_order(e: Evidence) -> Seen | None:
    """A model that starts as its reference is close to it, answer by answer; here crosswise."""
    if not _has_references(e):
        return None
    chosen, rejected, of_chosen, of_rejected = _with_references(e)
    enough(chosen.size, 4, "comparisons to tell a mistake from chance")
    straight = float(np.mean(abs(chosen - of_chosen) + abs(rejected - of_rejected)))
    crossed = float(np.mean(abs(chosen - of_rejected) + abs(rejected - of_chosen)))
    if not crossed < 0.25 * straight:
        return None
    return Seen(
        f"chosen is {number(crossed / 2)} away from reference_rejected on average, rejected from reference_chosen, but "
        f"{number(straight / 2)} from what stands in its own place: the model and the reference have their answers in "
        "different orders, so that leads are differences of two texts",
        "y_true = y_true[..., ::-1]   # lossary.pack(reference_chosen=x, reference_rejected=y)",
    )


@rule(
    "LS133",
    "chosen and rejected may have changed places",
    severity="warning",
    needs="y_pred",
    bad="diagnose('dpo', *(np.sort(x) for x in (references, answers)))",
    clean="diagnose('dpo', references, answers)",
    unless="LS131 LS132",
)
def swapped(e: Evidence) -> Seen | None:
    """A reference that nearly always finds the rejected answer likelier than the chosen one."""
    if not _has_references(e):
        return None
    _, _, chosen, rejected = _with_references(e)
    enough(chosen.size, 32, "comparisons to tell a mistake from chance")
    behind = chosen < rejected
    if behind.mean() < 0.95:
        return None
    return Seen(
        f"the reference finds the rejected answer likelier in {share(behind.sum(), behind.size)} comparisons, by "
        f"{number(np.median(rejected - chosen))} nats in the median. Were the chosen ones simply longer this could be; "
        "if not, the two have changed places, and the model learns what was disliked",
        "y_true, y_pred = y_true[..., ::-1], y_pred[..., ::-1]   # the order is (chosen, rejected)",
    )


@rule(
    "LS134",
    "the model is still its reference",
    severity="note",
    needs="y_pred",
    bad="diagnose('dpo', answers, answers)",
    clean="diagnose('dpo', references, answers)",
)
def still_the_reference(e: Evidence) -> Seen | None:
    """No lead anywhere: right before the first step, and wrong after it."""
    if not _has_references(e):
        return None
    chosen, rejected, of_chosen, of_rejected = _with_references(e)
    if not ((chosen == of_chosen).all() and (rejected == of_rejected).all()):
        return None
    value = float(e.loss.replaced(reduction="sum_over_batch_size", check="off")(*(np.zeros((1, 1)) for _ in range(4))))
    return Seen(
        f"all {chosen.size} comparisons have the log-probabilities of the reference, so every lead is 0 and the value "
        f"is {number(value)}, as it is before the first step. Later it would mean that the reference is the model "
        "itself, trained along with it",
        "reference = copy.deepcopy(model).eval().requires_grad_(False)   # before training",
    )


@rule(
    "LS135",
    "numbers of tokens instead of answers",
    severity="warning",
    needs="y_pred",
    bad="diagnose('dpo', np.stack([references] * 3, 1), np.stack([answers] * 3, 1))",
    clean="diagnose('dpo', references, answers)",
)
def tokens(e: Evidence) -> Seen | None:
    """Several numbers per answer, which are compared one by one."""
    if not _reads_logarithms(e):
        return None
    shape = _answers(e)["chosen"].shape
    if len(shape) < 2 or shape[-1] == 1:
        return None
    return Seen(
        f"chosen holds {shape[-1]} numbers per data point, shape {shape}. {e.name} reads one log-probability per "
        "answer; of tokens it would compare the first with the first and so on, and average over these comparisons",
        "y_pred = (y_pred * is_answer[..., None]).sum(-2)   # over the tokens; likewise y_true",
    )


@rule(
    "LS136",
    "sums for means, or means for sums, of log-probabilities",
    severity="warning",
    needs="y_pred",
    bad="diagnose('ipo', references, answers)",
    clean="diagnose('ipo', references / 30, answers / 30)",
    unless="LS130 LS135",
)
def sums_or_means(e: Evidence) -> Seen | None:
    """What is a size for one token is none for an answer, and the other way round."""
    if not _reads_logarithms(e):
        return None
    middle = float(np.median([_answers(e)[name] for name in PAIR]))
    enough(_answers(e)["chosen"].size, 16, "comparisons to tell sums from means")
    if e.name in _OF_MEANS and middle < -_MOST_PER_TOKEN:
        return Seen(
            f"the median of the log-probabilities is {number(middle)}, and {e.name} reads means per token: of tokens "
            f"with a probability of {np.exp(middle):.1g} each. These look like sums over whole answers, of which long "
            "ones then count more",
            f"{_sums('mean')}   # of each answer's own tokens",
        )
    if e.name not in _OF_MEANS and middle > -_LEAST_PER_ANSWER:
        return Seen(
            f"the median of the log-probabilities is {number(middle)}, and {e.name} reads sums over whole answers. For "
            "answers of many tokens these look like means per token, which makes leads small and beta weak",
            f"{_sums('log_probability')}   # of each answer's own tokens",
            severity="note",
        )
    return None


@rule(
    "LS137",
    "a beta that leaves no slope",
    severity="warning",
    needs="y_pred",
    bad="diagnose(lossary.DPO(beta=20.0), references, answers)",
    clean="diagnose(lossary.DPO(beta=0.1), references, answers)",
    unless="LS130 LS132 LS133 LS135",
)
def steep(e: Evidence) -> Seen | None:
    """Leads that beta puts where a sigmoid is flat."""
    if not _has_references(e) or e.name == "ipo" or "beta" not in e.loss.parameters:
        return None
    chosen, rejected, of_chosen, of_rejected = _with_references(e)
    beta, leads = float(e.loss.parameters["beta"]), abs((chosen - of_chosen) - (rejected - of_rejected))
    far = beta * leads > _SATURATED
    enough(far.size, 16, "comparisons to tell beta's scale")
    if far.mean() < 0.5:
        return None
    fitting = float(f"{1.0 / np.median(leads):.1g}")
    return Seen(
        f"beta={number(beta)} times the lead is beyond {_SATURATED:g} in {share(far.sum(), far.size)} comparisons; the "
        f"median lead is {number(np.median(leads))} nats. There a right answer has no slope left, and each wrong one "
        "the same however wrong it is; usual are 0.01 to 0.5",
        f"loss = {e.rewritten(beta=fitting)}",
    )
