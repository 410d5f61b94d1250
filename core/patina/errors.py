"""Every error that Patina raises on purpose.

    PatinaError
    ├── ConfigError        a setting, flag or file is wrong
    ├── InvalidRequest     a request field is wrong: `param` names it
    │   └── TooLarge       …or larger than its written limit
    ├── NotFound           a name that does not exist
    │   ├── ModelNotFound
    │   └── JobNotFound
    ├── PluginError        a plugin failed to load, build or keep its promise
    ├── Busy               a queue is full; try again
    │   └── RateLimited    …for this caller, who asks too often
    ├── Locked             another process holds the home
    ├── Unavailable        nothing is running, or it cannot be reached
    ├── TimedOut           a deadline passed
    ├── Denied             the caller has not shown who it is
    │   └── InsufficientScope  …or its key does not allow this
    ├── Refused            refused for safety
    ├── Mismatch           the index was made by another model
    ├── Corrupt            stored data is damaged, or newer than this version
    ├── StorageFull        the disk is full: nothing is written, what is there can be read
    ├── StorageFailed      the disk is read-only or fails: likewise
    ├── Unsupported        the plugin in use cannot do this
    └── Failed             anything else that went wrong while working

Each carries a stable `code`, one sentence, and a `hint`: the next step. Bugs raise the builtin errors instead.
"""

from __future__ import annotations

from typing import ClassVar, NamedTuple


class Outcome(NamedTuple):
    """How an error leaves the house."""

    http_status: int
    exit_code: int
    type: str
    """The `type` of OpenAI's error shape."""


class PatinaError(Exception):
    """The root. `message` is one sentence; `hint` the next step; `param` the field or setting to blame.

    `retry_after_s`: when it may go better, where that is known.
    """

    code: ClassVar[str] = "error"

    def __init__(
        self, message: str, *, hint: str = "", param: str | None = None, retry_after_s: float | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.param = param
        self.retry_after_s = retry_after_s

    @property
    def outcome(self) -> Outcome:
        return OUTCOMES[self.code]

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class ConfigError(PatinaError):
    code = "config_invalid"


class InvalidRequest(PatinaError):
    code = "invalid_request"


class TooLarge(InvalidRequest):
    code = "too_large"


class NotFound(PatinaError):
    code = "not_found"


class ModelNotFound(NotFound):
    code = "model_not_found"


class JobNotFound(NotFound):
    code = "job_not_found"


class PluginError(PatinaError):
    code = "plugin_failed"


class Busy(PatinaError):
    code = "busy"


class RateLimited(Busy):
    code = "rate_limited"


class Locked(PatinaError):
    code = "locked"


class Unavailable(PatinaError):
    code = "unavailable"


class TimedOut(PatinaError):
    code = "timed_out"


class Denied(PatinaError):
    code = "denied"


class InsufficientScope(Denied):
    code = "insufficient_scope"


class Refused(PatinaError):
    code = "refused"


class Mismatch(PatinaError):
    code = "model_mismatch"


class Corrupt(PatinaError):
    code = "corrupt"


class StorageFull(PatinaError):
    code = "storage_full"


class StorageFailed(PatinaError):
    code = "storage_failed"


class Unsupported(PatinaError):
    code = "unsupported"


class Failed(PatinaError):
    code = "failed"


# The one table. Exit codes: docs/reference/exit-codes.md.
OUTCOMES: dict[str, Outcome] = {
    "config_invalid": Outcome(500, 2, "server_error"),
    "invalid_request": Outcome(400, 2, "invalid_request_error"),
    "too_large": Outcome(413, 2, "invalid_request_error"),
    "not_found": Outcome(404, 2, "invalid_request_error"),
    "model_not_found": Outcome(404, 2, "invalid_request_error"),
    "job_not_found": Outcome(404, 2, "invalid_request_error"),
    "plugin_failed": Outcome(500, 1, "server_error"),
    "busy": Outcome(503, 1, "server_error"),
    "rate_limited": Outcome(429, 1, "rate_limit_error"),
    "locked": Outcome(409, 4, "server_error"),
    "unavailable": Outcome(503, 3, "server_error"),
    "timed_out": Outcome(504, 1, "server_error"),
    "denied": Outcome(401, 1, "authentication_error"),
    "insufficient_scope": Outcome(403, 1, "permission_error"),
    "refused": Outcome(403, 6, "permission_error"),
    "model_mismatch": Outcome(409, 1, "invalid_request_error"),
    "corrupt": Outcome(500, 1, "server_error"),
    "storage_full": Outcome(507, 1, "server_error"),
    "storage_failed": Outcome(503, 1, "server_error"),
    "unsupported": Outcome(501, 2, "invalid_request_error"),
    "failed": Outcome(500, 1, "server_error"),
    "error": Outcome(500, 1, "server_error"),
}


def by_code(code: str) -> type[PatinaError]:
    """The class that a code from the wire stands for; an unknown code (a newer daemon) is a `Failed`."""
    classes = [PatinaError]
    while classes:
        cls = classes.pop()
        if cls.code == code:
            return cls
        classes += cls.__subclasses__()
    return Failed
