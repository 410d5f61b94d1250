"""Who comes in through the door, and as whom: decided before a byte of the body is read."""

import json
import logging
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, get_args

import httpx
import pytest

from patina import wire
from patina.access import KeyRing, needed
from patina.access.scopes import ADMIN
from patina.errors import Denied, InsufficientScope, Refused
from patina.testing import FakeService
from patina.testing.samples import REQUESTS
from patina.types import Endpoint, Scope, Secret
from patina_http.admission import Admission
from patina_http.app import application
from patina_http.dialer import HttpDialer
from patina_http.door import HttpDoor
from patina_http.routes import OPEN, scopes_for
from patina_http.settings import HttpSettings

JSON = {"content-type": "application/json"}
QUESTION = b'{"query":"lamp"}'
HUGE = "Content-Length: 1000000000\r\n"

Exchange = Callable[[httpx.AsyncClient, bytes], Awaitable[bytes]]
Until = Callable[[Callable[[], object]], Awaitable[None]]
Opened = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


@pytest.fixture
def ring(tmp_path: Path) -> KeyRing:
    return KeyRing(tmp_path / "data")


@pytest.fixture
def guarded(opened: Opened, tmp_path: Path) -> Opened:
    """Opens a door that asks everybody for a key."""

    def opening(**settings: Any) -> AbstractAsyncContextManager[httpx.AsyncClient]:
        return opened(**{"home": str(tmp_path), "require_key": True, **settings})

    return opening


def made(ring: KeyRing, *scopes: Scope) -> str:
    return ring.create("test", scopes or ("read",))[1].reveal()


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


def head(*lines: str, path: str = "/api/scry") -> bytes:
    given = "".join(f"{line}\r\n" for line in lines)
    return f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{given}{HUGE}\r\n".encode()


async def ask(http: httpx.AsyncClient, **headers: str) -> httpx.Response:
    return await http.post("/api/scry", content=QUESTION, headers={**JSON, **headers})


def check_denied(answer: httpx.Response) -> None:
    error = answer.json()["error"]
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert (error["code"], error["type"]) == ("denied", "authentication_error")
    assert error["request_id"] == answer.headers["x-request-id"]


def expired(ring: KeyRing) -> str:
    key = made(ring)
    content = json.loads(ring.path.read_bytes())
    content["keys"][-1]["expires"] = content["keys"][-1]["created"] - 1
    ring.path.write_text(json.dumps(content))
    return key


def revoked(ring: KeyRing) -> str:
    key, text = ring.create("test", ("admin",))
    ring.revoke(key.id)
    return text.reveal()


SHOWN: dict[str, Callable[[KeyRing], dict[str, str]]] = {
    "none": lambda _: {},
    "empty": lambda _: {"authorization": "Bearer"},
    "no key at all": lambda _: bearer("unused"),
    "of another home": lambda ring: bearer(made(KeyRing(ring.path.parent / "other"))),
    "cut short": lambda ring: bearer(made(ring)[:-1]),
    "mistyped": lambda ring: bearer(made(ring)[:-9] + "x" + made(ring)[-8:]),
    "expired": lambda ring: bearer(expired(ring)),
    "revoked": lambda ring: bearer(revoked(ring)),
    "another scheme": lambda ring: {"authorization": f"Basic {made(ring)}"},
    "two keys": lambda ring: {**bearer(made(ring)), "x-api-key": made(ring)},
}


@pytest.mark.parametrize("shown", SHOWN.values(), ids=SHOWN)
async def test_without_a_good_key_nobody_comes_in(
    guarded: Opened, service: FakeService, ring: KeyRing, shown: Callable[[KeyRing], dict[str, str]]
) -> None:
    async with guarded() as http:
        check_denied(await ask(http, **shown(ring)))
    assert not service.requests


@pytest.mark.parametrize("name", ["bearer", "x-api-key"])
async def test_a_key_is_shown_in_one_of_two_ways(
    guarded: Opened, service: FakeService, ring: KeyRing, name: str
) -> None:
    key = made(ring)
    shown = {"authorization": f"bEARER {key}"} if name == "bearer" else {name: key}
    async with guarded() as http:
        assert (await ask(http, **shown)).status_code == 200
    (caller,) = service.callers
    assert caller.name == f"key {key.split('_')[1]}"
    assert caller.scopes == ("read",)
    assert caller.request_id


