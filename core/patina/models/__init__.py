"""Hot models: each loaded once, kept while it is wanted, with a fair queue in front of it."""

from patina.models.passage import VERSION as PASSAGE_VERSION
from patina.models.passage import passage
from patina.models.pool import Model, ModelPool
from patina.models.queue import FairQueue, Lane, Result

__all__ = ["PASSAGE_VERSION", "FairQueue", "Lane", "Model", "ModelPool", "Result", "passage"]
