"""`patina export`: every passage, one JSON object a line."""

import sys
from pathlib import Path
from typing import Annotated, BinaryIO

import msgspec
from cyclopts import Parameter

from patina.cli._files import replacing
from patina.cli._lines import count, line, show, show_json
from patina.cli._options import LOCAL, LocalOptions
from patina.cli._reach import someone, wait_for
from patina.wire import ExportedChunk


def export(
    *,
    output: Annotated[Path, Parameter(allow_leading_hyphen=True, help="The file to write; - is stdout.")],
    repo: Annotated[tuple[str, ...], Parameter(help="Only this collection; repeatable.")] = (),
    options: LocalOptions = LOCAL,
) -> int:
    """Write every passage to a file, one JSON object a line. The file is there in full, or as it was before."""
    if str(output) == "-":
        wait_for(_write(sys.stdout.buffer, repo, options))
        return 0
    with replacing(output) as file:
        chunks = wait_for(_write(file, repo, options))
    if options.json:
        show_json({"output": str(output.resolve()), "chunks": chunks})
    else:
        show([line(f"{count(chunks, 'chunk')} written to {output}.")])
    return 0


async def _write(file: BinaryIO, repos: tuple[str, ...], options: LocalOptions) -> int:
    chunks = 0
    async with someone(options.config(), standalone=options.standalone, verbose=options.verbose) as client:
        async for chunk in client.export(repos=list(repos)):
            file.write(_record(chunk))
            chunks += 1
    file.flush()
    return chunks


def _record(chunk: ExportedChunk) -> bytes:
    fields = {name: getattr(chunk, name) for name in chunk.__struct_fields__}
    return msgspec.json.encode(fields) + b"\n"
