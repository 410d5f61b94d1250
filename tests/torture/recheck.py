"""Judge saved histories again: ``python -m tests.torture.recheck FILE_OR_FOLDER…``; ends with 1 if one is not good.

Those of planted bugs are counted apart: they are there to be bad.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path

from tests.torture.history import Began, Verdict, judged, read


def main(names: list[str]) -> int:
    files = [file for name in names for file in ([Path(name)] if Path(name).is_file() else Path(name).rglob("*.jsonl"))]
    verdicts: defaultdict[str, list[Verdict]] = defaultdict(list)
    for file in sorted(files):
        events = read(file)
        bug = next((event.bug for event in events if isinstance(event, Began)), "")
        verdict = judged(events)
        verdicts[bug].append(verdict)
        for problem in () if bug else verdict.problems:
            sys.stdout.write(f"{file}: {problem}\n")
    for bug, group in verdicts.items():
        total = Verdict()
        for verdict in group:
            total.add(verdict)
        sys.stdout.write(f"{len(group)} histories{f' of {bug}' if bug else ''}: {total}\n")
    good = verdicts[""]
    return 0 if good and all(verdict.good for verdict in good) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
