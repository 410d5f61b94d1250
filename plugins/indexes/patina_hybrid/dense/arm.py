"""The dense arm: nearest vectors by cosine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from patina.errors import Mismatch, PluginError
from patina_hybrid.arm import faults, ranked
from patina_hybrid.dense.folder import DenseFolder
from patina_hybrid.dense.graph import check_hnswlib
from patina_hybrid.dense.inspection import UNIT_TOLERANCE, inspect
from patina_hybrid.dense.part import least_of_best
from patina_hybrid.dense.segment import Segment
from patina_hybrid.dense.shelf import Shelf

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from patina.types import Candidate, Change, Fault, Query, Seq, Stamp, Vector
    from patina_hybrid.dense.part import View
    from patina_hybrid.settings import HybridSettings


class DenseArm:
    """Holds the vectors of one model; before a model has been seen it follows the log and stays empty."""

    name = "dense"

    def __init__(self, settings: HybridSettings) -> None:
        check_hnswlib()
        self._settings = settings
        self._dimension = 0
        self._collection = ""
        self._folder: DenseFolder | None = None
        self._shelf = Shelf(0, settings, self.name)
        self._saved: tuple[Seq, tuple[View, ...]] | None = None
        self.seq: Seq = 0

    def open(self, folder: Path | None, stamp: Stamp) -> Seq:
        self.close()
        self._dimension = stamp.dimension if stamp.identity else 0
        self._collection = stamp.collection
        self._folder = DenseFolder(folder, stamp) if folder else None
        self._saved = None
        self.seq, parts = self._folder.load() if self._folder else (0, [])
        self._shelf = Shelf(self._dimension, self._settings, f"patina-dense-{self._collection}", parts)
        return self.seq

    def apply(self, changes: Sequence[Change]) -> None:
        vectors = [self._unit(change) for change in changes]
        self._shelf.take(
            (change.id, vector)
            for change, vector in zip(changes, vectors, strict=True)
            if vector is not None or change.op != "vector"  # also a put without one: the old was of another text
        )
        if changes:
            self.seq = changes[-1].seq

    def rank(self, query: Query) -> list[Candidate] | None:
        views = [view for view in self._shelf.views if view.alive]
        if query.vector is None or not views:
            return None
        if query.vector.shape != (self._dimension,):
            raise Mismatch(
                f"The question's vector has the shape {query.vector.shape}, the index of {self._collection} holds"
                f" {self._dimension} dimensions.",
                hint=f"Run `patina rebuild --repo {self._collection}` to embed it with the model that is asked.",
            )
        found = [view.part.search(view, query.vector, query.window, query.only) for view in views]
        least = least_of_best(np.concatenate([one.scores for one in found]), query.window)
        return ranked([hit for one in found for hit in one.reaching(least)], query.window)

    def checkpoint(self) -> Seq:
        state = (self.seq, self._shelf.views)
        if self._folder and self._saved != state:
            self._folder.save(*state)
            self._saved = state
        return self.seq

    def verify(self, full: bool) -> list[Fault]:
        sentences = self._folder.faults() if self._folder else []
        if full:
            sentences += inspect(self._shelf.views)
        return faults(self.name, self._collection, sentences)

    def ids(self) -> frozenset[str]:
        return frozenset(id_ for view in self._shelf.views for id_ in view.ids())

    def stats(self) -> dict[str, int]:
        views = self._shelf.views
        alive = sum(view.alive for view in views)
        return {
            "dense_vectors": alive,
            "dense_dead": sum(len(view.live) for view in views) - alive,
            "dense_segments": sum(isinstance(view.part, Segment) for view in views),
            "dense_bytes": self._folder.size() if self._folder else 0,
        }

    def drop(self) -> None:
        self.close()
        if self._folder:
            self._folder.clear()
        self._shelf = Shelf(self._dimension, self._settings, f"patina-dense-{self._collection}")
        self.seq, self._saved = 0, None

    def close(self) -> None:
        self._shelf.close()

    def settle(self) -> None:
        """Wait until the background thread has built and merged all it can."""
        self._shelf.settle()

    def _unit(self, change: Change) -> Vector | None:
        """The change's vector, of length one; None when there is none or no model has been seen."""
        if change.vector is None or not self._dimension or change.op == "delete":
            return None
        vector = np.asarray(change.vector, np.float32)
        length = float(np.linalg.norm(vector))
        if vector.shape != (self._dimension,) or not 0 < length < np.inf:
            raise PluginError(
                f"The vector of chunk {change.id} has the shape {vector.shape} and the length {length}; the index of"
                f" {self._collection} takes {self._dimension} finite numbers.",
                hint="Report this to the embedder's author: what it gives is not what it promises.",
            )
        return vector if abs(length - 1.0) < UNIT_TOLERANCE else vector / length
