"""The vocabulary that is shipped, held against the published one, which LiteLLM brings along."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

import pytest

from patina_http import cl100k

from .conftest import CLIENTS

PUBLISHED = "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7"


@pytest.mark.clients
@pytest.mark.usefixtures("python")
def test_every_piece_is_the_published_one() -> None:
    folder = next(CLIENTS.glob("lib/python*/site-packages/litellm/litellm_core_utils/tokenizers"))
    [found] = [data for data in map(Path.read_bytes, folder.glob("9b5ad71b*")) if is_published(data)]
    pieces = [base64.b64decode(line.split()[0]) for line in found.splitlines()]
    assert len(pieces) == cl100k.PIECES
    ours = cl100k.vocabulary()
    wrong = [number for number, piece in enumerate(pieces) if ours.text([number]) != piece.decode(errors="replace")]
    assert not wrong


def is_published(data: bytes) -> bool:
    return hashlib.sha256(data).hexdigest() == PUBLISHED
