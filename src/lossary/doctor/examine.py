"""The doctor: collects the evidence, applies every rule that has what it needs, and says what was left out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..facts.arguments import Role
from ..objects.combined import WeightedSum
from ..objects.define import Loss
from ..readers import foreign, heads
from . import balance, head, metric, outputs, parts, preferences, refusal, start, targets  # noqa: F401  (their rules)
from .evidence import Evidence, NotCheckedError, hosted, resolved
from .report import SEVERITIES, Finding, Report
from .rules import RULES, Rule

# Rules that look for broken values come first: with NaN about, the others would only repeat them.
BROKEN = {"y_pred": "LS106", "y_true": "LS220"}
ALWAYS = (
    "whether the labels are right and the data are those you will meet: only their form was looked at",
    "the optimiser, the learning rate and the inputs: the doctor sees targets, outputs and the last layer",
)
THEMES = {
    "refusal": "what the loss refuses",
    "outputs": "outputs",
    "targets": "targets",
    "balance": "the spread of targets",
    "head": "the output layer",
    "parts": "several numbers per target",
    "preferences": "preferences",
    "metric": "metrics",
    "start": "the loss before training",
}
MISSING = {
    "y_true": "y_true's values are not at hand (symbolic, or no array of numbers)",
    "y_pred": "no y_pred was given; pass y_pred=model.predict(x)",
    "pair": "y_true and y_pred do not line up row by row",
    "head": "no model was given; pass model=",
    "metrics": "no metrics were given; pass metrics=[...]",
}


def diagnose(loss: Any, y_true: Any, y_pred: Any = None, *, model: Any = None, metrics: Any = None) -> Report:
    """Looks for reasons why this loss will not do on these targets, outputs, model and metrics.

    Use it before training, on the first batch, or when results disappoint.  A broken input is a finding, not an
    error; the report says what was found, with a remedy to paste, and always what was not checked and why.

    Args:
        loss: Anything `lossary.get` understands, or a loss object of Keras or ``torch.nn``.
        y_true: Targets: an array of any framework, a list, or a column of a table.
        y_pred: The model's outputs for them, as the loss would get them; without it only targets and model are seen.
        model: A Keras model or a ``torch.nn.Module``; its last layer is read, it is not run.
        metrics: The metrics trained with, as Keras takes them.

    Returns:
        A `Report`: ``.ok``, ``.findings``, ``.facts``, ``.not_checked``; it prints, and has ``to_dict`` and
        ``to_json``.

    Raises:
        UnknownLossError: ``loss`` names no loss.

    >>> import lossary, numpy as np
    >>> probabilities = np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.2, 0.2, 0.6], [0.5, 0.3, 0.2]])
    >>> loss = lossary.CategoricalCrossentropy(from_logits=True)
    >>> report = lossary.diagnose(loss, np.eye(3)[[0, 1, 2, 0]], probabilities)
    >>> report.ok, report.findings[0].code
    (False, 'LS101')
    >>> print(report.findings[0].remedy)
    loss = lossary.CategoricalCrossentropy()   # or drop the softmax from the last layer
    """
    found, unread = _head(model)
    named = None if metrics is None else list(metric.flattened(metrics))
    known = resolved(loss, y_true)
    if isinstance(known, WeightedSum):
        return _of_sum(known, [diagnose(t, y_true, y_pred, model=model, metrics=named) for t in known.terms])
    y_true, y_pred, masked = _without_masked(known, y_true, y_pred, found)
    evidence = Evidence(known, y_true, y_pred, found, named, habit=foreign.habit(loss))
    evidence.masked = masked
    evidence.unread_settings = foreign.unread(loss)
    evidence.torch_loss = foreign.of_torch(loss)
    return examine(evidence, unread)


def _without_masked(loss: Loss, y_true: Any, y_pred: Any, end: heads.Head | None) -> tuple[Any, Any, int]:
    """Targets and outputs without data points that the model's mask may hide, and how many those are.

    Outputs that have become arrays have no mask any more: what is known is that it hides labels below 0.
    """
    labels = hosted(y_true) if end is not None and end.masks and loss.record.labels_are_integers else None
    if labels is None:
        return y_true, y_pred, 0
    labels = y_true if type(y_true) is np.ndarray else labels
    labels = labels[..., 0] if labels.ndim > 1 and labels.shape[-1] == 1 else labels
    keep = labels >= 0
    pred = None if y_pred is None else hosted(y_pred)
    if keep.all() or (pred is not None and pred.shape[: keep.ndim] != keep.shape):
        return y_true, y_pred, 0
    return labels[keep], None if pred is None else pred[keep], int(np.sum(~keep))


def _of_sum(loss: WeightedSum, reports: list[Report]) -> Report:
    """What was found about each term; what several terms share is said once."""

    def once(told: Iterable[Any]) -> tuple[Any, ...]:
        return tuple(dict.fromkeys(told))

    findings = [
        replace(found, message=f"the term {report.loss}: {found.message}")
        for report in reports
        for found in report.findings
    ]
    findings.sort(key=lambda finding: SEVERITIES.index(finding.severity))
    facts = once(f"{report.loss}: {fact}" for report in reports for fact in report.facts)
    return Report(repr(loss), tuple(findings), facts, once(text for report in reports for text in report.not_checked))


def _head(model: Any) -> tuple[heads.Head | None, str]:
    """The model's head, and why it could not be read."""
    if model is None:
        return None, ""
    if isinstance(model, heads.Head):
        return model, model.caveat
    try:
        found = heads.read(model)
    except heads.UnreadableHeadError as error:
        return None, str(error)
    return found, found.caveat


