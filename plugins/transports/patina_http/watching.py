"""What is counted, in the form that Prometheus reads; which models there are; and the cache of vectors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from litestar import Response, delete, get, post

from patina import wire
from patina_http.answer import Asked, body_as, reply_to, told

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric


@get("/metrics")
async def metrics(request: Asked) -> Response[bytes]:
    """Counters, gauges and histograms since the start."""
    from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest  # a tenth of a second to import

    found = await reply_to(request, wire.Metrics())
    return Response(generate_latest(_Collected(found.measures)), media_type=CONTENT_TYPE_PLAIN_0_0_4)


@get("/api/models")
async def models(request: Asked) -> Response[bytes]:
    """How each model is. Loads none."""
    return told(await reply_to(request, wire.Models()))


@get("/api/model")
async def model(request: Asked) -> Response[bytes]:
    """How one is, the default if none is named. Loads none."""
    known = await reply_to(request, wire.Models())
    name = request.query_params.get("name")
    return told(known.entry(name) if name else known.models[0])


@get("/api/cache")
async def cache(request: Asked) -> Response[bytes]:
    return told(await reply_to(request, wire.CacheStats()))


@delete("/api/cache", status_code=200)
async def clear(request: Asked) -> Response[bytes]:
    return told(await reply_to(request, wire.ClearCache()))


@post("/api/cache/warm", status_code=200)
async def warm(request: Asked) -> Response[bytes]:
    return told(await reply_to(request, await body_as(request, wire.WarmCache)))


class _Collected:
    """Stands where prometheus_client has a registry of meters of its own."""

    def __init__(self, measures: list[wire.Measure]) -> None:
        self._measures = measures

    def collect(self) -> Iterator[Metric]:
        from prometheus_client.metrics_core import Metric

        for measure in self._measures:
            family = Metric(measure.name, measure.about, measure.kind)
            for sample in measure.samples:
                _add(family, measure, sample)
            yield family


def _add(family: Metric, measure: wire.Measure, sample: wire.Sample) -> None:
    if measure.kind != "histogram":
        ending = "_total" if measure.kind == "counter" else ""
        family.add_sample(f"{measure.name}{ending}", sample.labels, sample.value)
        return
    bounds = [*map(str, measure.bounds), "+Inf"]
    for bound, count in zip(bounds, sample.buckets, strict=True):
        family.add_sample(f"{measure.name}_bucket", sample.labels | {"le": bound}, count)
    family.add_sample(f"{measure.name}_count", sample.labels, sample.buckets[-1])
    family.add_sample(f"{measure.name}_sum", sample.labels, sample.value)


ROUTES = [metrics, models, model, cache, clear, warm]
