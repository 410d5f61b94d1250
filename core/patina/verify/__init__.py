"""`patina verify`: is the store whole, and does every arm of every index hold and answer just what the store says?

`arms` compares what an index holds, `answers` what it answers: by words like an index made again from the log, by
meaning like an exact scan. `leftovers` looks for files that an interrupted write left behind, and `plan` says what a
rebuild would have to do.
"""

from patina.verify.answers import Twin, answer_faults
from patina.verify.arms import index_faults
from patina.verify.leftovers import leftovers
from patina.verify.plan import rebuild_steps

__all__ = ["Twin", "answer_faults", "index_faults", "leftovers", "rebuild_steps"]
