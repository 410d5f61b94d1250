"""Judge saved histories again: ``python -m tests.torture.recheck FILE_OR_FOLDER…``; ends with 1 if one is not good."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.torture.history import Verdict, judged, read


def main(names: list[str]) -> int:
    files = [file for name in names for file in ([Path(name)] if Path(name).is_file() else Path(name).rglob("*.jsonl"))]
    total = Verdict()
    for file in sorted(files):
        verdict = judged(read(file))
        total.add(verdict)
        for problem in verdict.problems:
            sys.stdout.write(f"{file}: {problem}\n")
    sys.stdout.write(f"{len(files)} histories: {total}\n")
    return 0 if total.good and files else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
