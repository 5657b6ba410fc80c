"""Broken kernels: the emitted source with one thing changed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

# What is looked for, and what is put there instead.
_CHANGES = (
    (r" \+ ", " - "),
    (r" - ", " + "),
    (r" \* ", " / "),
    (r" / ", " * "),
    (r"F\((\d+\.\d+(?:e-?\d+)?)\)", r"F(\1 + 0.03125)"),
    (r"\bmaximum\(", "minimum("),
    (r"\bminimum\(", "maximum("),
    (r"\bless(_equal)?\(", "equal("),
    (r"\bequal\(", "less("),
    (r"\blogical_and\(", "logical_or("),
    (r"\blarger\(", "min("),
    (r"\baccumulate\(", "accumulate_square("),
    (r"\baccumulate_square\(", "accumulate("),
    (r"\b(exp|log|log1p|tanh|expm1|small_sinh|sqrt|square|abs|sign)\(", "("),
    (r"in range\(columns\)", "in range(columns - 1)"),
    (r"in range\(columns\)", "in range(1, columns)"),
    (r"range\(first, last\)", "range(first + 1, last)"),
    (r"range\(first, last\)", "range(first, last - 1)"),
    (r"= faulty\(faults, .*\)$", "= faults"),
    (r"^( +)(\w+)\[(i|j)\] = .*$", r"\1pass"),
)


# Changes that no input tells from the source: what the line looks like, after those before it where they are named,
# what it becomes, and why that is the same.
EQUIVALENT = (
    (r"log\(where\(\S+( F\(0\.0\)\))?, F\(1\.0\),", r"log\(where\(\S+( F\(0\.0\)\))?, F\(1\.0 \+ 0\.03125\),",
     "this logarithm is multiplied by t, which is 0 there"),
    (r"\br\d+(\[k\])? = where\(equal\((r\d+(\[k\])?), F\(0\.0\)\), F\(1\.0\), \2\)", r"where",
     "instead of the length or the sum of a row of zeros: nothing that depends on it is kept"),
    (r"at_most\(at_least\(t, h\d+\), F\(1\.0\)\)", r"F\(1\.0 \+ 0\.03125\)", "no share is larger than 1"),
    (r"where\(equal\((v\d+), F\(0\.0\)\), F\(0\.0\), \(\1 \* \((r\d+|log_sum) - p\)\)\)", r"where",
     "0 times a finite difference of scores is 0 without being told"),
    (r"order_key\(abs\([tp]\)\)\)", r"order_key\(\([tp]\)\)\)",
     "another power of two that scales the row and back; where it overflows the words compute the call again"),
    (r"order_key\(where\(equal\(v\d+, F\(0\.0\)\), F\(0\.0\), \(v\d+ \* p\)\)\)", r"where",
     "0 times a finite score is 0 without being told; infinite ones have tests of their own"),
    (r"where\(equal\(v\d+, F\(1\.0\)\), F\(0\.0\), \(v\d+ \* at_most\(at_least\(log1p", r"where",
     "this logarithm is bounded on both sides, so 0 times it is 0 without being told"),
    (r"where\(equal\(r\d+(\[k\])?, F\(0\.0\)\), F\(0\.0\), (v|\(\(r)", r"where\(equal\(r\d+(\[k\])?, F\(0\.0 \+",
     "the slope at a row of zeros, whose terms are 0 already"),
    (r"r\d+(\[k\])? = where\(equal\(r\d+(\[k\])?, F\(0\.0\)\), F\(0\.0\), r\d+(\[k\])?\)",
     r"F\(0\.0 \+ 0\.03125\)\), F", "a share of nothing: 0 over the 1 that stands in for nothing is 0 already"),
    (r"square\(\(where\(less\(v\d+, F\(0\.0\)\), h\d+, h\d+\) \* v\d+\)\)", r"0\.03125",
     "both sides weigh the same by default, and with other weights squares as small are lost beside large ones"),
    (r"\(\w+ \* exp\(where\(less\(F\(0\.0\), \w+\), \w+, F\(0\.0\)\)\)\)", r", F\(0\.0 \+ 0\.03125\)\)\)\)",
     "0 times any power is 0"),
    (r"where\((v\d+), r\d+(\[k\])?, \(quotient\(.* - indicator\(\1\)\)\)", r"\+ indicator\(v\d+\)\)\)",
     "the indicator is 0 wherever this side is taken"),
    (r"where\((logical_and\(at\(j, r\d+(\[k\])?\), )?less\(F\(0\.5\), v\d+\)",
     r"logical_or\(at|F\(0\.5 \+ 0\.03125\), v",
     "no other class has a share above a half, and about there two ways to subtract round alike"),
    (r"(slopes\[j\]|e\d+) = .*where\(equal\((v\d+), F\(0\.0\)\), F\(0\.0\), \(\2 \* v\d+\)\)$",
     r"where\((less|equal\(v\d+, F\(0\.0 \+)",
     "a share of 0 times a finite slope is 0 without being told; infinite ones have tests of their own"),
    (r"- where\((v\d+), F\(0\.0\), \((\w+) \* .*\)\)\) \+ where\(\1, \2, F\(0\.0\)\)$",
     r" - where\(v\d+, \w+, F\(0\.0\)\)$",
     "what is added is 0 itself, there for its slope"),
    (r"= where\((v\d+), F\(1\.0\), \(-\(v\d+ / where\(\1, F\(1\.0\), \(v\d+ \* v\d+\)\)\)\)\)$",
     r"\(v\d+ / v\d+\)\)\)\)\)$|/ where\(v\d+, F\(1\.0 \+",
     "the factor is 1 but for distances below 1e-18, whose squares float32 does not hold; nobody reads the inner 1"),
    (r"less\(\(F\(8\.0\) \* \w+\), v\d+\)\), v\d+, \(-\(\w+ \* log1pmx", r"F\(8\.0 \+ 0\.03125\)",
     "about there both forms round alike"),
    (r"less\(\(F\(1\.152921504606847e\+18\) \* v\d+\), v\d+\)$", r"less\(\(F\(1\.15\d*e\+18\) / v\d+\), v\d+\)$",
     "a gap between shares over a normal one fits; subnormal shares have tests of their own"),
    (r"^ *kept\d+\[j \* LANES \+ k\] = at_most\(v\d+, F\(2\.0\)\)$", r"F\(2\.0 \+ 0\.03125\)",
     "what is above 2 is read from the other side"),
    (r"where\(equal\(t, F\(0\.0\)\), F\(0\.0\), \(t \* at_least\(r\d+(\[k\])?, h\d+\)\)\)", r"where\(less",
     "what the leader costs is bounded on both sides, so 0 times it is 0 without being told"),
    (r"= logical_and\(equal\(v\d+, F\(0\.0\)\), equal\(v\d+, F\(0\.0\)\)\)$", r"F\(0\.0 \+ 0\.03125\)",
     "a class without a share is clipped; without a clip it has tests of its own"),
    (r"= where\(less\(F\(0\.0\), r\d+(\[k\])?\), r\d+(\[k\])?, r\d+(\[k\])?\)$", r"less\(F\(0\.0 \+",
     "1 less a correlation near 0: about there both forms round alike"),
    (r"where\(equal\((t|v\d+), F\(0\.0\)\), F\(0\.0\), \(\1 \* \(maximum\(.* log1p_unit\(", r"where\(less\(",
     "0 times the softplus of a finite score is 0 without being told; infinite ones have tests of their own"),
    (r"F\(1\.0\) \+ \(F\(1e\+18\) \* indicator\(less\(\w+(\[k\])?, F\(1e-18\)\)\)", r"F\(1\.0 \+ 0\.03125\)",
     "both parts of a fraction are multiplied by it"),
    (r"where\((v\d+), F\(0\.0\), power\(where\(\1, F\(1\.0\), ", r"F\(1\.0 \+",
     "0 is taken instead of what is made of it"),
    (r"kept\d+\[j\] = where\(logical_or\(v\d+, less\(abs\((v\d+)\), F\(1e-30\)\)\), F\(1\.0\), \1\)$", r"F\(1\.0 \+",
     "what is made of it is taken from elsewhere under either condition"),
    (r"= where\(v\d+, \(v\d+ \* hypot1\(v\d+\)\), F\(2\.0\)\)$", r"F\(2\.0 \+",
     "what is made of it is taken from elsewhere under the condition"),
    (r"= less_equal\(maximum\(abs\(\w+\), \w+(\[k\])?\), maximum\(abs\(\w+\), abs\(\w+\)\)\)$",
     r"minimum\(|maximum\(\(\w+\)|, \(\w+\)\)",
     "if two numbers of one difference are far apart, it is as large, so the other rounds alike"),
    (r"where\(equal\((v\d+), F\(0\.0\)\), F\(1\.0\), \(v\d+ / \1\)\)", r"equal\(v\d+, F\(0\.0 \+ 0\.03125\)\), F\(1",
     "a share over itself, which is 1 there too; without a clip a share of 0 costs infinitely much"),
    (r"= where\((v\d+), \(slopes\[j \* LANES \+ k\] \* v\d+\), t\)$", r"LANES - k\]",
     "where a share is clipped nothing that is made of it is taken"),
    (r"(r\d+(\[k\])?) = (r\d+(\[k\])?) \* r\d+\S*\n(.*\n)? *r\d+\S* = where\(equal\(\3, F\(0\.0\)\), F\(0\.0\), \1\)$",
     r"where\(less", "0 times what a finite score or a clipped share costs; infinite ones have tests of their own"),
    (r"where\(equal\((v\d+), F\(0\.0\)\), F\(0\.0\), \(\1 \* \((quotient\(power|power\(v|h\d+ \* v)", r"where\(less",
     "0 times what finite scores or clipped shares cost is 0 without being told; infinite ones have own tests"),
    (r"= where\(equal\((v\d+), F\(0\.0\)\), F\(0\.0\), \(\1 \* \(kept\d+\[j\] \* \(\(h\d+ \* kept\d+\[j\]\) \+ slopes",
     r"F\(0\.0 \+ 0\.03125\)", "the mark of a label is 0 or 1, and 0 times a finite slope is 0 without being told"),
    (r"^ *e\d+ = \(factor\) \* r\d+$", r"/ r\d+$",
     "1 where the leader is not the label; where it is, the slope of the label is written over it"),
    (r"= indicator\(at\(j, .*\n *v\d+ = equal\(v\d+, F\(0\.0\)\)$", r"= less\(",
     "the mark of a label is 0 or 1, and 0 times what clipped shares cost is 0 without being told"),
    (r"_of_normal\(.*\n.*where\(equal\((v\d+), F\(0\.0\)\), F\(0\.0\), \(\1 \* at_most\(v\d+, h\d+\)\)\)$",
     r"where\(less", "a clipped logarithm, and 0 times it is 0 without being told"),
    (r"_of_normal\((.*\n){3}.* / where\(v\d+, F\(1\.0\), \(v\d+ \* v\d+\)\)\)\)\)$", r"\(v\d+ / v\d+\)\)\)\)\)$",
     "the factor is 1 but for probabilities below 1e-18, which are clipped"),
    (r"_of_normal\((.*\n){4}.* \* where\(equal\((v\d+), F\(INFINITY\)\), F\(0\.0\), \2\)$", r"F\(0\.0 \+ 0\.03125\)",
     "what is clipped is not infinite"),
    (r"where\(v\d+, \(-at_most\(v\d+, F\(0\.5\)\)\)", r"F\(0\.5 \+ 0\.03125\)",
     "taken only where the number is below a half"),
    (r"= \(F\(1\.0\) \+ where\(logical_and\(v\d+, logical_not\(v\d+\)\), v\d+, F\(1\.0\)\)\) \* kept", r"logical_or\(",
     "what is made of it is taken under the condition alone"),
    (r"\[j\] / count\)", r"\[j\] \* count\)", "a loop over points has 1 as its count"),
)  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """A place in the source, some lines before it, and what stands there instead."""

    number: int
    before: str
    line: str
    changed: str

    def __str__(self) -> str:
        return f"{self.line.strip()}  ->  {self.changed.strip()}"

    @property
    def is_equivalent(self) -> bool:
        """Whether it is known that nothing can notice the change."""
        return any(
            re.search(was, f"{self.before}\n{self.line}" if r"\n" in was else self.line)
            and re.search(becomes, self.changed)
            for was, becomes, _ in EQUIVALENT
        )

    def apply(self, source: str) -> str:
        """The broken source."""
        lines = source.splitlines()
        assert lines[self.number] == self.line
        return "\n".join([*lines[: self.number], self.changed, *lines[self.number + 1 :], ""])


def mutants(source: str) -> Iterator[Mutant]:
    """Every single change of a kernel."""
    lines = source.splitlines()
    for number, line in enumerate(lines):
        for pattern, text in _CHANGES:
            for found in re.finditer(pattern, line):
                changed = line[: found.start()] + found.expand(text) + line[found.end() :]
                yield Mutant(number, "\n".join(lines[max(0, number - 4) : number]), line, changed)
