"""Whatever goes wrong, as HTTP says it: one shape on every route, OpenAI's.

``{"error": {"message", "hint", "type", "code", "param", "request_id"}}``, where the message ends with the hint: many
clients show nothing else.
"""

from __future__ import annotations

import logging
import math
import re
from http import HTTPStatus

import msgspec
from litestar.exceptions import HTTPException, MethodNotAllowedException, NotFoundException
from msgspec.structs import force_setattr

from patina.errors import PatinaError, Unavailable

log = logging.getLogger(__name__)

INVALID = "invalid_request_error"
SERVER = "server_error"

RETRY = frozenset({408, 429, 503})
"""What may go better the next time; OpenAI's clients would also send again what failed for good."""
_HEADERS = {
    401: {"www-authenticate": "Bearer"},
    503: {"retry-after": "1"},
}


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """An error on its way to a client over HTTP."""

    status: int
    code: str
    message: str
    hint: str = ""
    type: str = INVALID
    param: str | None = None
    headers: dict[str, str] = {}

    def __post_init__(self) -> None:
        again = "true" if self.status in RETRY else "false"
        force_setattr(self, "headers", {"x-should-retry": again, **self.headers})

    def body(self, request_id: str) -> bytes:
        return msgspec.json.encode({"error": self.shape(request_id)})

    def plain(self) -> bytes:
        """As Ollama and TEI say it: ``{"error": "…"}``."""
        return msgspec.json.encode({"error": self.sentence, "error_type": self.code})

    @property
    def sentence(self) -> str:
        return f"{self.message} {self.hint}".strip()

    def shape(self, request_id: str) -> dict[str, str | None]:
        return {
            "message": self.sentence,
            "hint": self.hint,
            "type": self.type,
            "code": self.code,
            "param": self.param,
            "request_id": request_id,
        }


class Rejected(Exception):
    """A request that HTTP itself forbids, before anybody asked what it wants."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


def rejected(status: int, code: str, message: str, hint: str = "") -> Rejected:
    return Rejected(Problem(status=status, code=code, message=message, hint=hint))


def problem_of(error: Exception, request_id: str) -> Problem:
    """The one mapping. What nobody raised on purpose is logged, and told without its details."""
    match error:
        case Rejected():
            return error.problem
        case PatinaError():
            return _told(error)
        case NotFoundException():
            return Problem(status=404, code="route_not_found", message="There is no such route.", hint=ROUTES)
        case MethodNotAllowedException():
            return Problem(
                status=405,
                code="method_not_allowed",
                message="This route does not take this method.",
                headers=dict(error.headers or {}),
            )
        case HTTPException() if error.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
            # What the framework blames on the client.
            return Problem(status=error.status_code, code="bad_request", message=error.detail)
    log.error("request_id=%s failed", request_id, exc_info=error)
    return Problem(
        status=500,
        code="failed",
        type=SERVER,
        message="Something went wrong inside Patina.",
        hint="The daemon's log has the details under this request id.",
    )


_PLACE = re.compile(r"""(?<![\w./:])/(?:[^\s/'",:;]+/)+(?=[^\s/'",:;])""")
"""The folders of a file's path."""


STOPPING = Unavailable("The daemon is stopping.", hint="Ask again when it runs.")
ROUTES = "See /health, /ready, /api/scry, /api/index, /api/embed, /api/embed/batch, /v1/models and /v1/embeddings."


def _headers(error: PatinaError, status: int) -> dict[str, str]:
    headers = _HEADERS.get(status, {})
    if error.retry_after_s is None:
        return headers
    wait_s = max(1, math.ceil(error.retry_after_s))
    return headers | {"retry-after": str(wait_s), "retry-after-ms": str(1000 * wait_s)}


def _told(error: PatinaError) -> Problem:
    """Where things lie on the daemon's machine is not told: of a path in a fault of its own only the name."""
    status, _, kind = error.outcome
    told = (error.message, error.hint)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        told = (_PLACE.sub("…/", error.message), _PLACE.sub("…/", error.hint))
    message, hint = told
    return Problem(
        status=status,
        code=error.code,
        message=message,
        hint=hint,
        type=kind,
        param=error.param,
        headers=_headers(error, status),
    )
