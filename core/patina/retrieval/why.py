"""How a document fared that somebody looked for, in figures and in sentences."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
from msgspec.structs import asdict

from patina.retrieval.fusion import Fused, fuse
from patina.retrieval.ranking import DENSE, LEXICAL, Panel
from patina.retrieval.subject import Subject
from patina.retrieval.words import Words
from patina.wire import ArmScore, Filter, Hit, Why

WIDER = 10
"""How much further down the lists are read for what is not in the answer's own windows."""
MAX_WINDOW = 10_000
MAX_WORDS = 100
FIRST = 5
"""Places of the answer that are named for comparison."""
_ARMS = {DENSE: "by meaning", LEXICAL: "by words"}


class _Fate(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the subject's best passage."""

    sentence: str
    window: int
    listed: Fused | None = None
    rank: int | None = None
    """In the fused order; None when a list had to be read beyond its window to find it."""
    shown: bool = False
    """Whether it is a hit."""
    barred: bool = False
    """Whether no list could hold it."""


async def why(subject: Subject, panel: Panel, order: Sequence[Fused], hits: Sequence[Hit]) -> Why:
    """order: a question's candidates after fusion, of which the first became the hits."""
    fate = await _fate(subject, panel, order, hits)
    matched, missing = await panel.run(_words, subject, panel)
    sentences = [fate.sentence]
    if not fate.barred:
        sentences.append(await panel.run(_unready, subject, panel))
    if not (fate.barred or fate.shown):
        sentences += [_lacking(panel, matched, missing), _first(hits)]
    return Why(
        repo=subject.collection.name,
        path=subject.path,
        chunk=fate.listed.id if fate.listed else None,
        rank=fate.rank,
        arms=fate.listed.arms if fate.listed else {},
        window=fate.window,
        matched=matched[:MAX_WORDS],
        missing=missing[:MAX_WORDS],
        sentence=" ".join(filter(None, sentences)),
    )


async def _fate(subject: Subject, panel: Panel, order: Sequence[Fused], hits: Sequence[Hit]) -> _Fate:
    window = panel.window
    if found := _best(subject, order):
        rank, listed = found
        sentence = f"{_standing(rank, listed, panel, hits)}: {_places(listed.arms)}."
        shown = listed.id in {hit.id for hit in hits}
        return _Fate(sentence=sentence, window=window, listed=listed, rank=rank, shown=shown)
    if barred := await panel.run(_barred, subject, panel):
        return _Fate(sentence=barred, window=window, barred=True)
    wider = max(window, min(MAX_WINDOW, WIDER * window))
    rankings = await panel.rankings(wider)
    lists = " or ".join(_named(ranking.arm for ranking in rankings)) or "of any list"
    if found := _best(subject, fuse(rankings, ())):
        _, listed = found
        sentence = f"Not among the first {window} {lists}, but further down: {_places(listed.arms)}."
        return _Fate(sentence=sentence, window=wider, listed=listed)
    return _Fate(sentence=f"Not among the first {wider} {lists}.", window=wider)


def _best(subject: Subject, order: Iterable[Fused]) -> tuple[int, Fused] | None:
    """The first of the subject's passages, and its rank from 1."""
    ids = subject.ids
    return next(((rank, one) for rank, one in enumerate(order, start=1) if one.id in ids), None)


def _standing(rank: int, listed: Fused, panel: Panel, hits: Sequence[Hit]) -> str:
    shown = [hit.id for hit in hits]
    if listed.id in shown:
        return f"Number {shown.index(listed.id) + 1} of the answer"
    if listed.score < panel.request.min_score:
        return f"Number {rank} in order, but its score of {listed.score:.3f} is below {panel.request.min_score:g}"
    return f"Number {rank} in order, and the answer ends after {len(hits)}"


def _places(arms: dict[str, ArmScore]) -> str:
    return ", ".join(f"#{score.rank} {_ARMS.get(arm, arm)}" for arm, score in sorted(arms.items()))


def _named(arms: Iterable[str]) -> list[str]:
    return sorted({_ARMS.get(arm, arm) for arm in arms})


def _barred(subject: Subject, panel: Panel) -> str | None:
    """Why no list can hold the subject, whatever the question is."""
    if not subject.chunks:
        return "It holds no text."
    if subject.ids <= panel.question.leave_out:
        return "It is what was asked with, which is left out of the answer."
    wanted = panel.request.filter
    name = subject.collection.name
    if wanted is None or not subject.ids.isdisjoint(panel.store.select(name, wanted)):
        return None
    parts = {field: Filter(**{field: value}) for field, value in asdict(wanted).items() if value not in (None, {})}
    culprits = [field for field, part in parts.items() if subject.ids.isdisjoint(panel.store.select(name, part))]
    return f"The filter leaves it out, by its {' and '.join(culprits) or 'parts taken together'}."


def _words(subject: Subject, panel: Panel) -> tuple[list[str], list[str]]:
    """The question's words that the subject holds and those that it lacks: in text, title, headings or path."""
    words = Words(panel.request.query or panel.question.text)
    texts = [" ".join((chunk.text, chunk.title, *chunk.heading, chunk.path)) for chunk in subject.chunks]
    held = set().union(*(words.held(text) for text in texts))
    by_stem = words.by_stem.items()
    return [word for stem, word in by_stem if stem in held], [word for stem, word in by_stem if stem not in held]


def _lacking(panel: Panel, matched: Sequence[str], missing: Sequence[str]) -> str:
    if panel.request.mode == "file":
        return ""
    if not missing:
        return "It holds every word of the question."
    words = ", ".join(missing[:MAX_WORDS])
    return f"It lacks {words}." if matched else f"It holds none of the words {words}."


def _unready(subject: Subject, panel: Panel) -> str:
    """What has yet to be done to the subject before it can be found in full."""
    one = subject.collection
    if one.replaying or one.applied < panel.store.head(one.name):
        return "The index has not taken in the newest changes yet."
    if one.record.identity in panel.question.vectors and not panel.store.vectors(list(subject.ids)):
        return "It is not embedded yet, so that only its words can find it."
    return ""


def _first(hits: Sequence[Hit]) -> str:
    if not hits:
        return "Nothing else answers either."
    places = ", ".join(f"{hit.path}:{hit.start_line}" for hit in hits[:FIRST])
    return f"The first {min(FIRST, len(hits))} are {places}." if len(hits) > 1 else f"The only answer is {places}."
