"""Errors on their way to a client, and requests that break their limits."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from patina.errors import InvalidRequest, PatinaError, by_code
from patina.wire.hint import hint, place_of
from patina.wire.message import AnyRequestT


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """A `PatinaError` on its way to a client."""

    code: str
    message: str
    hint: str = ""
    param: str | None = None

    @classmethod
    def of(cls, error: PatinaError) -> Failure:
        return cls(code=error.code, message=error.message, hint=error.hint, param=error.param)

    def error(self) -> PatinaError:
        """The same error again, on the client's side."""
        return by_code(self.code)(self.message, hint=self.hint, param=self.param)


_IN_WORDS = {
    "`int`": "a whole number",
    "`float`": "a number",
    "`str`": "a text",
    "`bool`": "true or false",
    "`array`": "a list",
    "`object`": "an object",
}
"""What msgspec calls the types, for somebody who may not write Python."""


def invalid(error: msgspec.ValidationError, into: Any = None) -> InvalidRequest:
    """msgspec's complaint as ours, with the field to blame and, given the type, what would be right there."""
    text = str(error)
    param = place_of(text)
    sentence = re.sub("`[a-z]+`", lambda word: _IN_WORDS.get(word[0], word[0]), text.split(" - at `", maxsplit=1)[0])
    message = f"{param}: {sentence}." if param else f"{sentence}."
    return InvalidRequest(message, hint=hint(text, into) if into else "", param=param)


def checked(request: AnyRequestT) -> AnyRequestT:
    """The request again, held to its written limits as if it had come over a transport.

    Raises `InvalidRequest`: a Struct that was built in Python has not been checked by anybody.
    """
    try:
        again: AnyRequestT = msgspec.convert(msgspec.to_builtins(request, builtin_types=(bytes,)), type(request))
    except msgspec.ValidationError as error:
        raise invalid(error, type(request)) from None
    return again
