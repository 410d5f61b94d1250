"""`patina delete`: take passages, documents or a collection away."""

from dataclasses import dataclass
from typing import Annotated

from cyclopts import Parameter

from patina.cli._files import agreed
from patina.cli._lines import Line, Piece, count, line, show, show_json
from patina.cli._options import LOCAL, LocalOptions
from patina.cli._reach import someone, wait_for
from patina.errors import InvalidRequest
from patina.wire import Delete, Deleted


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class What:
    id: Annotated[tuple[str, ...], Parameter(help="A passage, by its id; repeatable.")] = ()
    path: Annotated[tuple[str, ...], Parameter(help="A document, by its path or address; repeatable.")] = ()
    folder: Annotated[str | None, Parameter(help="All documents below it.")] = None
    all: Annotated[bool, Parameter(help="The collection itself, with all that is in it.")] = False


NOTHING = What()


def delete(
    *,
    repo: Annotated[str, Parameter(help="The collection.")],
    what: What = NOTHING,
    yes: Annotated[bool, Parameter(help="Do not ask whether all is meant.")] = False,
    options: LocalOptions = LOCAL,
) -> int:
    """Take passages, documents or a whole collection away. Files on the disk are never touched.

    Names that nothing has are told, and are no error.
    """
    if what == NOTHING:
        raise InvalidRequest("Say what to delete: --id, --path, --folder or --all.", param="id")
    if what.all:
        agreed(
            f"Delete the collection {repo!r} with all that is in it?",
            yes=yes,
            without=f"--all deletes the collection {repo!r} with all that is in it.",
        )
    request = Delete(repo=repo, ids=list(what.id), paths=list(what.path), folder=what.folder, everything=what.all)
    deleted = wait_for(_deleted(request, options))
    if options.json:
        show_json(deleted)
    else:
        show(_lines(deleted, repo))
    return 0


async def _deleted(request: Delete, options: LocalOptions) -> Deleted:
    async with someone(options.config(), standalone=options.standalone, verbose=options.verbose) as client:
        return await client.handle(request)


def _lines(deleted: Deleted, repo: str) -> list[Line]:
    what = f"{count(deleted.documents, 'document')}, {count(deleted.chunks, 'chunk')} deleted."
    lines = [line(Piece(repo, "bold cyan"), f": {what}")]
    lines += [line(Piece(f"  There is no {name}.", "yellow")) for name in deleted.unknown]
    return lines + ([line(Piece(f"  {deleted.note}", "yellow"))] if deleted.note else [])
