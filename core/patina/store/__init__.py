"""The truth: collections, documents, chunks, vectors, cursors, jobs and the log of every change, in one SQLite file.

What an index holds is derived from here and may be lost. A write is a document with all of its chunks, or its
removal; it is acknowledged when it is on the disk, and a reader sees all of it or nothing.
"""

from patina.store.records import (
    Ack,
    Collection,
    Counts,
    Entry,
    Failure,
    JobMark,
    JobRecord,
    JobState,
    Sizes,
    Waiting,
    Write,
)
from patina.store.store import Store

__all__ = [
    "Ack",
    "Collection",
    "Counts",
    "Entry",
    "Failure",
    "JobMark",
    "JobRecord",
    "JobState",
    "Sizes",
    "Store",
    "Waiting",
    "Write",
]
