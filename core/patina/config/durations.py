"""Durations as people write them: "5m", "1h30m", 300; 0 is at once and -1 is never."""

import math
import re
from typing import Annotated, TypeAlias

from msgspec import Meta

from patina.errors import ConfigError

_UNIT_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "": 1.0}
_AMOUNT = r"[0-9]+(?:\.[0-9]+)?"
_PATTERN = rf"^(?:-1|{_AMOUNT}|(?:{_AMOUNT}(?:ms|s|m|h|d))+)\Z"
_EXPECTED = 'a duration: "5m", a number of seconds, 0 (at once) or -1 (never)'

Duration: TypeAlias = Annotated[
    Annotated[str, Meta(pattern=_PATTERN)] | Annotated[int, Meta(ge=-1)], Meta(description=_EXPECTED)
]


def seconds(value: str | float) -> float:
    """A duration in seconds; -1 is infinite. Raises `ConfigError`."""
    text = str(value)
    if not re.match(_PATTERN, text):
        raise ConfigError(f"{value!r} is no duration.", hint=f"Write {_EXPECTED}.")
    if text == "-1":
        return math.inf
    return sum(float(amount) * _UNIT_S[unit] for amount, unit in re.findall(rf"({_AMOUNT})(ms|s|m|h|d|)", text))
