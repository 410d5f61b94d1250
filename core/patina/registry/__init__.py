"""Finds plugins, collects what they offer, reports the broken ones, and builds what the configuration chooses."""

from patina.registry.offers import Noun
from patina.registry.plugins import Plugin
from patina.registry.registry import Registry

__all__ = ["Noun", "Plugin", "Registry"]
