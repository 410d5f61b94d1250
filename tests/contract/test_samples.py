"""What the transport contracts send is all that there is to send."""

from __future__ import annotations

import typing

import msgspec

from patina import wire
from patina.testing.samples import EVENTS, REPLIES, REQUESTS

ALL = set(typing.get_args(wire.AnyRequest))


def test_there_is_a_sample_of_every_request_and_reply() -> None:
    assert {type(request) for request in REQUESTS} == ALL == set(REPLIES)


def test_no_field_of_a_sample_is_left_at_its_default() -> None:
    """A field that a transport forgets would go unnoticed otherwise."""
    structs = [*REQUESTS, *REPLIES.values(), *[event for events in EVENTS.values() for event in events]]
    same = [
        f"{type(struct).__name__}.{field.name}"
        for struct in structs
        for field in msgspec.structs.fields(struct)
        if field.default is not msgspec.NODEFAULT and getattr(struct, field.name) == field.default
    ]
    assert same == []


def test_samples_are_within_the_limits_of_the_wire() -> None:
    for request in REQUESTS:
        assert wire.checked(request) == request


def test_requests_whose_reply_is_an_event_are_streamed() -> None:
    assert set(EVENTS) == {request for request, reply in REPLIES.items() if isinstance(reply, wire.Event)}
    told = {type(event) for events in EVENTS.values() for event in events} | {type(REPLIES[kind]) for kind in EVENTS}
    assert told == set(typing.get_args(wire.AnyEvent))