@pytest.mark.parametrize(
    ("path", "scope"),
    [("/api/index", "write"), ("/api/embed/batch", "embed"), ("/v1/embeddings", "embed"), ("/admin/reload", "admin")],
)
async def test_a_key_without_the_scope_is_told_which(
    guarded: Opened, service: FakeService, ring: KeyRing, path: str, scope: Scope
) -> None:
    async with guarded() as http:
        answer = await http.post(path, content=b"{}", headers=JSON | bearer(made(ring, "read")))
        assert answer.status_code == 403
        assert answer.json()["error"]["code"] == "insufficient_scope"
        assert answer.json()["error"]["type"] == "permission_error"
        assert scope in answer.json()["error"]["message"]
        for enough in (scope, "admin"):
            answer = await http.post(path, content=b"{}", headers=JSON | bearer(made(ring, enough)))
            assert answer.status_code in {400, 404}
    assert not service.requests


async def test_whose_route_is_refused_is_written_down(guarded: Opened, ring: KeyRing, tmp_path: Path) -> None:
    """The engine never hears of it. A question that is refused changes nothing, and is not."""
    key = made(ring, "embed")
    async with guarded() as http:
        answer = await http.post("/api/index?text=harbour", content=b"{}", headers=JSON | bearer(key))
        await ask(http, **bearer(key))
    (line,) = (tmp_path / "logs" / "audit.log").read_text().splitlines()
    told = json.loads(line)
    assert (told["who"], told["action"], told["outcome"]) == (
        f"key {key.split('_')[1]}",
        "/api/index",
        "insufficient_scope",
    )
    assert told["request_id"] == answer.headers["x-request-id"]


async def test_to_write_is_to_read_too(guarded: Opened, ring: KeyRing) -> None:
    async with guarded() as http:
        assert (await ask(http, **bearer(made(ring, "write")))).status_code == 200
        assert (await ask(http, **bearer(made(ring, "embed")))).status_code == 403
        assert (await http.get("/v1/models", headers=bearer(made(ring, "embed")))).status_code == 200


async def test_the_answer_comes_before_the_body(
    guarded: Opened, service: FakeService, ring: KeyRing, exchange: Exchange
) -> None:
    """A gigabyte is announced and never sent: who waited for it would not answer."""
    weak = made(ring, "embed")
    async with guarded(requests_per_s=0.001, request_burst=1) as http:
        assert (await exchange(http, head(f"Authorization: Bearer {weak}"))).startswith(b"HTTP/1.1 403 ")
        assert (await exchange(http, head(f"Authorization: Bearer {weak}"))).startswith(b"HTTP/1.1 429 ")
        assert (await exchange(http, head())).startswith(b"HTTP/1.1 401 ")
        assert (await exchange(http, head())).startswith(b"HTTP/1.1 429 ")
    assert not service.requests


async def test_a_key_counts_from_the_next_request_on(guarded: Opened, ring: KeyRing) -> None:
    async with guarded() as http:
        check_denied(await ask(http))
        key, text = ring.create("late", ("read",))
        assert (await ask(http, **bearer(text.reveal()))).status_code == 200
        ring.revoke(key.id)
        check_denied(await ask(http, **bearer(text.reveal())))


async def test_the_use_of_a_key_is_remembered(guarded: Opened, ring: KeyRing, until: Until) -> None:
    key = made(ring)
    async with guarded() as http:
        for _ in range(3):
            await ask(http, **bearer(key))
        await until(lambda: ring.known()[0].used)


async def test_on_this_machine_no_key_is_needed_but_a_bad_one_is_refused(
    opened: Opened, service: FakeService, ring: KeyRing, tmp_path: Path
) -> None:
    """Clients of OpenAI's interface always send something; only what looks like ours is meant."""
    weak = made(ring, "embed")
    async with opened(home=str(tmp_path)) as http:
        assert (await ask(http)).status_code == 200
        assert (await ask(http, **bearer("unused"))).status_code == 200
        check_denied(await ask(http, **bearer(revoked(ring))))
        check_denied(await ask(http, **bearer("pat_")))
        assert (await ask(http, **bearer(weak))).status_code == 403
    assert [caller.scopes for caller in service.callers] == [None, None]


@pytest.mark.parametrize("name", ["X-Forwarded-For", "Forwarded", "Via", "X-Real-IP"])
async def test_what_was_forwarded_is_not_from_this_machine(opened: Opened, name: str) -> None:
    async with opened() as http:
        check_denied(await ask(http, **{name: "127.0.0.1"}))


async def test_probes_need_no_key(guarded: Opened) -> None:
    async with guarded(requests_per_s=0.001, request_burst=1) as http:
        for _ in range(3):
            assert (await http.get("/health")).status_code == 200
            assert (await http.get("/ready")).status_code == 200
        check_denied(await http.get("/nowhere"))


