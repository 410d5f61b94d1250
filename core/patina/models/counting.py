"""What the models of a pool have done since the start."""

from __future__ import annotations

from patina.meters import Counter, Histogram


class Counting:
    """The meters of all queues and models, each with the model as its first label."""

    def __init__(self) -> None:
        self.texts = Counter("patina_texts", "Put to a model.", "model", "outcome")
        self.tokens = Counter("patina_tokens", "Computed by a model.", "model")
        self.changes = Counter("patina_model_changes", "A model loaded into memory, and unloaded.", "model", "change")
        self.waits = Histogram("patina_queue_seconds", "Until a request's first text is taken.", "model", "lane")
        self.computing = Histogram("patina_inference_seconds", "Of one text.", "model")

    @property
    def all(self) -> tuple[Counter | Histogram, ...]:
        return (self.texts, self.tokens, self.changes, self.waits, self.computing)

    def of(self, model: str) -> Marks:
        return Marks(self, model)


class Marks:
    """The same for one model."""

    def __init__(self, counting: Counting, model: str) -> None:
        self._counting = counting
        self.model = model

    def changed(self, change: str) -> None:
        self._counting.changes.add(self.model, change)

    def waited(self, seconds: float, lane: str) -> None:
        self._counting.waits.note(seconds, self.model, lane)

    def given_up(self, texts: int) -> None:
        """Nobody wants them any more."""
        self._counting.texts.add(self.model, "given up", amount=texts)

    def computed(self, tokens: int, seconds: float, *, failed: bool) -> None:
        self._counting.texts.add(self.model, "failed" if failed else "computed")
        self._counting.tokens.add(self.model, amount=tokens)
        self._counting.computing.note(seconds, self.model)
