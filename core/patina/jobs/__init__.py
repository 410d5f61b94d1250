"""Work that goes on whether or not anybody watches, and whose row outlives the process."""

from patina.jobs.jobs import MAX_RUNNING, MAX_WAITING, Jobs
from patina.jobs.record import shown

__all__ = ["MAX_RUNNING", "MAX_WAITING", "Jobs", "shown"]
