"""A loss's definition, as the record spells it, in matplotlib's mathtext."""

from __future__ import annotations

import ast

GREEK = frozenset(["alpha", "beta", "gamma", "delta", "sigma", "tau", "theta", "nu", "mu", "rho", "kappa"])
SYMBOLS = {"y_true": "y", "y_pred": r"\hat{y}", "epsilon": r"\varepsilon", "lambda_": r"\lambda", "eps": r"\varepsilon"}
BRACKETS = {"abs": ("|", "|"), "norm": (r"\Vert ", r"\Vert ")}
NAMED = {"log": r"\log", "max": r"\max", "min": r"\min", "exp": r"\exp", "cosh": r"\cosh", "sinh": r"\sinh"}
COMPARISONS = {ast.LtE: r"\leq", ast.Lt: "<", ast.GtE: r"\geq", ast.Gt: ">", ast.Eq: "=", ast.NotEq: r"\neq"}

# How tightly an expression binds: sums, products, signs, powers, atoms.
SUM, PRODUCT, SIGN, POWER, ATOM = range(5)


def mathtext(definition: str) -> str | None:
    r"""``mean(abs(y_pred - y_true))`` as ``$\mathrm{mean}\,|\hat{y} - y|$``; None if it is no expression.

    >>> print(mathtext("(y_pred - y_true)**2 / 2"))
    $(\hat{y} - y)^{2}\,/\,2$
    """
    try:
        call = ast.parse(f"f({definition})", mode="eval").body
    except SyntaxError:
        return None
    if not isinstance(call, ast.Call) or len(call.args) != 1:
        return None
    try:
        parts = [_text(call.args[0])[0]]
        parts += [rf"{_name(word.arg or '')} = {_text(word.value)[0]}" for word in call.keywords]
    except _UnknownError:
        return None
    return "$" + r",\;\; ".join(parts) + "$"


class _UnknownError(Exception):
    """A construction that has no place in a formula."""


def _name(name: str) -> str:
    if name in SYMBOLS:
        return SYMBOLS[name]
    base, _, index = name.rpartition("_")
    if base and set(index) <= {"i", "j"}:
        return f"{_name(base)}_{{{index}}}"
    if name in GREEK:
        return f"\\{name}"
    spelled = name.replace("_", r"\_")
    return name if len(name) == 1 else rf"\mathrm{{{spelled}}}"


def _text(node: ast.expr) -> tuple[str, int]:
    """The text of an expression and how tightly it binds."""
    match node:
        case ast.Name():
            return _name(node.id), ATOM
        case ast.Constant(value=int() | float() as number):
            return f"{number:g}", ATOM
        case ast.UnaryOp(op=ast.USub()):
            return f"-{_wrapped(node.operand, PRODUCT)}", SIGN
        case ast.BinOp():
            return _binary(node)
        case ast.Call(func=ast.Name(id=word)):
            return _call(word, node.args)
        case ast.Subscript():
            return f"{_wrapped(node.value, ATOM)}_{{{_text(node.slice)[0]}}}", ATOM
        case ast.IfExp():
            test = _text(node.test)[0]
            return (
                rf"{_text(node.body)[0]}\;\;\mathrm{{if}}\; {test}\;\;\mathrm{{else}}\;\; {_text(node.orelse)[0]}",
                SUM,
            )
        case ast.Compare(ops=[operator]) if type(operator) in COMPARISONS:
            return f"{_text(node.left)[0]} {COMPARISONS[type(operator)]} {_text(node.comparators[0])[0]}", SUM
        case ast.Tuple():
            inside = r",\, ".join(_text(each)[0] for each in node.elts)
            return f"({inside})", ATOM
        case ast.BoolOp():
            word = "or" if isinstance(node.op, ast.Or) else "and"
            return rf"\;\mathrm{{{word}}}\;".join(_text(value)[0] for value in node.values), SUM
    raise _UnknownError


def _wrapped(node: ast.expr, least: int) -> str:
    text, binding = _text(node)
    return text if binding >= least else f"({text})"


def _binary(node: ast.BinOp) -> tuple[str, int]:
    match node.op:
        case ast.Add():
            return f"{_wrapped(node.left, SUM)} + {_wrapped(node.right, SUM)}", SUM
        case ast.Sub():
            return f"{_wrapped(node.left, SUM)} - {_wrapped(node.right, PRODUCT)}", SUM
        case ast.Mult():
            return rf"{_wrapped(node.left, PRODUCT)}\,{_wrapped(node.right, SIGN)}", PRODUCT
        case ast.Div():
            return rf"{_wrapped(node.left, PRODUCT)}\,/\,{_wrapped(node.right, POWER)}", PRODUCT
        case ast.Pow():
            exponent = _text(node.right)[0]
            return f"{_wrapped(node.left, ATOM)}^{{{exponent}}}", POWER
    raise _UnknownError


def _call(word: str, args: list[ast.expr]) -> tuple[str, int]:
    inside = r",\, ".join(_text(argument)[0] for argument in args)
    if word in BRACKETS:
        left, right = BRACKETS[word]
        return f"{left}{inside}{right}", ATOM
    if word == "sqrt":
        return rf"\sqrt{{{inside}}}", ATOM
    if word == "sum":
        return rf"\sum {_wrapped(args[0], PRODUCT)}", ATOM if _text(args[0])[1] == ATOM else PRODUCT
    name = NAMED.get(word) or (_name(word) if "_" in word else rf"\mathrm{{{word}}}")
    bare = len(args) == 1 and isinstance(args[0], ast.Call) and _text(args[0])[0].startswith("|")
    return (rf"{name}\,{inside}" if bare else f"{name}({inside})"), ATOM
