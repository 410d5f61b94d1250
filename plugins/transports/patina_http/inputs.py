"""What the other interfaces put their texts in: one or many, as they are or as token ids."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeAlias

from patina import wire
from patina.errors import InvalidRequest
from patina.types import Kind
from patina_http import cl100k
from patina_http.answer import Asked, reply_to
from patina_http.settings import HttpSettings

TokenIds: TypeAlias = list[int]

SEND_SOMETHING = "Send a text of at least one character, or a list of them."
SEND_TEXT = "Send the text itself (in LangChain: check_embedding_ctx_length=False)."
MAX_TOKEN_ID = 2**31 - 1
KINDS: tuple[Kind, ...] = ("query", "passage")


class Named(NamedTuple):
    """What a model's name says: which model (None is the default), and perhaps as what it shall take the texts."""

    model: str | None
    kind: Kind | None


def named(name: str | None) -> Named:
    """``small:passage`` is the model ``small``, for passages."""
    for kind in KINDS:
        if name and name.endswith(f":{kind}"):
            return Named(name.removesuffix(f":{kind}"), kind)
    return Named(name, None)


async def texts_of(asked: Asked, given: Any, field: str, model: str | None) -> list[str]:
    """The texts of an ``input``, token ids put back into words as `token_ids` says.

    Raises `InvalidRequest`, which names `field` or the item of it that is wrong.
    """
    single = is_single(given)
    items = [given] if single else given
    _check_number(items, field)
    with blaming(field, single=single):
        if all(isinstance(item, list) for item in items):
            return await _words(asked, items, model)
        for position, item in enumerate(items):
            if not isinstance(item, str) or not item:
                raise _wrong(position, "is empty or not a text", SEND_SOMETHING)
    return list(items)


def is_single(given: Any) -> bool:
    """Whether it is one text, or the token ids of one."""
    return isinstance(given, str) or (isinstance(given, list) and bool(given) and isinstance(given[0], int))


def _check_number(items: Any, field: str) -> None:
    if items == []:
        raise InvalidRequest(f"{field} is an empty list.", hint=SEND_SOMETHING, param=field)
    if not isinstance(items, list):
        raise InvalidRequest(f"{field} is neither a text nor a list of texts.", hint=SEND_SOMETHING, param=field)
    if len(items) > wire.MAX_EMBED_TEXTS:
        raise InvalidRequest(
            f"{field} holds {len(items)} texts; one request may hold {wire.MAX_EMBED_TEXTS}.",
            hint="Send them in parts.",
            param=field,
        )


async def _words(asked: Asked, lists: list[list[Any]], model: str | None) -> list[str]:
    settings: HttpSettings = asked.app.state.settings
    match settings.token_ids:
        case "cl100k":
            return await asyncio.to_thread(from_cl100k, lists)
        case "model":
            ids = await asyncio.to_thread(_checked, lists)
            return (await reply_to(asked, wire.Detokenize(ids=ids, model=model))).texts
        case "reject":
            raise _wrong(0, "holds token ids, which are not taken here", SEND_TEXT)


def from_cl100k(lists: list[list[Any]]) -> list[str]:
    """A text for each list of ids. A thread's work: a full request holds millions of them."""
    words = cl100k.vocabulary()
    texts = []
    for position, ids in enumerate(_checked(lists)):
        try:
            texts.append(words.text(ids))
        except KeyError as unknown:
            wrong = f"holds {unknown.args[0]}, which is no token of cl100k_base"
            raise _wrong(position, wrong, SEND_TEXT) from None
    return texts


def _checked(lists: list[list[Any]]) -> list[TokenIds]:
    for position, ids in enumerate(lists):
        if not ids or not all(type(number) is int and 0 <= number <= MAX_TOKEN_ID for number in ids):
            raise _wrong(position, "is empty or holds more than token ids", SEND_TEXT)
    return lists


def _wrong(position: int, what: str, hint: str) -> InvalidRequest:
    return InvalidRequest(f"Input {position} {what}.", hint=hint, param=f"ids[{position}]")


@contextmanager
def blaming(field: str, *, single: bool) -> Iterator[None]:
    """A complaint about ``texts[3]`` or ``ids[3]`` names the field that the client knows."""
    try:
        yield
    except InvalidRequest as error:
        if error.param is not None:
            error.param = re.sub(r"^(?:texts|ids)(\[\d+\])?", field if single else rf"{field}\1", error.param)
        raise
