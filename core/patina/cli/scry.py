"""`patina scry`: ask a question."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from cyclopts import Parameter
from msgspec import structs

from patina.cli._filter import NO_FILTER, FilterOptions
from patina.cli._hits import closing_lines, degraded_lines, hit_lines, why_lines
from patina.cli._lines import Line, line, show, show_json
from patina.cli._marking import Marker
from patina.cli._options import LOCAL, LocalOptions
from patina.cli._reach import someone, wait_for
from patina.client import Client
from patina.config import Config
from patina.errors import InvalidRequest
from patina.wire import CollectionStatus, Hits, Scry

MAX_LIMIT = 1000
SHOWN_BESIDE_WHY = 5
Number = TypeVar("Number", int, float)


def scry(  # noqa: PLR0913 - each is an option
    *question: Annotated[str, Parameter(help="What you want to know, in your own words.")],
    limit: Annotated[int, Parameter(show_default=True, help=f"How many passages at most, 1 to {MAX_LIMIT}.")] = 10,
    mode: Annotated[
        Literal["hybrid", "semantic", "lexical"],
        Parameter(show_default=True, help="By meaning and by words, or by one of them."),
    ] = "hybrid",
    file: Annotated[Path | None, Parameter(help="Instead of a question: what is like this indexed file?")] = None,
    repo: Annotated[tuple[str, ...], Parameter(help="Ask this collection; repeatable.")] = (),
    all_repos: Annotated[bool, Parameter(help="Ask every collection, wherever you are.")] = False,
    min_score: Annotated[float, Parameter(help="Leave out passages scored lower, 0 to 1.")] = 0.0,
    explain: Annotated[bool, Parameter(help="Show each ranking's rank and raw score.")] = False,
    why: Annotated[str | None, Parameter(help="How did this document, or the passage of this id, fare?")] = None,
    narrowed: FilterOptions = NO_FILTER,
    options: LocalOptions = LOCAL,
) -> int:
    """Ask a question and see the passages that answer it.

    Without --repo or --all-repos the collection that the working directory belongs to is asked, or all of them.
    """
    request = Scry(
        query=" ".join(question).strip(),
        limit=_within("--limit", limit, 1, MAX_LIMIT),
        mode="file" if file else mode,
        file=_indexed_name(file) if file else None,
        repos=list(repo),
        filter=narrowed.filter(),
        min_score=_within("--min-score", min_score, 0, 1),
        explain=explain,
        why=_indexed_name(Path(why)) if why else None,
    )
    _check(request, all_repos)
    config = options.config()
    asked, hits = wait_for(_ask(config, request, all_repos, options))
    if options.json:
        show_json(hits)
    else:
        language = config.indexes.get("hybrid", {}).get("language", "en")
        show(_answer(asked, hits, Marker(asked.query, language)))
    return 0


async def _ask(config: Config, request: Scry, all_repos: bool, options: LocalOptions) -> tuple[Scry, Hits]:
    async with someone(config, standalone=options.standalone, verbose=options.verbose) as client:
        if not request.repos and not all_repos and not config.mothership:
            request = await _scoped(client, request)
        return request, await client.handle(request)


async def _scoped(client: Client, request: Scry) -> Scry:
    """The request, held to the collection that the working directory is in, if there is one."""
    inside = enclosing(Path.cwd(), (await client.status()).collections)
    return structs.replace(request, repos=[inside]) if inside else request


def enclosing(here: Path, collections: Iterable[CollectionStatus]) -> str | None:
    """The name of the innermost collection that a folder lies in."""
    holding = [each for each in collections if each.root and here.is_relative_to(each.root)]
    innermost = max(holding, key=lambda each: len(Path(each.root).parts), default=None)
    return innermost.name if innermost else None


def _answer(asked: Scry, hits: Hits, marker: Marker) -> list[Line]:
    if not hits.hits:
        return [*degraded_lines(hits), *why_lines(hits.why), *_nothing(asked)]
    here = Path.cwd()
    shown = hits.hits[:SHOWN_BESIDE_WHY] if hits.why else hits.hits
    lines = [one for number, hit in enumerate(shown, 1) for one in hit_lines(number, hit, marker, here, asked.explain)]
    more = [line(f"… and {len(hits.hits) - len(shown)} more.")] if len(shown) < len(hits.hits) else []
    return [*why_lines(hits.why), *lines, *more, *closing_lines(hits, asked.explain)]


def _nothing(asked: Scry) -> list[Line]:
    """That nothing was found, and what to try next."""
    where = f" in {', '.join(asked.repos)}" if asked.repos else ""
    what = asked.file or asked.query
    if asked.min_score:
        step = "Lower --min-score."
    elif asked.filter:
        step = "Leave out one of the options that narrow the search."
    elif asked.repos:
        step = "Ask everywhere with --all-repos, or take in more with 'patina index PATH'."
    else:
        step = "Take something in with 'patina index PATH'; 'patina status' shows what is there."
    return [line(f"Nothing found for “{what}”{where}."), line(step)]


def _check(request: Scry, all_repos: bool) -> None:
    if request.file and request.query:
        raise InvalidRequest("Give a question or --file, not both.", param="file")
    if not request.file and not request.query:
        raise InvalidRequest("The question is empty.", hint='For example: patina scry "how are logs rotated?"')
    if request.repos and all_repos:
        raise InvalidRequest("Give --repo or --all-repos, not both.", param="repos")


def _within(option: str, value: Number, least: int, most: int) -> Number:
    if not least <= value <= most:
        raise InvalidRequest(f"{option} must be from {least} to {most}, not {value}.", param=option)
    return value


def _indexed_name(file: Path) -> str:
    """A file that is here by its absolute path, any other by the name it has in its collection."""
    return str(file.resolve()) if file.exists() else str(file)
