"""`patina status` and `patina ping`: they ask a daemon that runs and never start one."""

import time
from datetime import datetime

from patina.cli._jobs import job_line
from patina.cli._lines import Line, Piece, count, duration, line, show, show_json, table
from patina.cli._options import LOCAL, OPTIONS, LocalOptions, Options
from patina.cli._reach import running_daemon, someone, wait_for
from patina.wire import CollectionStatus, Pong, StatusReply

MAX_JOBS_SHOWN = 10


def status(options: LocalOptions = LOCAL) -> int:
    """How the daemon and its collections are."""
    reply = wait_for(_status(options))
    if options.json:
        show_json(reply)
    else:
        show([*daemon_lines(reply), *_collection_lines(reply), *_job_lines(reply)])
    return 0


def ping(options: Options = OPTIONS) -> int:
    """Whether a daemon answers, and how fast."""
    pong, took_ms = wait_for(_ping(options))
    if options.json:
        show_json({"version": pong.version, "pid": pong.pid, "took_ms": round(took_ms, 3)})
    else:
        show([line(f"patina {pong.version} answers (pid {pong.pid}) in {took_ms:.1f} ms.")])
    return 0


async def _status(options: LocalOptions) -> StatusReply:
    config = options.config()
    if options.standalone:
        reached = someone(config, standalone=True, verbose=options.verbose)
    else:
        reached = running_daemon(config, verbose=options.verbose)
    async with reached as client:
        return await client.status()


async def _ping(options: Options) -> tuple[Pong, float]:
    async with running_daemon(options.config(), verbose=options.verbose) as client:
        began = time.perf_counter()
        pong = await client.ping()
        return pong, (time.perf_counter() - began) * 1000


def daemon_lines(reply: StatusReply) -> list[Line]:
    """Who answers, where, with which model, and what is wrong with it."""
    model = f"{reply.model} ({'in memory' if reply.model_loaded else 'not loaded'})" if reply.model else "none"
    rows = [
        ("patina", f"{reply.version}, pid {reply.pid}, up {duration(reply.uptime_s)}, {reply.rss_mb:.0f} MB"),
        ("home", reply.home),
        ("listening", ", ".join(reply.endpoints) or "nowhere: this process only"),
        ("model", model),
    ]
    if reply.waiting:
        rows.append(("waiting", count(reply.waiting, "text")))
    named = [line(Piece(f"{name:<10}", "dim"), value) for name, value in rows]
    return named + [line(Piece(f"! {note}", "yellow")) for note in reply.notes]


def _collection_lines(reply: StatusReply) -> list[Line]:
    if not reply.collections:
        return [line(), line("Nothing is indexed yet. Take something in with 'patina index PATH'.")]
    rows = [_row(each) for each in reply.collections]
    listed = table(rows, ("collection", "documents", "chunks", "embedded", "indexed", "root"))
    problems = [
        line(Piece(f"! {each.name}: {each.problem}", "yellow"))
        for each in reply.collections
        if each.problem and each.problem not in reply.notes  # those are told above
    ]
    refused = [
        line(
            Piece(f"! {each.name}: the model refused {count(each.failed, 'chunk')}; see 'patina jobs retry'.", "yellow")
        )
        for each in reply.collections
        if each.failed
    ]
    return [line(), *listed, *problems, *refused]


def _job_lines(reply: StatusReply) -> list[Line]:
    shown = [job_line(job) for job in reply.jobs[:MAX_JOBS_SHOWN]]
    rest = len(reply.jobs) - len(shown)
    more = [line(f"and {count(rest, 'more job')}: see 'patina jobs list'.")] if rest else []
    return [line(), *shown, *more] if shown else []


def _row(collection: CollectionStatus) -> tuple[str, ...]:
    chunks = collection.chunks
    share = f"{100 * collection.embedded // chunks} %" if chunks else "-"
    moment = datetime.fromtimestamp(collection.indexed_at).astimezone() if collection.indexed_at else None
    when = moment.strftime("%Y-%m-%d %H:%M") if moment else "-"
    return collection.name, str(collection.documents), str(chunks), share, when, collection.root or "-"
