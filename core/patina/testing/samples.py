"""One request of every kind with every field set, and an answer for each: what a transport must carry unharmed."""

from __future__ import annotations

import struct
from typing import Any

from patina import wire
from patina.types import Fault

_SPIKY = 'naïve "quotes" \\ back\\slash, a new\nline, a \t tab, 汉字, 🗝 and \u2028'

REQUESTS: tuple[wire.AnyRequest, ...] = (
    wire.Ping(),
    wire.Status(),
    wire.Shutdown(),
    wire.Scry(
        query=_SPIKY,
        limit=7,
        mode="file",
        file="src/naïve name.py",
        repos=["one", "two"],
        filter=wire.Filter(path_prefix="src/", language="python", ids=["a", "b"], metadata={"owner": "ada"}),
        min_score=0.25,
        explain=True,
    ),
    wire.Index(
        repo="notes",
        documents=[
            wire.InputDocument(
                text=_SPIKY, id="1", path="a/b.md", title="B", url="https://example.org/b", metadata={"k": "v"}
            )
        ],
        wait=False,
    ),
    wire.IndexPaths(paths=["/srv/a project", "/srv/b"], name="both", wait=False, strict=True),
    wire.Rebuild(repo="notes"),
    wire.Embed(texts=[_SPIKY, ""], kind="passage", model="fake", truncate=True),
    wire.Models(),
    wire.Verify(repos=["notes"], full=True),
    wire.Export(repos=["notes"]),
)

_HIT = wire.Hit(
    id="c1",
    score=1.0,
    rrf=0.03278688524590164,
    repo="notes",
    path="a/b.md",
    location="/srv/notes/a/b.md",
    start_line=3,
    end_line=9,
    title="B",
    heading=["B", "Part two"],
    text=_SPIKY,
    snippet="naïve",
    previous=None,
    next="c2",
    arms={"dense": wire.ArmScore(rank=1, score=0.875), "lexical": wire.ArmScore(rank=2, score=11.5)},
    matched=["naïve"],
)

_CHUNK = wire.ExportedChunk(
    id="c1",
    repo="notes",
    path="a/b.md",
    location="/srv/notes/a/b.md",
    start_line=3,
    end_line=9,
    title="B",
    heading=["B"],
    text=_SPIKY,
    snippet="naïve",
    previous=None,
    next="c2",
)

_REPORT = wire.IndexReport(
    repo="notes",
    added=1,
    changed=2,
    removed=3,
    unchanged=4,
    chunks=5,
    embedded=6,
    skipped={"binary": 1},
    failed=[wire.InputFailure(path="a/c.md", reason="Permission denied.")],
    note="Embedding goes on behind.",
    took_ms=12.5,
)

REPLIES: dict[type[wire.Request[Any]], Any] = {
    wire.Ping: wire.Pong(version="0.1.0", pid=4711),
    wire.Status: wire.StatusReply(
        version="0.1.0",
        pid=4711,
        home="/home/ada/.patina",
        uptime_s=1.5,
        endpoints=["unix:/run/patina/x.sock"],
        model="fake",
        model_loaded=True,
        waiting=3,
        rss_mb=123.5,
        collections=[
            wire.CollectionStatus(
                name="notes",
                root="/srv/notes",
                documents=1,
                chunks=2,
                embedded=1,
                model="fake",
                indexed_at=1_700_000_000.5,
                problem="Half of it is embedded.",
            )
        ],
        notes=["All is well."],
    ),
    wire.Shutdown: wire.Stopping(pid=4711),
    wire.Scry: wire.Hits(hits=[_HIT], degraded="50 % is embedded.", took_ms=3.25, embed_ms=1.125),
    wire.Index: _REPORT,
    wire.IndexPaths: wire.Reports(reports=[_REPORT]),
    wire.Rebuild: _REPORT,
    wire.Embed: wire.Embeddings(
        model="fake",
        dimension=2,
        vectors=[struct.pack("<2f", 0.6, 0.8), struct.pack("<2f", 1.0, -0.0)],
        tokens=[9, 2],
        truncated=[0],
    ),
    wire.Models: wire.ModelList(
        models=[
            wire.ModelEntry(name="fake", dimension=2, max_tokens=512, created=1_700_000_000, default=True, loaded=False)
        ]
    ),
    wire.Verify: wire.VerifyReport(
        ok=False,
        collections=1,
        chunks=2,
        faults=[Fault(where="notes", what="a file is missing", repair="It is rebuilt.")],
        took_ms=2.5,
    ),
    wire.Export: wire.Exported(chunks=1),
}

_PROGRESS = wire.Progress(repo="notes", stage="embed", done=1, total=2, rate=3.5, eta_s=0.5)

EVENTS: dict[type[wire.Request[Any]], tuple[wire.Event, ...]] = {
    wire.Index: (_PROGRESS,),
    wire.IndexPaths: (_PROGRESS, _PROGRESS),
    wire.Rebuild: (_PROGRESS,),
    wire.Export: (_CHUNK,),
}
"""What a stream tells before its last event, which is the reply. Requests without an entry are not streamed."""
