"""One face for whoever asks: a daemon on this machine, one elsewhere, or an engine in the same process.

async with connect() as client:                    # this home's daemon
    hits = await client.scry("how is a file locked?")
"""

from patina.client.address import DEFAULT_PORT, endpoint_of
from patina.client.client import Client
from patina.client.connect import connect

__all__ = ["DEFAULT_PORT", "Client", "connect", "endpoint_of"]
