"""Why an answer may be less than it could be, in a sentence."""

from __future__ import annotations

from collections.abc import Sequence

from patina.errors import PatinaError
from patina.shelf import Shelved
from patina.store import Store
from patina.types import Mode


def sentence(
    mode: Mode, collections: Sequence[Shelved], store: Store, failure: PatinaError | None = None
) -> str | None:
    """None when the answer is whole: everything embedded, every index caught up, or only words were asked for.

    failure: of a model that was asked for the question's vector.
    """
    reasons = [_replaying(collections)]
    if mode != "lexical":
        reasons += [_no_model(collections, failure), _half_embedded(collections, store)]
    return " ".join(reason for reason in reasons if reason) or None


def _no_model(collections: Sequence[Shelved], failure: PatinaError | None) -> str | None:
    missing = next((one.missing_model for one in collections if one.missing_model is not None), failure)
    return f"Found by words alone: {missing}" if missing is not None else None


def _half_embedded(collections: Sequence[Shelved], store: Store) -> str | None:
    counts = [store.counts(one.name) for one in collections if one.info is not None]
    chunks, embedded = sum(c.chunks for c in counts), sum(c.embedded for c in counts)
    if embedded >= chunks:
        return None
    share = int(100 * embedded / chunks)
    return f"{share} % of {chunks} chunks are embedded; the rest is found by words alone until they are."


def _replaying(collections: Sequence[Shelved]) -> str | None:
    behind = [one.name for one in collections if one.replaying]
    return f"The index of {', '.join(behind)} is still being derived from the store." if behind else None
