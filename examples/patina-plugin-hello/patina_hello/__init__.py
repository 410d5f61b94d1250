"""One small plugin of every kind for Patina."""

__version__ = "0.1.0"
