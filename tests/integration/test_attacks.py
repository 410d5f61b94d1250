"""A real daemon under attack, over the network and from inside: what it answers, and what it gives away.

The attacks on a request's head and body are in tests/unit/http: `test_http_guard.py` (foreign hosts and origins, other
media types, broken and compressed JSON, ambiguous lengths), `test_http_keys.py`, `test_http_limits.py`; those by way of
a model's files in tests/unit/onnx/test_onnx_outline.py.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from patina.testing import engine
from patina_http.door import HttpDoor
from patina_http.settings import HttpSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.integration.conftest import House

LIMIT_S = 60
CROWD = 200
HOSTILE_NAMES = ("../../etc/passwd", "/etc/passwd", "someone/model", "file:///etc/passwd", "%2e%2e%2fpasswd")
MODEL_ROUTES = {"/v1/embeddings": "input", "/api/embed": "text"}


@contextmanager
def serving(house: House, **settings: str) -> Iterator[httpx.Client]:
    """A daemon with these settings (PATINA_…), and a client of its HTTP door."""
    house.env |= {f"PATINA_{name}": value for name, value in settings.items()}
    with (
        house.serving() as daemon,
        httpx.Client(base_url=daemon.addresses()[0], timeout=LIMIT_S, verify=False) as http,  # noqa: S501
    ):
        yield http


def made(house: House, *scopes: str) -> dict[str, str]:
    """The header that shows a new key."""
    words = [word for scope in scopes for word in ("--scope", scope)]
    return {"authorization": f"Bearer {house.json('key', 'create', '--label', 'test', *words)['key']}"}


def code(answer: httpx.Response) -> str:
    error = answer.json()["error"]
    assert error["request_id"] == answer.headers["x-request-id"]
    return str(error["code"])


def listening_port(http: httpx.Client) -> tuple[str, int]:
    return http.base_url.host, http.base_url.port or 0


# -- coming in --------------------------------------------------------------------------------------------------------


def test_nothing_listens_beyond_this_machine_without_a_key(house: House) -> None:
    done = house.run("serve", "--host", "0.0.0.0")
    assert done.returncode == 6, done.stderr
    assert "patina key create" in done.stderr
    key = made(house, "read")
    with house.serving("--host", "0.0.0.0") as daemon, httpx.Client(base_url=daemon.addresses()[0]) as http:
        assert http.post("/api/request", json={"op": "ping"}).status_code == 401
        assert http.post("/api/request", json={"op": "ping"}, headers=key).status_code == 200


def test_a_scope_holds_for_every_request_by_whichever_route(house: House, notes: Path) -> None:
    """The general route too, whose scope only its body tells."""
    house.ok("index", notes)
    house.ok("daemon", "stop")
    with serving(house, DAEMON_REQUIRE_KEY="1") as http:
        reader, writer, embedder, owner = (made(house, scope) for scope in ("read", "write", "embed", "admin"))

        def status(key: dict[str, str], **request: Any) -> int:
            answer = http.post("/api/request", json=request, headers=key)
            assert answer.status_code != 403 or code(answer) == "insufficient_scope"
            return answer.status_code

        assert [status(key, op="scry", query="bread") for key in (reader, writer, embedder, owner)] == [
            200,
            200,
            403,
            200,
        ]
        assert [status(key, op="commit") for key in (reader, writer, embedder)] == [403, 200, 403]
        for request in (
            {"op": "index_paths", "paths": ["/etc"]},
            {"op": "start", "work": {"op": "index_paths", "paths": ["/etc"]}},
            {"op": "backup"},
            {"op": "shutdown"},
        ):
            assert [status(key, **request) for key in (reader, writer, embedder)] == [403, 403, 403], request
        assert status(owner, op="verify") == 200
    lines = [json.loads(line) for line in (house.home / "logs" / "audit.log").read_text().splitlines()]
    refused = {(line["who"], line["action"]) for line in lines if line["outcome"] == "insufficient_scope"}
    assert len(refused) == 3 * 4 + 2
    assert all(who.startswith("key ") for who, _ in refused)


def test_a_command_shows_its_key_to_the_mothership(house: House, notes: Path) -> None:
    house.ok("index", notes)
    house.ok("daemon", "stop")
    with serving(house, DAEMON_REQUIRE_KEY="1") as http:
        key = house.json("key", "create", "--label", "laptop", "--scope", "read")
        elsewhere = {"PATINA_MOTHERSHIP": str(http.base_url), "PATINA_KEY": key["key"]}
        assert "bread.md" in house.ok("scry", "how long is dough kneaded", env=elsewhere)
        refused = house.run("scry", "bread", env={"PATINA_MOTHERSHIP": str(http.base_url)})
        assert refused.returncode == 1
        assert "key" in refused.stderr
        house.ok("key", "revoke", key["id"])
        refused = house.run("scry", "bread", env=elsewhere)
        assert (refused.returncode, "revoked" in refused.stderr) == (1, True)
        assert key["key"] not in refused.stderr


def test_a_daemon_without_a_socket_asks_commands_too(house: House) -> None:
    house.env["PATINA_DAEMON_REQUIRE_KEY"] = "1"
    key = house.json("key", "create", "--label", "me", "--scope", "admin")["key"]
    with house.serving("--transport", "http") as daemon:
        daemon.addresses(1)
        refused = house.run("ping")
        assert (refused.returncode, "key" in refused.stderr) == (1, True)
        assert house.json("ping", env={"PATINA_KEY": key})["pid"] == daemon.process.pid
        house.ok("daemon", "stop", env={"PATINA_KEY": key})
        assert daemon.ends()[0] == 0


@pytest.mark.skipif(not shutil.which("strace"), reason="strace tells what a process touches")
def test_who_has_no_key_makes_the_daemon_touch_nothing(house: House, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    with serving(house, DAEMON_REQUIRE_KEY="1") as http:
        pid = str(house.json("ping")["pid"])
        command = ["strace", "-f", "-e", "trace=%file,connect,socket", "-o", str(trace), "-p", pid]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as watching:
            assert watching.stderr
            said = watching.stderr.readline()
            if "attached" not in said:
                pytest.skip(f"strace may not look: {said}")
            answers = [
                http.post(route, json={"model": name, field: "x"})
                for route, field in MODEL_ROUTES.items()
                for name in HOSTILE_NAMES
            ]
            watching.send_signal(signal.SIGINT)
        assert {answer.status_code for answer in answers} == {401}
    touched = [line for line in trace.read_text().splitlines() if "(" in line and "---" not in line]
    assert not touched


async def test_no_field_names_a_path_or_a_model_elsewhere(tmp_path: Path) -> None:
    async with (
        engine(tmp_path / "home") as patina,
        HttpDoor(HttpSettings()).listen(patina) as (endpoint,),
        httpx.AsyncClient(base_url=str(endpoint), timeout=LIMIT_S) as http,
    ):
        for route, field in MODEL_ROUTES.items():
            for name in HOSTILE_NAMES:
                answer = await http.post(route, json={"model": name, field: "x"})
                assert (answer.status_code, code(answer)) == (404, "model_not_found"), (route, name)


# -- giving away ------------------------------------------------------------------------------------------------------


def test_the_secret_of_a_key_is_nowhere(house: House) -> None:
    with serving(house, DAEMON_REQUIRE_KEY="1", DAEMON_LOG_LEVEL="debug") as http:
        key = made(house, "admin")
        secret = key["authorization"].rpartition("_")[2].encode()
        pid = http.post("/api/request", json={"op": "ping"}, headers=key).json()["pid"]
        http.post("/api/request", json={"op": "commit"}, headers=key)
        http.post("/api/scry", json={"query": 1}, headers=key)
        process = [Path(f"/proc/{pid}/{part}") for part in ("cmdline", "environ")]
        files = [path for path in house.home.rglob("*") if path.is_file()]
        assert {"keys.json", "audit.log"} <= {path.name for path in files}
        assert not [path for path in [*files, *process] if path.exists() and secret in path.read_bytes()]


def test_the_log_has_no_secret_and_no_question(house: House) -> None:
    canary = "kestrel-over-heather"
    with ExitStack() as stack:
        house.env |= {"PATINA_KEY": canary, "PATINA_DAEMON_LOG_LEVEL": "info"}
        daemon = stack.enter_context(house.serving())
        http = stack.enter_context(httpx.Client(base_url=daemon.addresses()[0]))
        for headers in (
            {"authorization": f"Bearer {canary}"},
            {"authorization": f"Bearer pat_{canary}"},
            {"x-api-key": f"pat_{canary}"},
            {"cookie": f"session={canary}"},
        ):
            http.post(f"/api/scry?token={canary}", json={"query": f"where is {canary}"}, headers=headers)
            http.post(f"/api/index?key={canary}", json={"repo": "x", "documents": [{"text": canary}]}, headers=headers)
        http.post("/api/request", json={"op": "scry", "query": canary, "mode": canary})
        status, said = daemon.ends(signal.SIGTERM)
    assert status == 0, said
    assert "refused" in said
    assert canary not in said
    assert canary not in (house.home / "logs" / "audit.log").read_text()


def test_errors_tell_no_path_and_no_trace(house: House) -> None:
    with serving(house) as http:
        answers = [
            http.get("/nowhere"),
            http.get("/api/scry"),
            http.post("/api/scry", content=b"{", headers={"content-type": "application/json"}),
            http.post("/api/scry", json={"query": "x", "repos": ["nowhere"]}),
            http.post("/api/embed", json={"text": "x"}),
            http.post("/api/request", json={"op": "show_job", "id": 99}),
            http.post("/api/scry", json={"query": "x"}, headers={"authorization": "Bearer pat_x"}),
            http.post("/api/scry", json={"query": "x"}, headers={"host": "evil.example"}),
        ]
    assert {answer.status_code for answer in answers} <= {400, 401, 404, 405, 409, 421, 500, 503}
    for answer in answers:
        assert code(answer)
        for given_away in (str(house.home.parent), "Traceback", 'File "', sys.prefix):
            assert given_away not in answer.text


# -- holding up -------------------------------------------------------------------------------------------------------


def test_a_crowd_of_slow_senders_holds_up_nobody(house: House) -> None:
    """Half never end their head, half never end their body; all are sent away, and probes get through meanwhile."""
    head = b"POST /api/scry HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n"
    with (
        serving(house, TRANSPORTS_HTTP_HEAD_TIMEOUT_S="3", TRANSPORTS_HTTP_BODY_TIMEOUT_S="3") as http,
        ExitStack() as stack,
    ):
        crowd = []
        for number in range(CROWD):
            line = stack.enter_context(socket.create_connection(listening_port(http), timeout=LIMIT_S))
            line.sendall(head if number % 2 else head + b"\r\n{")
            crowd.append(line)
        for _ in range(20):
            assert http.get("/health").status_code == 200
            assert http.post("/api/scry", json={"query": "x"}).status_code == 200
        assert {line.recv(12) for line in crowd} == {b"HTTP/1.1 408"}


def test_a_flood_is_stopped_and_told_when_to_come_again(house: House) -> None:
    settings = {"TRANSPORTS_HTTP_REQUESTS_PER_S": "0.1", "TRANSPORTS_HTTP_REQUEST_BURST": "10"}
    with serving(house, DAEMON_REQUIRE_KEY="1", **settings) as http:
        greedy, modest = made(house, "read"), made(house, "read")

        def asked(times: int, **headers: str) -> list[httpx.Response]:
            return [http.post("/api/request", json={"op": "ping"}, headers=headers) for _ in range(times)]

        answers = asked(50, **greedy)
        assert [answer.status_code for answer in answers] == [200] * 10 + [429] * 40
        assert 1 <= int(answers[-1].headers["retry-after"]) <= 10
        spoofed = [asked(1, **greedy, **{"x-forwarded-for": f"192.0.2.{last}"})[0].status_code for last in range(5)]
        assert spoofed == [429] * 5
        assert [answer.status_code for answer in asked(10, **modest)] == [200] * 10
        assert house.json("ping")["pid"], "the socket has no such limit"


def test_a_hostile_model_is_refused_and_the_daemon_lives(house: House, tmp_path: Path) -> None:
    helper = pytest.importorskip("onnx.helper")
    folder = tmp_path / "hostile"
    folder.mkdir()
    (folder / "tokenizer.json").write_text("{}")
    (tmp_path / "secret").write_bytes(b"\0" * 64)
    with serving(house, EMBEDDERS_ONNX_MODEL=str(folder)) as http:
        for model in hostile_models(helper, tmp_path):
            (folder / "model.onnx").write_bytes(model)
            answer = http.post("/api/embed", json={"text": "x"})
            assert answer.status_code >= 400
            assert http.post("/api/request", json={"op": "ping"}).status_code == 200
    assert os.stat(tmp_path / "secret").st_size == 64  # noqa: PTH116


def hostile_models(helper: Any, outside: Path) -> Iterator[bytes]:
    """Weights elsewhere, by way of "..", absolutely and through a link; a size that nobody has; half a file."""
    from onnx import TensorProto, external_data_helper

    (outside / "hostile" / "link").symlink_to(outside)

    def model(tensor: Any) -> bytes:
        value = helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, [1, 16])
        node = helper.make_node("Identity", ["w"], ["last_hidden_state"])
        graph = helper.make_graph([node], "g", [], [value], initializer=[tensor])
        return bytes(helper.make_model(graph).SerializeToString())

    for location in ("../secret", str(outside / "secret"), "link/secret"):
        tensor = helper.make_tensor("w", TensorProto.FLOAT, [1, 16], b"\0" * 64, raw=True)
        external_data_helper.set_external_data(tensor, location)
        tensor.ClearField("raw_data")
        yield model(tensor)
    huge = helper.make_tensor("w", TensorProto.FLOAT, [1], b"\0" * 4, raw=True)
    huge.dims[0] = 1 << 40
    yield model(huge)
    yield model(helper.make_tensor("w", TensorProto.FLOAT, [1, 16], b"\0" * 64, raw=True))[:40]
