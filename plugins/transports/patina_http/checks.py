"""What a request's head must be like before anything reads its body. Pure: each check passes or raises.

Who asks is looked at in between: first whether the request may be meant for us at all, then its key (`admission`), then
whether its body may be read.

A daemon on the loopback address is within reach of every web page that its user opens. Three checks keep pages out:
the Host must be a name of this machine (a page's own domain may resolve to 127.0.0.1), the Origin must be our own, and
a body must be declared as JSON, which a page cannot do without asking first.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from patina.errors import TooLarge
from patina_http.errors import rejected

MAX_HEAD_BYTES = 32_768
MAX_HEADERS = 200
_LENGTH = re.compile(r"[0-9]{1,18}")
_SEPARATORS = 4  # ": " and a line's end

Headers = Iterable[tuple[bytes, bytes]]
Head = Mapping[str, Sequence[str]]
"""A request's headers: by lower-case name the values, in order."""


class Policy(NamedTuple):
    """What a door lets in."""

    hosts: frozenset[str]
    """Lower-case, without a port."""
    max_body_bytes: int


def head_of(headers: Headers) -> Head:
    """Raises `Rejected` for a head that is too large."""
    by_name: dict[str, list[str]] = {}
    size = count = 0
    for name, value in headers:
        size += len(name) + len(value) + _SEPARATORS
        count += 1
        by_name.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1").strip())
    if size > MAX_HEAD_BYTES or count > MAX_HEADERS:
        raise rejected(431, "head_too_large", f"A head has at most {MAX_HEAD_BYTES} bytes and {MAX_HEADERS} headers.")
    return by_name


def check_sender(head: Head, policy: Policy) -> None:
    """Whether it is meant for this daemon, and comes from no web page. Raises `Rejected`."""
    _check_host(head, policy)
    _check_origin(head)


def body_length(head: Head) -> int | None:
    """Of the body, in bytes; None when it comes in chunks of its own. Raises `Rejected` if that is ambiguous."""
    lengths = head.get("content-length", [])
    chunked = "transfer-encoding" in head
    if len(lengths) + chunked > 1 or not all(_LENGTH.fullmatch(length) for length in lengths):
        raise rejected(400, "ambiguous_length", "The length of the body is given twice or is no number.")
    if chunked:
        return None
    return int(lengths[0]) if lengths else 0


def check_body(head: Head, length: int | None, policy: Policy) -> None:
    """Whether a body of this length, which is not 0, may be read. Raises `Rejected` or `TooLarge`."""
    _check_type(head)
    if length is not None and length > policy.max_body_bytes:
        raise too_large(policy)


def too_large(policy: Policy) -> TooLarge:
    return TooLarge(
        f"The body is larger than {policy.max_body_bytes} bytes.",
        hint="Send it in parts, or raise max_body_bytes in [transports.http].",
    )


def host_name(host: str) -> str:
    """``LOCALHOST:99`` is ``localhost``, ``[::1]:80`` is ``[::1]``."""
    name, bracket, _ = host.lower().partition("]")
    return name + bracket if bracket else name.partition(":")[0]


def _check_host(head: Head, policy: Policy) -> None:
    hosts = head.get("host", [])
    if len(hosts) != 1 or host_name(hosts[0]) not in policy.hosts:
        raise rejected(
            421,
            "host_not_allowed",
            "The Host header does not name this daemon.",
            "Add the name to allow_hosts in [transports.http] if it is yours.",
        )


def _check_origin(head: Head) -> None:
    (host,) = head["host"]
    ours = {f"http://{host}".lower(), f"https://{host}".lower()}
    if any(origin.lower() not in ours for origin in head.get("origin", [])):
        raise rejected(403, "origin_not_allowed", "A web page from elsewhere may not send requests to this daemon.")


def _check_type(head: Head) -> None:
    if any(coding.lower() != "identity" for coding in head.get("content-encoding", [])):
        raise rejected(415, "unsupported_encoding", "Compressed bodies are not taken.", "Send the body as it is.")
    kinds = [kind.lower().replace(" ", "") for kind in head.get("content-type", [])]
    if kinds not in (["application/json"], ["application/json;charset=utf-8"]):
        raise rejected(
            415, "unsupported_media_type", "A body must be JSON.", "Send the header Content-Type: application/json."
        )
