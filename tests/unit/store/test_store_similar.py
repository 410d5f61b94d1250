"""A document is found by a fingerprint that differs in few bits from its own, for as long as it is there."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from msgspec import structs

from patina.store import Entry, Store, Write

Draft = Callable[..., Entry]
FINGERPRINT = 0xFEDC_BA98_7654_3210


def put(store: Store, one: Entry, simhash: int | None) -> None:
    store.write(Write(collection="papers", puts=[structs.replace(one, simhash=simhash)])).result()


def flipped(value: int, bits: int, chance: random.Random) -> int:
    for bit in chance.sample(range(64), bits):
        value ^= 1 << bit
    return value


@pytest.mark.parametrize("seed", range(20))
def test_all_that_differ_in_so_many_bits_are_found(store: Store, draft: Draft, seed: int) -> None:
    chance = random.Random(seed)
    for bits in range(6):
        one = draft(f"{bits}.md", "text")
        one = structs.replace(one, document=structs.replace(one.document, modified_ns=bits))
        put(store, one, flipped(FINGERPRINT, bits, chance))
    assert store.similar("papers", FINGERPRINT, 3) == {"0.md": 0, "1.md": 1, "2.md": 2, "3.md": 3}
    assert store.similar("papers", FINGERPRINT, 0) == {"0.md": 0}
    assert store.similar("other", FINGERPRINT, 3) == {}


def test_a_fingerprint_goes_with_its_document_or_its_text(store: Store, draft: Draft) -> None:
    for path in ("a.md", "b.md", "c.md"):
        put(store, draft(path, "text"), FINGERPRINT)
    store.write(Write(collection="papers", deletes=["a.md"])).result()
    put(store, draft("b.md", "new text"), None)
    put(store, draft("c.md", "new text"), ~FINGERPRINT & (2**64 - 1))
    assert store.similar("papers", FINGERPRINT, 3) == {}
    assert store.similar("papers", ~FINGERPRINT & (2**64 - 1), 3).keys() == {"c.md"}
