"""The collections that are open: each with its record in the store, its settings, its index and its model."""

from __future__ import annotations

import difflib
import logging
import re
import shutil
import threading
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path

import msgspec

from patina.config import Config, PipelineSettings
from patina.errors import InvalidRequest, Mismatch, NotFound, PatinaError
from patina.models import Model, ModelPool
from patina.protocols import Index
from patina.registry import Registry
from patina.store import Collection, Store
from patina.types import ModelInfo, Seq, Stamp

log = logging.getLogger(__name__)

NAME = re.compile(r"[^\W_][\w .@+/-]{0,199}")


class Shelved:
    """One open collection."""

    def __init__(self, record: Collection, settings: PipelineSettings, index: Index, model: Model) -> None:
        self.record = record
        self.settings = settings
        self.index = index
        self.model = model
        self.info: ModelInfo | None = None
        self.missing_model: PatinaError | None = None
        """Why there is no model, if there is none."""
        self.applied: Seq = 0
        """The last change that the index has taken in."""
        self.replaying = True
        """Until the index has caught up with the log for the first time since it was opened."""

    @property
    def name(self) -> str:
        return self.record.name

    @property
    def mismatch(self) -> Mismatch | None:
        """The refusal, if the vectors are another model's than the one configured now."""
        if self.info is None or self.record.identity in {"", self.info.identity}:
            return None
        return Mismatch(
            f"Collection {self.name!r} was indexed with {self.record.model} ({self.record.identity[:12]}), "
            f"and the configured model is {self.info.name} ({self.info.identity[:12]}).",
            hint=f"Run `patina rebuild --repo {self.name}` to embed it again, or configure the old model.",
            param="embedder",
        )


