"""Models named by a hub's id, with a hub of our own on this machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

COMMIT = "c0ffee" + "0" * 34
ASK = """
import sys
from patina.errors import PatinaError
from patina_onnx.embedder import OnnxEmbedder
from patina_onnx.settings import OnnxSettings
try:
    embedder = OnnxEmbedder(OnnxSettings(model=sys.argv[1]))
    print(embedder.info.name, embedder.embed(embedder.tokenize(["lamp"], "query")).vectors.shape)
except PatinaError as error:
    print(error.code, error)
"""

Ask = Callable[..., str]


@pytest.fixture
def hub(make_model: Callable[..., Path]) -> Iterator[str]:
    """The address of a hub with one model, "lamps/tiny"; it answers as much as a client asks."""
    folder = make_model()
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    tree = [
        {"type": "file", "path": name, "size": len(data), "oid": sha256(data).hexdigest()}
        for name, data in files.items()
    ]

    class Hub(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = self.path.split("?")[0].strip("/").split("/")
            if parts[:5] == ["api", "models", "lamps", "tiny", "tree"]:
                self._send(json.dumps(tree).encode())
            elif parts[:4] == ["api", "models", "lamps", "tiny"]:
                self._send(json.dumps({"id": "lamps/tiny", "sha": COMMIT, "siblings": [], "private": False}).encode())
            elif parts[:3] == ["lamps", "tiny", "resolve"] and parts[-1] in files:
                self._send(files[parts[-1]])
            else:
                self._send(b"{}", 404, {"X-Error-Code": "RepoNotFound"})

        do_HEAD = do_GET

        def _send(self, body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> None:
            self.send_response(status)
            etag = f'"{sha256(body).hexdigest()}"'
            for name, value in {"ETag": etag, "X-Repo-Commit": COMMIT, **(headers or {})}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def ask(tmp_path: Path) -> Ask:
    """Embed with a model in a process of its own, for the hub's client reads the environment once."""

    def run(model: str, **environment: str) -> str:
        env = {**os.environ, "HF_HOME": str(tmp_path / "hf"), "HF_HUB_DISABLE_TELEMETRY": "1", **environment}
        command = [sys.executable, "-c", ASK, model]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, env=env)
        return done.stdout or done.stderr

    return run


def test_a_model_is_downloaded_once_and_kept(hub: str, ask: Ask) -> None:
    assert ask("lamps/tiny", HF_ENDPOINT=hub) == "lamps/tiny (1, 16)\n"
    assert ask("lamps/tiny", HF_HUB_OFFLINE="1") == "lamps/tiny (1, 16)\n"
    assert ask("lamps/tiny", HF_ENDPOINT="http://127.0.0.1:9") == "lamps/tiny (1, 16)\n"


def test_an_unknown_model_is_not_found(hub: str, ask: Ask) -> None:
    answer = ask("lamps/none", HF_ENDPOINT=hub)
    assert answer.startswith("model_not_found")
    assert "lamps/none" in answer


@pytest.mark.parametrize("environment", [{"HF_ENDPOINT": "http://127.0.0.1:9"}, {"HF_HUB_OFFLINE": "1"}])
def test_without_a_hub_the_next_step_is_named(ask: Ask, environment: dict[str, str]) -> None:
    answer = ask("lamps/tiny", **environment)
    assert answer.startswith("unavailable")
    assert "lamps/tiny" in answer
    assert "multilingual-e5-small" in answer
