"""One request of every kind with every field set, and an answer for each: what a transport must carry unharmed."""

from __future__ import annotations

import struct
from typing import Any

from patina import wire
from patina.types import Fault

_SPIKY = 'naïve "quotes" \\ back\\slash, a new\nline, a \t tab, 汉字, 🗝 and \u2028'

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

_LINE: dict[str, Any] = {
    "id": "c1",
    "repo": "notes",
    "path": "a/b.md",
    "location": "/srv/notes/a/b.md",
    "start_line": 3,
    "end_line": 9,
    "title": "B",
    "heading": ["B"],
    "text": _SPIKY,
    "snippet": "naïve",
    "previous": None,
    "next": "c2",
    "start_byte": 0,
    "end_byte": 60,
    "language": "markdown",
    "metadata": {"k": "v"},
    "document": wire.Origin(digest="e" * 32, size=60, modified_ns=1_700_000_000_000_000_000, chunker="fake/400"),
}

_CHUNK = wire.ExportedChunk(**_LINE)

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
    job=7,
)

_CACHE = wire.CacheReply(entries=1, bytes=1936, max_bytes=1 << 20, hits=3, misses=2, evicted=1, expired=0)
_JOB = wire.Job(
    id=7,
    kind="index",
    repo="notes",
    state="running",
    stage="read",
    done=1,
    total=2,
    rate=3.5,
    eta_s=0.5,
    failed=1,
    errors=[wire.InputFailure(path="a/c.md", reason="Permission denied.")],
    cursor="a/b.md",
    message="It goes on.",
    failure=wire.Failure(code="busy", message="Too much is waiting.", hint="Try again.", param="work"),
    attempts=2,
    reports=[_REPORT],
    created_at=1_700_000_000.5,
    started_at=1_700_000_001.5,
    ended_at=1_700_000_002.5,
)

REQUESTS: tuple[wire.AnyRequest, ...] = (
    wire.Ping(),
    wire.Status(),
    wire.Shutdown(),
    wire.Metrics(),
    wire.CacheStats(),
    wire.ClearCache(),
    wire.WarmCache(texts=["Where are the ships?"], kind="passage", model="fake"),
    wire.Scry(
        query=_SPIKY,
        limit=7,
        mode="file",
        file="src/naïve name.py",
        repos=["one", "two"],
        filter=wire.Filter(
            path_prefix="src/",
            language="python",
            ids=["a", "b"],
            metadata={"owner": "ada", "state": ["open", "new"]},
            since=1_700_000_000.5,
            until=1_800_000_000.0,
        ),
        min_score=0.25,
        explain=True,
        why="src/other.py",
    ),
    wire.Index(
        repo="notes",
        documents=[
            wire.InputDocument(
                text=_SPIKY,
                id="1",
                path="a/b.md",
                title="B",
                url="https://example.org/b",
                metadata={"k": "v"},
                modified_at=1_700_000_000.25,
            )
        ],
        wait=False,
        ack="written",
    ),
    wire.IndexPaths(paths=["/srv/a project", "/srv/b"], name="both", wait=False, strict=True),
    wire.Rebuild(repo="notes"),
    wire.Embed(texts=[_SPIKY, ""], kind="passage", model="fake", truncate=True),
    wire.Detokenize(ids=[[0, 2**31 - 1], []], model="fake"),
    wire.Models(),
    wire.Verify(repos=["notes"], full=True),
    wire.Export(repos=["notes"]),
    wire.Start(work=wire.IndexPaths(paths=["/srv/a project"], name="a")),
    wire.ListJobs(states=["running", "failed"], limit=3),
    wire.ShowJob(id=7),
    wire.WatchJob(id=7),
    wire.CancelJob(id=7),
    wire.ResumeJob(id=7),
    wire.RetryJob(id=7, repos=["notes"]),
    wire.Delete(repo="notes", ids=["c1"], paths=["a/b.md"], folder="old", everything=True),
    wire.Stats(repos=["notes"]),
    wire.Commit(),
    wire.Backup(),
    wire.OpenImport(source="notes.jsonl", digest="d" * 32, lines=2, repo="copy", force=True),
    wire.ImportBatch(job=7, chunks=[wire.ChunkLine(**_LINE)], upto=1),
    wire.CloseImport(job=7),
    wire.PlanRebuild(repos=["notes"]),
)

