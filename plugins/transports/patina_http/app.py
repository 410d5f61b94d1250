"""The application: the routes, the error mapping and the guard around both."""

from __future__ import annotations

import time

from litestar import Litestar, Response
from litestar.datastructures import State
from litestar.types import ASGIApp

from patina.protocols import Service
from patina_http import api, ollama, openai, tei, watching
from patina_http.admission import Admission
from patina_http.answer import Asked, json
from patina_http.checks import Policy, host_name
from patina_http.errors import problem_of
from patina_http.guard import Guard
from patina_http.settings import HttpSettings

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})


def application(service: Service, settings: HttpSettings, address: str, admission: Admission) -> ASGIApp:
    """The ASGI application for a door that is bound to `address`.

    Nothing of the framework's own is switched on: no documentation pages (they load scripts from elsewhere), no log
    configuration (it starts a thread), no limit on bodies (the guard has one).
    """
    app = Litestar(
        route_handlers=[*api.ROUTES, *openai.ROUTES, *ollama.ROUTES, *tei.ROUTES, *watching.ROUTES],
        exception_handlers={Exception: _problem},
        state=State({"service": service, "settings": settings, "began": time.monotonic()}),
        logging_config=None,
        openapi_config=None,
        request_max_body_size=None,
    )
    return Guard(app, _policy(settings, address), admission, settings)


def _policy(settings: HttpSettings, address: str) -> Policy:
    ours = {host_name(name) for name in [*settings.allow_hosts, settings.host, address] if name}
    return Policy(
        hosts=LOOPBACK_NAMES | ours,
        max_body_bytes=settings.max_body_bytes,
    )


def _problem(request: Asked, error: Exception) -> Response[bytes]:
    request_id = request.scope["state"]["request_id"]
    problem = problem_of(error, request_id)
    body = problem.plain() if request.state.get("plain") else problem.body(request_id)
    answer = json(body, problem.status)
    answer.headers.update(problem.headers)
    return answer