def examine(evidence: Evidence, unread: str = "", *, only: Sequence[str] = ()) -> Report:
    """Applies the rules to evidence that is at hand."""
    findings: list[Finding] = []
    left_out: dict[str, list[Rule]] = defaultdict(list)
    reasons = _absent(evidence, unread)
    with np.errstate(all="ignore"):
        for rule in _in_order():
            if (only and rule.code not in only) or not _concerns(rule, evidence):
                continue
            reason = next((reasons[need] for need in sorted(rule.needs) if need in reasons), None)
            if reason is None:
                reason = _apply(rule, evidence, findings)
            if reason:
                left_out[reason].append(rule)
            _mark_broken(rule, findings, reasons)
        measured = (
            []
            if only or ({"y_true", "pair"} & reasons.keys() and evidence.raw_pred is not None)
            else start.facts(evidence)
        )
    findings.sort(key=lambda finding: SEVERITIES.index(finding.severity))
    caveat = [unread] if unread and evidence.head is not None else []
    skipped = [f"{', '.join(_named(rules))}: {reason}" for reason, rules in left_out.items()]
    return Report(
        repr(evidence.loss), tuple(findings), tuple(measured), (*caveat, *skipped, *_of_loss(evidence), *ALWAYS)
    )


def _concerns(rule: Rule, evidence: Evidence) -> bool:
    """Whether the rule is about losses of this kind."""
    about = {"parts": bool(evidence.parts), "preferences": preferences.has_pairs(evidence)}
    return about.get(rule.theme, True)


def _of_loss(evidence: Evidence) -> Iterator[str]:
    """What about the loss itself was not looked at."""
    if evidence.is_function:
        yield (
            f"whether {evidence.name} reads such targets and outputs: it is a function of which nothing is known but "
            "its values, so most findings cannot be looked for"
        )
    if evidence.masked:
        yield (
            f"{evidence.masked} data points with labels below 0: layers of the model leave data points out, and the "
            "outputs do not tell which"
        )
    if evidence.unread_settings:
        yield f"{' and '.join(evidence.unread_settings)} of the loss: the values measured are those without"


def _named(rules: list[Rule]) -> Iterator[str]:
    """The rules by title, or by theme where all of a theme are there."""
    for theme in dict.fromkeys(rule.theme for rule in rules):
        here = sorted((rule for rule in rules if rule.theme == theme), key=lambda rule: rule.code)
        everything = [rule for rule in RULES.values() if rule.theme == theme]
        if len(here) == len(everything) > 1:
            yield f"everything about {THEMES[theme]} ({here[0].code} to {here[-1].code})"
        else:
            yield from (f"{rule.title} ({rule.code})" for rule in here)


def _in_order() -> Iterator[Rule]:
    yield from sorted(
        RULES.values(), key=lambda rule: (rule.code not in BROKEN.values(), rule.code == refusal.CODE, rule.code)
    )


def _absent(evidence: Evidence, unread: str) -> dict[str, str]:
    """What rules may need and is missing, with the reason."""
    there = {
        "y_true": evidence.true is not None and evidence.true.size > 0,
        "y_pred": evidence.pred is not None and evidence.pred.size > 0,
        "pair": evidence.paired,
        "head": evidence.head is not None,
        "metrics": bool(evidence.metrics),
    }
    reasons = {need: MISSING[need] for need, has in there.items() if not has}
    if evidence.given_true is None:
        reasons["y_true"] = "no y_true was given"
    if evidence.has_own_arguments:
        reasons["y_true"] = reasons["pair"] = _without_targets(evidence)
    elif evidence.parts and "pair" in reasons:
        names = ", ".join(evidence.parts)
        reasons["pair"] = (
            f"{evidence.name} reads ({names}) for each target, which y_true is not compared with one by one"
        )
    if "head" in reasons and unread:
        reasons["head"] = unread
    if "y_pred" in reasons:
        if evidence.given_pred is not None:
            reasons["y_pred"] = "y_pred's values are not at hand (symbolic, empty, or no array of numbers)"
        reasons["pair"] = reasons["y_pred"]
    return reasons


def _without_targets(evidence: Evidence) -> str:
    given = [argument.name for argument in evidence.record.arguments if argument.role is Role.GIVEN]
    holds = f"holds {', '.join(given)}" if given else "is not looked at"
    return f"{evidence.name} has no targets; a model's y_true {holds}"


def _apply(rule: Rule, evidence: Evidence, findings: list[Finding]) -> str | None:
    said = {finding.code for finding in findings}
    if rule.unless & said or (rule.code == refusal.CODE and any(f.severity == "error" for f in findings)):
        return None  # Another finding has already said why.
    try:
        findings.extend(rule.apply(evidence))
    except NotCheckedError as reason:
        return str(reason)
    return None


def _mark_broken(rule: Rule, findings: list[Finding], reasons: dict[str, str]) -> None:
    for argument, code in BROKEN.items():
        if rule.code == code and any(finding.code == code for finding in findings):
            reasons[argument] = reasons["pair"] = f"{argument} holds NaN or infinite values; mend those first ({code})"
