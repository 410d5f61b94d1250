"""`patina commit`: make sure."""

from patina.cli._lines import line, show, show_json
from patina.cli._options import LOCAL, LocalOptions
from patina.cli._reach import someone, wait_for
from patina.wire import Committed


def commit(options: LocalOptions = LOCAL) -> int:
    """Wait until all that was taken in is on the disk and found by words, and say up to which change that is."""
    committed = wait_for(_committed(options))
    if options.json:
        show_json(committed)
    else:
        show([line(f"All is on the disk, and found by words, up to change {committed.seq}.")])
    return 0


async def _committed(options: LocalOptions) -> Committed:
    async with someone(options.config(), standalone=options.standalone, verbose=options.verbose) as client:
        return await client.commit()
