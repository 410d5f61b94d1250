"""Whatever is done to it, the store says what a dictionary would, and its followers end up agreeing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from patina.store import Collection, Counts, Entry, Store, Write
from patina.types import Chunk

Draft = Callable[..., Entry]
REPOS = ("papers", "notes")
MODELS = ("a" * 64, "b" * 64)

repos = st.sampled_from(REPOS)
paths = st.sampled_from(["a", "b/c", "b/d"])
texts = st.lists(st.sampled_from(["one", "two", "three", "four", "# h", "# i"]), min_size=1, max_size=5).map("\n".join)
common = st.one_of(
    st.tuples(st.just("write"), repos, paths, texts, st.sampled_from(["", "titled"]), st.lists(paths, max_size=1)),
    st.tuples(st.just("embed"), repos, st.integers(1, 4)),
    st.tuples(st.just("follow"), repos, st.integers(1, 6)),
    st.tuples(st.just("catch_up"), repos),
)
rare = st.one_of(
    st.tuples(st.just("start_following"), repos),
    st.tuples(st.just("change_model"), repos, st.sampled_from(MODELS)),
    st.tuples(st.just("drop"), repos),
    st.tuples(st.just("sweep")),
)
chapters = st.tuples(st.lists(common, min_size=6, max_size=12), rare).map(lambda chapter: [*chapter[0], chapter[1]])
stories = st.lists(chapters, min_size=3, max_size=5).map(lambda chapters: [step for one in chapters for step in one])


class Follower:
    """What an index knows: texts by chunk id, and the ids that it has a vector of."""

    def __init__(self) -> None:
        self.alive: dict[str, str] = {}
        self.embedded: set[str] = set()
        self.at = 0

    def follow(self, store: Store, repo: str, limit: int) -> bool:
        """Take in a page of changes; False at the end."""
        changes = store.changes(repo, self.at, limit)
        for change in changes:
            if change.op != "vector":
                self.alive.pop(change.id, None)
                self.embedded.discard(change.id)
            if change.op == "put":
                self.alive[change.id] = change.text
            if change.vector is not None:
                self.embedded.add(change.id)
            self.at = change.seq
        return bool(changes)


class World:
    """A store in memory, beside it dictionaries that hold the same, and a follower of each collection."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self.store = Store.open(None)
        self.documents: dict[str, dict[str, Entry]] = {repo: {} for repo in REPOS}
        self.model = dict.fromkeys(REPOS, MODELS[0])
        self.known: set[tuple[str, str]] = set()
        self.followers = {repo: Follower() for repo in REPOS}
        for repo in REPOS:
            self.change_model(repo, MODELS[0])

    def write(self, repo: str, path: str, text: str, title: str, gone: list[str]) -> None:
        entry = self.draft(path, text, repo=repo, title=title)
        self.store.write(Write(collection=repo, puts=[entry], deletes=gone)).result()
        self.documents[repo] = {known: one for known, one in self.documents[repo].items() if known not in gone}
        self.documents[repo][path] = entry

    def embed(self, repo: str, limit: int) -> None:
        missing = self.store.missing(repo, limit)
        expected = {chunk.digest for chunk in self.chunks(repo) if (self.model[repo], chunk.digest) not in self.known}
        assert {one.digest for one in missing} <= expected
        assert len(missing) == min(limit, len(expected))
        if missing:
            self.store.put_vectors(self.model[repo], {one.digest: b"\0" * 16 for one in missing}).result()
            self.known |= {(self.model[repo], one.digest) for one in missing}

    def change_model(self, repo: str, model: str) -> None:
        self.store.save_collection(Collection(name=repo, identity=model)).result()
        self.model[repo] = model

    def drop(self, repo: str) -> None:
        self.store.drop_collection(repo).result()
        self.documents[repo].clear()
        self.change_model(repo, self.model[repo])

    def sweep(self) -> None:
        self.store.sweep_log({repo: follower.at for repo, follower in self.followers.items()}).result()
        while self.store.sweep_vectors().result():
            pass
        self.known &= {(self.model[repo], chunk.digest) for repo in REPOS for chunk in self.chunks(repo)}

    def start_following(self, repo: str) -> None:
        self.followers[repo] = Follower()

    def follow(self, repo: str, limit: int) -> bool:
        return self.followers[repo].follow(self.store, repo, limit)

    def catch_up(self, repo: str) -> None:
        while self.follow(repo, 4):
            pass
        follower = self.followers[repo]
        assert follower.alive == {chunk.id: chunk.text for chunk in self.chunks(repo)}
        assert follower.embedded == self.embedded(repo)
        assert follower.at == self.store.head(repo)

    def agree(self) -> None:
        for repo in REPOS:
            chunks = self.chunks(repo)
            assert [(one.id, one.text, one.start_line) for one in self.store.iterate(repo)] == [
                (one.id, one.text, one.start_line) for one in chunks
            ]
            assert self.store.embedded(repo) == self.embedded(repo)
            assert self.store.counts(repo) == Counts(
                documents=len(self.documents[repo]), chunks=len(chunks), embedded=len(self.embedded(repo))
            )

    def end(self) -> None:
        for repo in REPOS:
            self.catch_up(repo)
            self.start_following(repo)
            self.catch_up(repo)
        assert self.store.check(full=True) == []
        self.store.close()

    def chunks(self, repo: str) -> list[Chunk]:
        return [chunk for _, entry in sorted(self.documents[repo].items()) for chunk in entry.chunks]

    def embedded(self, repo: str) -> set[str]:
        return {chunk.id for chunk in self.chunks(repo) if (self.model[repo], chunk.digest) in self.known}


@settings(
    max_examples=50,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(story=stories)
def test_the_store_says_what_a_dictionary_would(draft: Draft, story: Sequence[tuple[Any, ...]]) -> None:
    world = World(draft)
    for name, *arguments in story:
        getattr(world, name)(*arguments)
        world.agree()
    world.end()


def test_vectors_arrive_as_float32(store: Store, draft: Draft) -> None:
    entry = draft("a", "one")
    store.write(Write(collection="papers", puts=[entry])).result()
    numbers = np.array([1, 0.5, -2, 0], dtype="<f4")
    store.put_vectors("a" * 64, {entry.chunks[0].digest: numbers.tobytes()}).result()
    (vector,) = (change.vector for change in store.changes("papers", 0, 10) if change.op == "vector")
    assert vector is not None
    assert vector.dtype == np.float32
    assert vector.tolist() == numbers.tolist()
