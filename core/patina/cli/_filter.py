"""The options that narrow a search, and the filter that comes of them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from cyclopts import Parameter

from patina.errors import InvalidRequest
from patina.wire import Filter

MAX_TIME_S = 1e11
_NUMBER = re.compile(r"\d+(\.\d+)?")
_DATE_WITHOUT_DASHES = re.compile(r"(19|20)\d\d(\d{4})?")
_TIMES = "Give a date (2026-01-31), a local time (2026-01-31T14:30), or Unix seconds."


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class FilterOptions:
    path_prefix: Annotated[str | None, Parameter(help="Only documents whose path in the collection begins so.")] = None
    language: Annotated[str | None, Parameter(help="Only documents in this language: python, markdown.")] = None
    where: Annotated[tuple[str, ...], Parameter(help="KEY=VALUE: only documents with this metadata; repeatable.")] = ()
    since: Annotated[str | None, Parameter(help="Only documents modified at this date or time, or later.")] = None
    until: Annotated[str | None, Parameter(help="Only documents modified before this date or time.")] = None
    id: Annotated[tuple[str, ...], Parameter(help="Only this passage; repeatable.")] = ()

    def filter(self) -> Filter | None:
        """None when nothing is asked for. Raises `InvalidRequest` naming the option that is wrong."""
        wanted = Filter(
            path_prefix=self.path_prefix,
            language=self.language,
            ids=list(self.id) or None,
            metadata=_metadata(self.where),
            since=_unix_time("--since", self.since),
            until=_unix_time("--until", self.until),
        )
        if wanted.since is not None and wanted.until is not None and wanted.since >= wanted.until:
            raise InvalidRequest(f"--since {self.since} is not before --until {self.until}.", param="--since")
        return wanted if wanted != Filter() else None


NO_FILTER = FilterOptions()


def _metadata(pairs: Iterable[str]) -> dict[str, str | list[str]]:
    """A key that is given several times may have any of its values."""
    values: dict[str, list[str]] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise InvalidRequest(f"--where {pair}: it takes KEY=VALUE.", hint="For example --where author=Ada.")
        values.setdefault(key, []).append(value)
    return {key: given[0] if len(given) == 1 else given for key, given in values.items()}


def _unix_time(option: str, text: str | None) -> float | None:
    """A number is Unix seconds, unless it is a year or a date without dashes; a date is its first moment."""
    if text is None:
        return None
    try:
        if not _NUMBER.fullmatch(text):
            seconds = datetime.fromisoformat(text).timestamp()  # without a zone of its own it is local time
        elif not _DATE_WITHOUT_DASHES.fullmatch(text):
            seconds = float(text)
        else:
            raise ValueError(text)
    except (ValueError, OverflowError, OSError):
        raise InvalidRequest(f"{option} {text} is no date or time.", hint=_TIMES, param=option) from None
    if not 0 <= seconds <= MAX_TIME_S:
        raise InvalidRequest(f"{option} {text} is not between 1970 and 5138.", hint=_TIMES, param=option)
    return seconds
