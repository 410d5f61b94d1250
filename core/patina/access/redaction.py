"""Secrets kept out of logs and of what a command says: those that are known, and whatever has the look of one."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping

MASK = "***"
MIN_SECRET_CHARS = 8
"""Masking what is shorter would hide words that everybody uses."""

_TELLING_NAME = re.compile(r"(?:^|_)(?:KEY|TOKEN|SECRET|PASSWORD|PASSPHRASE|CREDENTIALS?)$")
_KEY = re.compile(r"pat_([0-9a-f]{8})_[0-9a-f]+")
_HEADER = re.compile(r"""(?i)\b(authorization|x-api-key|cookie|set-cookie)(['"]?\s*[:=,]\s*b?['"]?)[^'"\r\n]+""")
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{6,}")
_PARAMETER = re.compile(r"(?i)([?&](?:token|key|api_key|apikey|access_token|secret|password)=)[^&\s'\"]+")


class Redaction:
    """Masks the secrets that it is told, and all that looks like a key, a credential's header or parameter."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = sorted({secret for secret in secrets if len(secret) >= MIN_SECRET_CHARS}, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, known))) if known else None

    def __call__(self, text: str) -> str:
        if self._known is not None:
            text = self._known.sub(MASK, text)
        text = _KEY.sub(rf"pat_\1_{MASK}", text)
        text = _HEADER.sub(rf"\1\2{MASK}", text)
        text = _BEARER.sub(rf"\1 {MASK}", text)
        return _PARAMETER.sub(rf"\1{MASK}", text)


class RedactedFormatter(logging.Formatter):
    """Masks a whole record, the traceback included."""

    def __init__(self, pattern: str, redaction: Redaction) -> None:
        super().__init__(pattern)
        self._redaction = redaction

    def format(self, record: logging.LogRecord) -> str:
        return self._redaction(super().format(record))


def secrets_in(environment: Mapping[str, str]) -> list[str]:
    """The values of variables whose names say that they are secret."""
    return [value for name, value in environment.items() if _TELLING_NAME.search(name.upper())]
