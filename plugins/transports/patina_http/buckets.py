"""How often somebody may ask: a bucket of tokens each, filled steadily, a token a request."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address, ip_network
from typing import NamedTuple

from patina.errors import RateLimited

MAX_BUCKETS = 10_000
"""When there are more, the one that was not used for the longest time is forgotten, and is full again."""
IPV6_PREFIX = 64
"""What one customer of a provider has at least: who has one of these addresses has them all."""


class _Level(NamedTuple):
    tokens: float
    at_s: float


class Buckets:
    """Buckets by name. `rate_per_s` 0 means that nobody is limited."""

    def __init__(self, rate_per_s: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate_per_s = rate_per_s
        self._burst = float(burst)
        self._clock = clock
        self._levels: OrderedDict[str, _Level] = OrderedDict()

    @property
    def limits(self) -> bool:
        """Whether anybody can be stopped at all."""
        return self._rate_per_s > 0

    def __len__(self) -> int:
        return len(self._levels)

    def take(self, name: str) -> None:
        """A token of this bucket. Raises `RateLimited`, saying when there will be one."""
        if not self.limits:
            return
        now = self._clock()
        tokens, at_s = self._levels.get(name, _Level(self._burst, now))
        tokens = min(self._burst, tokens + (now - at_s) * self._rate_per_s)
        enough = tokens >= 1
        self._levels[name] = _Level(tokens - enough, now)
        self._levels.move_to_end(name)
        if len(self._levels) > MAX_BUCKETS:
            self._levels.popitem(last=False)
        if not enough:
            raise RateLimited(
                f"More than {self._rate_per_s:g} requests a second come from here.",
                hint="Wait as long as Retry-After says.",
                retry_after_s=(1 - tokens) / self._rate_per_s,
            )


def network_of(address: str) -> str:
    """Whom an address counts for: itself, or all of its owner's where there are very many."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(found, IPv6Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ip_network((found, IPV6_PREFIX), strict=False))
