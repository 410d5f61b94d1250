"""Texts in, vectors out; and the models there are."""

from __future__ import annotations

import time
from collections.abc import Mapping

from patina import wire
from patina.engine.desk import Handler, Rooms, Stream
from patina.errors import InvalidRequest, PatinaError
from patina.models import Lane, Model


class Models:
    """Embeds for whoever asks, and names the models."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms
        self.handlers: Mapping[type, Handler] = {
            wire.Embed: self._embed,
            wire.Detokenize: self._detokenize,
            wire.Models: self._models,
        }
        self.streams: Mapping[type, Stream] = {}

    async def _embed(self, request: wire.Embed) -> wire.Embeddings:
        for position, text in enumerate(request.texts):
            if not text:
                raise InvalidRequest("A text is empty.", hint="Leave it out.", param=f"texts[{position}]")
        model = await self.choose(request.model)
        info = await model.describe()
        texts = request.texts
        if not isinstance(request.truncate, bool):
            texts = await model.shorten(texts, request.kind, request.truncate)
        lane = Lane.QUESTION if len(texts) == 1 else Lane.REQUEST
        results = await model.embed(texts, request.kind, lane, cut=request.truncate is not False)
        cut = [n for n, result in enumerate(results) if result.truncated or texts[n] != request.texts[n]]
        return wire.Embeddings(
            model=info.name,
            dimension=info.dimension,
            vectors=[result.vector.astype("<f4", copy=False).tobytes() for result in results],
            tokens=[result.tokens for result in results],
            truncated=cut,
        )

    async def _detokenize(self, request: wire.Detokenize) -> wire.Detokenized:
        model = await self.choose(request.model)
        return wire.Detokenized(texts=await model.detokenize(request.ids))

    async def choose(self, name: str | None) -> Model:
        """The model of that name or alias, or the default one. Raises `ModelNotFound` with the valid names."""
        if name is None or name in self._embedders():
            return self._rooms.pool.model(name or self._rooms.config.defaults.embedder)
        entries = await self._entries()
        chosen = wire.ModelList(models=list(entries.values())).entry(name)
        return self._rooms.pool.model(next(offered for offered, entry in entries.items() if entry is chosen))

    def _embedders(self) -> list[str]:
        """Offers by name, the default first."""
        default = self._rooms.config.defaults.embedder
        return [default, *sorted(name for name in self._rooms.registry.embedders if name != default)]

    async def _models(self, _: wire.Models) -> wire.ModelList:
        return wire.ModelList(models=list((await self._entries()).values()))

    async def _entries(self) -> dict[str, wire.ModelEntry]:
        """By offer, without the models that cannot be had. Raises the default's error when none can."""
        entries, failures = {}, []
        for name in self._embedders():
            try:
                entries[name] = await self._model_entry(name)
            except PatinaError as error:
                failures.append(error)
        if not entries:
            raise failures[0]
        return entries

    async def _model_entry(self, name: str) -> wire.ModelEntry:
        model = self._rooms.pool.model(name)
        info = await model.describe()
        left_s = self._rooms.pool.unloads_in_s(model)
        return wire.ModelEntry(
            name=info.name,
            dimension=info.dimension,
            max_tokens=info.max_tokens,
            created=info.created,
            default=name == self._rooms.config.defaults.embedder,
            loaded=model.loaded,
            waiting=model.waiting,
            last_used=round(time.time() - self._rooms.pool.idle_s(model), 3) if model.used else None,
            unloads_at=round(time.time() + left_s, 3) if left_s is not None else None,
            aliases=[alias for alias, meant in self._rooms.config.models.aliases.items() if meant in {name, info.name}],
        )
