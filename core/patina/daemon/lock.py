"""The home's lock, under the name that the daemon knows it by."""

from patina.lock import HomeLock

__all__ = ["HomeLock"]