class Shelf:
    """Opens collections and finds them by name. Methods that open or create read files: call them off the loop."""

    def __init__(self, config: Config, registry: Registry, store: Store, pool: ModelPool) -> None:
        self._config = config
        self._registry = registry
        self._store = store
        self._pool = pool
        self._open: dict[str, Shelved] = {}
        self._changing = threading.Lock()
        """Held by whoever makes or forgets a collection: one of the same name may come while another goes."""

    @property
    def all(self) -> list[Shelved]:
        return [shelved for _, shelved in sorted(self._open.items())]

    def open_all(self) -> None:
        for record in self._store.collections():
            self._open_one(record)
        self._remove_strangers()

    def find(self, name: str) -> Shelved | None:
        return self._open.get(name)

    def choose(self, names: Sequence[str]) -> list[Shelved]:
        """The named collections; all of them for no names. Raises `NotFound` with the nearest name."""
        if not names:
            return self.all
        return [self._named(name) for name in dict.fromkeys(names)]

    def create(self, name: str, root: str) -> Shelved:
        """The collection of that name, made if it does not exist; `root` is "" for documents handed over as data."""
        if not NAME.fullmatch(name) or ".." in name:
            raise InvalidRequest(
                f"{name!r} cannot name a collection.",
                hint="Use letters, digits, spaces and . _ @ + - /, beginning with a letter or digit.",
                param="name",
            )
        with self._changing:
            if name in self._open:
                return self._open[name]
            settings = self._config.pipeline(name)
            record = Collection(name=name, root=root, embedder=settings.embedder, index=settings.index)
            shelved = self._open_one(record)
            self._store.save_collection(shelved.record).result()
            return shelved

    def forget(self, shelved: Shelved) -> None:
        """Remove a collection with its documents and its index. Nobody may write to it or follow its log meanwhile."""
        with self._changing:
            self._store.drop_collection(shelved.name).result()
            del self._open[shelved.name]
            shelved.index.drop()
            shelved.index.close()
            folder = self._folder(shelved.name)
            if folder is not None:
                shutil.rmtree(folder, ignore_errors=True)  # what stays is removed at the next start

    def twin(self, shelved: Shelved) -> Index:
        """A new index of the collection's kind, in memory and empty."""
        index = self._registry.index(shelved.settings.index, self._config)
        index.open(None, _stamp_of(shelved.record))
        return index

    def restamp(self, shelved: Shelved) -> None:
        """Start the index over, for the model that is configured now."""
        self.look_for_model(shelved)
        shelved.index.drop()
        shelved.index.close()
        if shelved.info is not None:
            self._stamp(shelved, shelved.info)
        self._open_index(shelved)

    def look_for_model(self, shelved: Shelved, *, tokenizing: bool = False) -> None:
        """See whether the model is there, with `tokenizing` whether it cuts texts into tokens too.

        A collection that has no vectors yet adopts it, whatever model it was to have before.
        """
        try:
            shelved.info = shelved.model.info()
            shelved.missing_model = None
            if tokenizing:
                shelved.model.measure(["a word"])
        except PatinaError as error:
            shelved.info = None
            shelved.missing_model = error
            return
        if self._may_adopt(shelved):
            self._stamp(shelved, shelved.info)
            shelved.index.close()
            self._open_index(shelved)

    def close(self) -> None:
        for shelved in self._open.values():
            try:
                self._store.commit().result()  # what an index holds must not be lost to the store
                shelved.index.checkpoint()
            except PatinaError as error:  # it is derived: what is not kept now is derived again at the next start
                log.warning("collection=%s is not checkpointed: %s", shelved.name, error)
            shelved.index.close()
        self._open.clear()

    def _named(self, name: str) -> Shelved:
        if found := self._open.get(name):
            return found
        near = difflib.get_close_matches(name, self._open, n=3, cutoff=0.5) or sorted(self._open)[:10]
        known = f"There is {', '.join(near)}." if near else "Nothing is indexed yet: run `patina index PATH`."
        raise NotFound(f"No collection is named {name!r}.", hint=known, param="repos")

    def _open_one(self, record: Collection) -> Shelved:
        settings = self._config.pipeline(record.name)
        index = self._registry.index(settings.index, self._config)
        shelved = Shelved(record, settings, index, self._pool.model(settings.embedder))
        self._open_index(shelved)
        self.look_for_model(shelved)
        self._open[record.name] = shelved
        return shelved

    def _open_index(self, shelved: Shelved) -> None:
        """An index that stands where deletes are forgotten already would keep what is gone, and one that is ahead of
        the log would not notice what is new: either starts over.
        """
        shelved.applied = shelved.index.open(self._folder(shelved.name), _stamp_of(shelved.record))
        if not self._store.swept(shelved.name) <= shelved.applied <= self._store.head(shelved.name):
            shelved.index.drop()
            shelved.applied = 0

    def _remove_strangers(self) -> None:
        """Folders of collections that are no more: whoever forgot them was interrupted."""
        kept = {self._folder(name) for name in self._open}
        for folder in (self._config.cache / "indexes").glob("*/"):
            if not self._store.in_memory and folder not in kept:
                shutil.rmtree(folder, ignore_errors=True)

    def _may_adopt(self, shelved: Shelved) -> bool:
        if shelved.mismatch is not None:
            return not self._store.counts(shelved.name).embedded
        return not shelved.record.identity

    def _stamp(self, shelved: Shelved, info: ModelInfo) -> None:
        shelved.record = _adopt(shelved.record, shelved.settings, info)
        self._store.save_collection(shelved.record).result()

    def _folder(self, name: str) -> Path | None:
        if self._store.in_memory:
            return None
        readable = re.sub(r"[^a-zA-Z0-9]+", "-", name).strip("-").lower()[:40]
        return self._config.cache / "indexes" / f"{readable}-{blake2b(name.encode(), digest_size=4).hexdigest()}"


def _adopt(record: Collection, settings: PipelineSettings, info: ModelInfo) -> Collection:
    return msgspec.structs.replace(
        record,
        embedder=settings.embedder,
        index=settings.index,
        identity=info.identity,
        model=info.name,
        dimension=info.dimension,
    )


def _stamp_of(record: Collection) -> Stamp:
    return Stamp(collection=record.name, identity=record.identity, dimension=record.dimension)
