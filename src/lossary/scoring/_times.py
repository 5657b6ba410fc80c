"""Columns of dates and times, which are neither numbers nor names of classes."""

from __future__ import annotations

import re

# 2024-01-31, 31.1.2024 or 1/31/24, with or without a time of day.
_DATE = re.compile(r"(\d{4}([-/.])\d{1,2}\2\d{1,2}|\d{1,2}([-/.])\d{1,2}\3\d{4}|\d{1,2}/\d{1,2}/\d{2})([ T]\d.*)?")
_ZONE = re.compile(r":\d.*(Z|[+-]\d\d:?\d\d)$")


def is_date(text: str) -> bool:
    """Whether a cell holds a date."""
    return _DATE.fullmatch(text.strip()) is not None


def remedy(name: str, kind: str, text: str) -> str:
    """The line that makes numbers of a column of this kind; nothing where it holds something else."""
    column = f"df[{name!r}]"
    if kind.startswith(("duration", "time32", "time64")):
        read = column if kind.startswith("duration") else f"pandas.to_timedelta({column}.astype(str))"
        return f"Save them as seconds: {column} = {read} / pandas.Timedelta(seconds=1)"
    if not (kind.startswith(("timestamp", "date")) or is_date(text)):
        return ""
    zone = ", tz='UTC'" if "tz=" in kind or _ZONE.search(text.strip()) else ""
    read = f"pandas.to_datetime({column}{', utc=True' if zone else ''})"
    since = f"pandas.Timestamp('2000-01-01'{zone})"
    return f"Save them as days since one of them: {column} = ({read} - {since}) / pandas.Timedelta(days=1)"
