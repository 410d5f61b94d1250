"""Hot models: each loaded once, kept while it is wanted, with a fair queue in front of it."""

from patina.models.cache import Cache
from patina.models.model import Model
from patina.models.pool import ModelPool
from patina.models.queue import FairQueue, Lane, Result

__all__ = ["Cache", "FairQueue", "Lane", "Model", "ModelPool", "Result"]
