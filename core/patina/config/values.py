"""One value: turned into the type that its setting wants, or a sentence that says what was expected."""

import json
import os
import re
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec
from msgspec import inspect

from patina.errors import ConfigError
from patina.types import Secret

MASK = "***"
_MAX_SHOWN = 80
_SECRET_NAME = re.compile(r"(^|_)(key|token|secret|password|passphrase)$")


def decoded(value: object, kind: Any, *, text: bool = False) -> Any:
    """`value` as `kind`; with `text`, a string becomes a number, a list or a table where one is due.

    Raises `ValueError`, whose text says what is expected.
    """
    try:
        if text and isinstance(value, str):
            return msgspec.convert(_split(value, kind), kind, strict=False, dec_hook=_own_type)
        return msgspec.convert(value, kind, dec_hook=_own_type)
    except (msgspec.ValidationError, ValueError):
        raise ValueError(expected(kind)) from None


def taken(key: str, value: object, kind: Any, *, origin: str, text: bool = False) -> Any:
    """`decoded`, with a `ValueError` that is the whole sentence: which setting, from where, expected and found."""
    try:
        return decoded(value, kind, text=text)
    except ValueError as expectation:
        raise ValueError(f"{key} ({origin}): expected {expectation}, found {shown(key, value)}.") from None


def expected(kind: Any) -> str:
    """What a value of this type is, in words: "a whole number from 0 to 65535"."""
    return _in_words(inspect.type_info(kind))


def shown(key: str, value: object) -> str:
    """A value for a message: short, and masked if its name says that it is secret."""
    if isinstance(value, Secret) or (is_secret(key) and value):
        return MASK
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _MAX_SHOWN else text[:_MAX_SHOWN] + "…"


def is_secret(key: str) -> bool:
    return bool(_SECRET_NAME.search(key.rpartition(".")[2].lower()))


def suggestion(word: str, known: Iterable[str], alike: float = 0.6) -> str:
    """The end of a sentence: "Did you mean …?" with the nearest name that is at least so much alike, or nothing."""
    names = sorted(known)
    near = get_close_matches(word, names, n=1, cutoff=alike) or [name for name in names if name.endswith(f".{word}")]
    return f" Did you mean {near[0]}?" if near else ""


def failure(problems: list[str], param: str | None = None) -> ConfigError:
    """All problems as one error, a line each."""
    if len(problems) == 1:
        return ConfigError(problems[0], param=param)
    return ConfigError("\n".join([f"The configuration has {len(problems)} problems:", *problems]), param=param)


def _own_type(kind: type, value: Any) -> Any:
    """The types that msgspec does not know."""
    if kind is Path and isinstance(value, str | Path) and "\0" not in str(value):
        return Path(os.path.expanduser(value))  # noqa: PTH111  # pathlib's raises for a user who does not exist
    if kind is Secret and isinstance(value, str):
        return Secret(value)
    raise ValueError(f"expected {kind.__name__}")


def _split(text: str, kind: Any) -> object:
    """Text as the list or table that `kind` wants: "a, b" or "dense=1, lexical=0.5"."""
    shapes = {get_origin(part) or part for part in _alternatives(kind)}
    items = [item.strip() for item in text.split(",") if item.strip()]
    if str in shapes:
        return text
    if shapes & {list, tuple, set, frozenset}:
        return items
    if dict in shapes:
        return dict(_pair(item) for item in items)
    return text.strip()


def _pair(item: str) -> tuple[str, str]:
    name, separator, value = item.partition("=")
    if not separator:
        raise ValueError(item)
    return name.strip(), value.strip()


def _alternatives(kind: Any) -> list[Any]:
    """The types of a union, without annotations and None."""
    if get_origin(kind) is Annotated:
        return _alternatives(get_args(kind)[0])
    if get_origin(kind) in (Union, UnionType):
        return [part for arg in get_args(kind) if arg is not NoneType for part in _alternatives(arg)]
    return [kind]


def _in_words(kind: inspect.Type) -> str:
    words = "a value of the documented type"
    match kind:
        case inspect.Metadata(type=inner, extra_json_schema=schema):
            words = str((schema or {}).get("description") or _in_words(inner))
        case inspect.BoolType():
            words = "true or false"
        case inspect.IntType():
            words = "a whole number" + _span(kind)
        case inspect.FloatType():
            words = "a number" + _span(kind)
        case inspect.StrType():
            words = "text"
        case inspect.CustomType(cls=cls):
            words = "a path" if cls is Path else "text"
        case inspect.LiteralType(values=values):
            words = "one of " + ", ".join(map(str, values))
        case inspect.CollectionType(item_type=item, min_length=least):
            words = f"a list{' that is not empty' if least else ''}, each item {_in_words(item)}"
        case inspect.DictType(value_type=item):
            words = f"a table, each value {_in_words(item)}"
        case inspect.UnionType(types=types):
            words = " or ".join(_in_words(part) for part in types if not isinstance(part, inspect.NoneType))
    return words


def _span(kind: inspect.IntType | inspect.FloatType) -> str:
    if kind.ge is not None and kind.le is not None:
        return f" from {_number(kind.ge)} to {_number(kind.le)}"
    if kind.ge is not None:
        return f" of at least {_number(kind.ge)}"
    return f" over {_number(kind.gt)}" if kind.gt is not None else ""


def _number(bound: float) -> str:
    """Whole numbers with all of their digits."""
    return str(int(bound)) if bound == int(bound) else f"{bound:g}"
