"""Bytes and words: what is wrong with a request is told in words that help."""

import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patina import wire
from patina.codec import Form, decode, decode_request, encode, reply_type
from patina.errors import InvalidRequest
from patina.testing.samples import REPLIES, REQUESTS


@pytest.mark.parametrize("form", ["json", "msgpack"])
@pytest.mark.parametrize("request_", REQUESTS, ids=lambda request: type(request).__name__)
def test_every_request_and_reply_survives(request_: wire.AnyRequest, form: Form) -> None:
    assert decode_request(encode(request_, form), form) == request_
    reply = REPLIES[type(request_)]
    assert decode(encode(reply, form), reply_type(type(request_)), form) == reply


def test_a_request_names_its_reply() -> None:
    assert reply_type(wire.Scry) is wire.Hits
    with pytest.raises(TypeError, match="Unrelated"):
        reply_type(type("Unrelated", (), {}))


@pytest.mark.parametrize(
    ("body", "param", "hint"),
    [
        (b'{"op":"scry","mode":"semantc"}', "mode", "'semantic'.*hybrid, semantic, lexical, file"),
        (b'{"op":"scry","qery":""}', "qery", "'query'"),
        (b'{"op":"scri"}', "op", "'scry'.*verify"),
        (b"{}", "op", "scry"),
        (b'{"op":"embed","texts":["a"],"kind":"x"}', "kind", "query, passage"),
        (b'{"op":"scry","limit":0}', "limit", "from 1 to 1000"),
        (b'{"op":"scry","limit":"9"}', "limit", "from 1 to 1000"),
        (b'{"op":"scry","filter":{"langage":"x"}}', "filter.langage", "'language'.*path_prefix.*until"),
        (b'{"op":"scry","filter":{"since":-1}}', "filter.since", "from 0 to 1e"),
        (b'{"op":"index","repo":"a","documents":[{"text":"b","pth":"c"}]}', "documents[0].pth", "'path'"),
    ],
)
def test_a_refusal_says_what_would_be_right(body: bytes, param: str, hint: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        decode_request(body)
    assert caught.value.param == param
    assert re.search(hint, caught.value.hint)


def test_a_refusal_is_short_whatever_it_refuses() -> None:
    for body in ({"op": "x" * 1_000_000}, {"op": "scry", "y" * 1_000_000: 1}, {"op": "scry", "mode": "z" * 1_000_000}):
        with pytest.raises(InvalidRequest) as caught:
            decode_request(msgspec.json.encode(body))
        assert len(str(caught.value)) + len(caught.value.param or "") < 1000


def test_a_lone_surrogate_is_refused_before_it_leaves() -> None:
    for form in ("json", "msgpack"):
        with pytest.raises(InvalidRequest, match="UTF-8"):
            encode(wire.Scry(query="a\ud800"), form)


@given(st.binary(max_size=200), st.sampled_from(["json", "msgpack"]))
def test_any_bytes_are_a_request_or_refused(raw: bytes, form: Form) -> None:
    try:
        decode_request(raw, form)
    except InvalidRequest as error:
        assert error.message


@given(st.binary(max_size=60))
def test_any_bytes_in_a_text_are_a_request_or_refused(raw: bytes) -> None:
    try:
        decode(b'{"query":"' + raw + b'"}', wire.Scry)
    except InvalidRequest as error:
        assert error.message
