"""`patina restore`: a backup in the place of the store."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from patina.cli._files import agreed
from patina.cli._lines import line, show, show_json
from patina.cli._options import OPTIONS, Options


def restore(
    file: Annotated[Path, Parameter(help="What `patina backup` wrote.")],
    *,
    yes: Annotated[bool, Parameter(help="Do not ask whether what is there may be replaced.")] = False,
    options: Options = OPTIONS,
) -> int:
    """Put a backup in the place of all that is stored. Exit 4 while a daemon runs.

    What was stored before is kept beside it, until the next restore. Indexes are derived again.
    """
    from patina.daemon.restore import restore as put_in_place

    config = options.config()
    if (config.data / "patina.db").exists():
        agreed(
            f"Replace all that is stored in {config.home} by {file}?",
            yes=yes,
            without=f"There is a store in {config.home} already, which the backup would replace.",
        )
    kept = put_in_place(config, file.absolute())
    if options.json:
        show_json({"home": str(config.home), "before": str(kept) if kept else None})
    else:
        before = [line(f"What was there before is kept as {kept}.")] if kept else []
        show([line(f"{config.home} is what {file} says; its indexes are derived again at the next start."), *before])
    return 0
