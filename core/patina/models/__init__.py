"""Hot models: each loaded once, kept while it is wanted, with a fair queue in front of it."""

from patina.models.pool import Model, ModelPool
from patina.models.queue import FairQueue, Lane, Result

__all__ = ["FairQueue", "Lane", "Model", "ModelPool", "Result"]
