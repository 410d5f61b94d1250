"""`patina backup`: one file with all that is stored."""

from pathlib import Path
from typing import Annotated, BinaryIO

from cyclopts import Parameter

from patina.cli._files import replacing
from patina.cli._lines import line, show, show_json
from patina.cli._options import LOCAL, LocalOptions
from patina.cli._reach import someone, wait_for
from patina.cli.stats import size
from patina.wire import BackupDone


def backup(
    file: Annotated[Path, Parameter(help="The file to write.")],
    *,
    options: LocalOptions = LOCAL,
) -> int:
    """Write all that is stored to a file, while answers and writes go on. `patina restore` takes it."""
    with replacing(file) as target:
        done = wait_for(_backed_up(target, options))
    if options.json:
        show_json({"file": str(file.resolve()), "size": done.size, "digest": done.digest, "seq": done.seq})
    else:
        show([line(f"{size(done.size)} written to {file}, blake2b {done.digest}.")])
    return 0


async def _backed_up(target: BinaryIO, options: LocalOptions) -> BackupDone:
    async with someone(options.config(), standalone=options.standalone, verbose=options.verbose) as client:
        return await client.backup(target)
