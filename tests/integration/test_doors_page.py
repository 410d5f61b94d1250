"""docs/reference/protocol.md: its client works, and what it lists is what there is."""

import asyncio
import re
import sys
import tempfile
from pathlib import Path

import httpx

from patina.testing import FakeService
from patina_http.door import HttpDoor
from patina_http.settings import HttpSettings
from patina_unix.door import UnixDoor
from patina_unix.settings import UnixSettings

PAGE = (Path(__file__).resolve().parents[2] / "docs/reference/protocol.md").read_text("utf-8")


async def test_the_client_of_the_page_works(tmp_path: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "client.py").write_text(code)
    with tempfile.TemporaryDirectory(prefix="p-") as folder:
        path = f"{folder}/p.sock"
        async with UnixDoor(UnixSettings(socket=path)).listen(FakeService()):
            asking = await asyncio.create_subprocess_exec(
                sys.executable, "-I", str(tmp_path / "client.py"), path, stdout=asyncio.subprocess.PIPE
            )
            printed, _ = await asyncio.wait_for(asking.communicate(), 60)
    assert (asking.returncode, printed) == (0, b"a/b.md:3\n")


async def test_every_route_of_the_page_exists() -> None:
    routes = re.findall(r"`(GET|POST) (/[\w/]+)`", PAGE)
    assert len(routes) >= 9
    async with (
        HttpDoor(HttpSettings()).listen(FakeService()) as (endpoint,),
        httpx.AsyncClient(base_url=str(endpoint), timeout=30) as client,
    ):
        for method, path in routes:
            answer = await client.request(method, path.replace("NAME", "fake"))
            assert answer.status_code in {200, 400}, f"{method} {path}: {answer.text}"


def test_the_limits_of_the_page_are_the_defaults() -> None:
    http, unix = HttpSettings(), UnixSettings()
    written = [
        f"{unix.max_frame_bytes >> 20} MiB (`max_frame_bytes`)",
        f"within {unix.hello_timeout_s:g} s",
        f"{unix.max_in_flight} are under way",
        f"has {unix.frame_timeout_s:g} s to finish",
        f"{http.max_body_bytes >> 20} MiB (`max_body_bytes`",
        f"more than {http.body_timeout_s:g} s",
    ]
    assert not [words for words in written if words not in PAGE]