async def test_keys_that_others_may_read_let_nobody_in(
    guarded: Opened, ring: KeyRing, caplog: pytest.LogCaptureFixture
) -> None:
    key = made(ring)
    ring.path.chmod(0o644)
    async with guarded(requests_per_s=0.001, request_burst=1) as http:
        with caplog.at_level(logging.ERROR):
            answer = await ask(http, **bearer(key))
            assert (await ask(http, **bearer(key))).status_code == 429, "it would fill the log"
        assert answer.status_code == 503
        assert str(ring.path) not in answer.text
        assert str(ring.path) in caplog.text
        ring.path.chmod(0o600)


async def test_beyond_this_machine_nothing_opens_without_a_key(tmp_path: Path, ring: KeyRing) -> None:
    door = HttpDoor(HttpSettings(host="0.0.0.0", home=str(tmp_path)))
    for lets_nobody_in in (lambda: None, lambda: revoked(ring), lambda: expired(ring)):
        lets_nobody_in()
        with pytest.raises(Refused, match=r"0\.0\.0\.0") as refused:
            async with door.listen(FakeService()):
                pass
        assert "patina key create" in refused.value.hint


async def test_beyond_this_machine_everybody_needs_a_key(opened: Opened, ring: KeyRing, tmp_path: Path) -> None:
    key = made(ring)
    async with opened(host="0.0.0.0", home=str(tmp_path), allow_hosts=("patina.example",)) as http:
        check_denied(await ask(http))
        check_denied(await ask(http, **bearer("unused")))
        assert (await ask(http, **bearer(key))).status_code == 200
        assert (await ask(http, host="patina.example", **bearer(key))).status_code == 200
        assert (await ask(http, host="evil.example", **bearer(key))).status_code == 421


async def test_our_own_client_shows_its_key(guarded: Opened, ring: KeyRing) -> None:
    async with guarded() as http:
        endpoint = Endpoint("http", f"{http.base_url.host}:{http.base_url.port}")
        dialer = HttpDialer(HttpSettings())
        async with dialer.connect(endpoint, Secret(made(ring))) as remote:
            assert isinstance(await remote.handle(wire.Ping()), wire.Pong)
        async with dialer.connect(endpoint, None) as remote:
            with pytest.raises(Denied, match="takes a key"):
                await remote.handle(wire.Ping())
        async with dialer.connect(endpoint, Secret(made(ring))) as remote:
            ring.revoke(ring.known()[-1].id)
            with pytest.raises(Denied, match="revoked") as denied:
                await remote.handle(wire.Ping())
        assert not isinstance(denied.value, InsufficientScope)


def test_every_route_has_a_row() -> None:
    """A route that has none is the administrator's, which is safe and hardly meant."""
    settings = HttpSettings()
    guard = application(FakeService(), settings, "127.0.0.1:1", Admission(settings, beyond=False))
    paths = [route.path for route in guard._app.routes]  # type: ignore[attr-defined]
    forgotten = [path for path in paths if path not in OPEN and scopes_for(path) == ADMIN]
    assert not [path for path in forgotten if not path.startswith("/admin/")]


@pytest.mark.parametrize(
    ("path", "scopes"),
    [
        ("/api/scry/", {"read"}),
        ("/api/embedding", {"admin"}),
        ("/nowhere", {"admin"}),
        ("/api/x/../scry", {"admin"}),
        ("", {"embed"}),
        ("/v1/models/a/b", {"read", "embed"}),
    ],
)
def test_rows_count_for_what_lies_below(path: str, scopes: set[str]) -> None:
    assert scopes_for(path) == scopes


def test_every_request_has_a_row() -> None:
    """Those that need `admin` are known by name: whatever is new and was forgotten shows up here."""
    asked = [request for request in REQUESTS if not isinstance(request, wire.Start)]
    assert {type(request) for request in asked} == set(get_args(wire.AnyRequest)) - {wire.Start}
    assert {type(request) for request in asked if needed(request) == ADMIN} == {
        wire.IndexPaths,
        wire.Rebuild,
        wire.PlanRebuild,
        wire.Verify,
        wire.Backup,
        wire.Shutdown,
        wire.ClearCache,
    }


def test_what_begins_a_job_needs_what_the_job_needs() -> None:
    assert needed(wire.Start(work=wire.IndexPaths(paths=["/"]))) == {"admin"}
    assert needed(wire.Start(work=wire.Index(repo="x", documents=[]))) == {"write"}
