"""Writing, as the engine does it: one follower and one writer at a time for each collection."""

from patina.indexing.errand import Errand
from patina.indexing.indexing import Indexing

__all__ = ["Errand", "Indexing"]