REPLIES: dict[type[wire.Request[Any]], Any] = {
    wire.Ping: wire.Pong(version="0.1.0", pid=4711, trouble=None),
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
                failed=1,
                problem="Half of it is embedded.",
            )
        ],
        notes=["All is well."],
        jobs=[_JOB],
        recovered="Three commits were brought back.",
    ),
    wire.Shutdown: wire.Stopping(pid=4711),
    wire.Scry: wire.Hits(
        hits=[_HIT],
        degraded="50 % is embedded.",
        took_ms=3.25,
        embed_ms=1.125,
        weights={"dense": 1.0, "lexical": 0.5},
        why=wire.Why(
            repo="notes",
            path="src/other.py",
            chunk="c9",
            rank=57,
            arms={"dense": wire.ArmScore(rank=61, score=0.5)},
            window=100,
            matched=["naïve"],
            missing=["quotes"],
            sentence="Its best passage is number 57.",
        ),
    ),
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
    wire.Detokenize: wire.Detokenized(texts=["naïve", ""]),
    wire.Models: wire.ModelList(
        models=[
            wire.ModelEntry(
                name="fake",
                dimension=2,
                max_tokens=512,
                created=1_700_000_000,
                default=True,
                loaded=False,
                aliases=["text-embedding-3-small"],
                waiting=3,
                last_used=1_700_000_000.5,
                unloads_at=1_700_000_300.5,
            )
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
    wire.Start: _JOB,
    wire.ListJobs: wire.JobList(jobs=[_JOB]),
    wire.ShowJob: _JOB,
    wire.WatchJob: wire.Watched(job=_JOB),
    wire.CancelJob: _JOB,
    wire.ResumeJob: _JOB,
    wire.RetryJob: _JOB,
    wire.Delete: wire.Deleted(documents=1, chunks=2, unknown=["c9"], note="The next run brings them back."),
    wire.Stats: wire.StatsReply(
        collections=[
            wire.CollectionStats(
                name="notes",
                documents=1,
                chunks=2,
                embedded=1,
                failed=1,
                text_bytes=60,
                vector_bytes=8,
                index={"dense_vectors": 1},
                deleted_ratio=0.25,
                log_entries=3,
                seq=9,
                applied=8,
                last_commit=1_700_000_000.5,
            )
        ],
        store_bytes=4096,
        wal_bytes=0,
        format=2,
    ),
    wire.Commit: wire.Committed(seq=9),
    wire.Backup: wire.BackupDone(size=4, digest="f" * 32, seq=9),
    wire.OpenImport: _JOB,
    wire.ImportBatch: _JOB,
    wire.CloseImport: _JOB,
    wire.Metrics: wire.MetricsReply(
        measures=[
            wire.Measure(
                name="patina_inference_seconds",
                about="Of one text.",
                kind="histogram",
                samples=[wire.Sample(labels={"model": "onnx"}, value=0.75, buckets=[0, 2, 3])],
                bounds=[0.1, 1.0],
            )
        ]
    ),
    wire.CacheStats: _CACHE,
    wire.ClearCache: _CACHE,
    wire.WarmCache: _CACHE,
    wire.PlanRebuild: wire.RebuildPlan(
        steps=[wire.RebuildStep(repo="notes", arm="dense", reason="A file is missing.", chunks=2)]
    ),
}

_PROGRESS = wire.Progress(repo="notes", stage="embed", done=1, total=2, rate=3.5, eta_s=0.5)

EVENTS: dict[type[wire.Request[Any]], tuple[wire.Event, ...]] = {
    wire.Index: (_PROGRESS,),
    wire.IndexPaths: (_PROGRESS, _PROGRESS),
    wire.Rebuild: (_PROGRESS,),
    wire.Export: (_CHUNK,),
    wire.WatchJob: (_PROGRESS,),
    wire.Backup: (wire.BackupPart(data=b"\x00\xff\r\n"),),
}
"""What a stream tells before its last event, which is the reply. Requests without an entry are not streamed."""
