"""docs/reference/hooks.md says what the code says, and every example on it runs."""

from __future__ import annotations

import ast
import inspect
import re
import tomllib
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pytest

from patina import Settings, hookspecs
from patina.cli._app import COMMANDS, GROUPS
from patina.config import load
from patina.hookspecs import Offer, TransportOffer
from patina.protocols import Deployer, Dialer, Door, Embedder, Index
from patina.registry import Registry
from patina.testing import engine

from ..environment import EXAMPLE
from .pages import PAGES, Block, blocks, sections

TEXT = (PAGES / "reference" / "hooks.md").read_text()
SECTIONS = sections(TEXT)
HOOKS: dict[str, Callable[..., Any]] = {
    name: hook for name, hook in vars(hookspecs).items() if name.startswith("patina_")
}
PROTOCOLS = {"patina_embedders": Embedder, "patina_indexes": Index, "patina_deployers": Deployer}
HELLO = EntryPoint(name="hello", value="patina_hello.plugin", group="patina")


@pytest.fixture(autouse=True)
def _hello(monkeypatch: pytest.MonkeyPatch) -> None:
    """The page quotes the example plugin: it can be imported here, and nothing more."""
    monkeypatch.syspath_prepend(str(EXAMPLE))


def signature(hook: Callable[..., Any]) -> str:
    return f"{hook.__name__}{inspect.signature(hook)}".replace("'", "")


def heading(name: str) -> str:
    return f"`{signature(HOOKS[name])}`"


def module(block: Block) -> ModuleType:
    """The block as a module that somebody has imported."""
    made = ModuleType("page")
    code = compile(block.text, "hooks.md", "exec", dont_inherit=True)
    exec(code, made.__dict__)  # noqa: S102 (our own page)
    return made


def example(name: str) -> ModuleType:
    (block,) = blocks(SECTIONS[heading(name)], "python")
    return module(block)


def registered(plugin: object) -> Registry:
    return Registry.load(entry_points=[], extra={"page": plugin})


def test_every_hook_has_a_section_under_its_signature() -> None:
    assert len(HOOKS) == 6
    assert [title for title in SECTIONS if title.startswith("`")] == [heading(name) for name in HOOKS]


@pytest.mark.parametrize("name", HOOKS)
def test_a_section_begins_with_the_promise_of_the_code(name: str) -> None:
    promise = " ".join((inspect.getdoc(HOOKS[name]) or "").split())
    assert " ".join(SECTIONS[heading(name)].split()).startswith(promise)


@pytest.mark.parametrize("name", HOOKS)
def test_every_argument_is_spoken_of(name: str) -> None:
    for argument in inspect.signature(HOOKS[name]).parameters:
        assert re.search(rf"`{argument}\b", SECTIONS[heading(name)]), argument


@pytest.mark.parametrize("name", HOOKS)
def test_an_example_is_a_plugin_with_just_that_hook(name: str) -> None:
    (plugin,) = registered(example(name)).plugins
    assert plugin.error is None
    assert plugin.hooks == [name]


@pytest.mark.parametrize("name", HOOKS)
def test_an_example_takes_what_its_hook_takes(name: str) -> None:
    takes, _, _ = signature(HOOKS[name]).partition(" -> ")
    assert signature(getattr(example(name), name)).startswith(takes)


@pytest.mark.parametrize("name", PROTOCOLS)
def test_what_an_example_offers_can_be_built(name: str) -> None:
    (offer,) = getattr(example(name), name)()
    built = offer.build(offer.config())
    assert isinstance(built, PROTOCOLS[name])


def test_the_transport_on_the_page_has_both_ends() -> None:
    (offer,) = example("patina_transports").patina_transports()
    assert isinstance(offer.listen(offer.config()), Door)
    assert isinstance(offer.dial(offer.config()), Dialer)


def test_the_command_on_the_page_says_what_the_page_says(capsys: pytest.CaptureFixture[str]) -> None:
    import cyclopts

    app = cyclopts.App(name="patina")
    registered(example("patina_commands")).commands(app)
    (console,) = blocks(SECTIONS[heading("patina_commands")], "console")
    (typed,) = console.commands
    app(typed.split()[1:], result_action="return_value")
    assert capsys.readouterr().out == console.text.split("\n", 1)[1]


async def test_the_lifespan_on_the_page_spans_an_engine(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger="page")
    async with engine(tmp_path, {"page": example("patina_lifespan")}):
        assert [record.getMessage() for record in caplog.records if record.name == "page"] == [
            "collections=0 at the start"
        ]
    assert caplog.messages[-1] == "good night"


@pytest.mark.parametrize("block", blocks(TEXT, "python"))
def test_whatever_a_block_imports_exists_and_is_used(block: Block) -> None:
    """What stands under `if TYPE_CHECKING` is never imported by running it, so it is looked at here."""
    used = set(re.findall(r"\w+", re.sub(r"^ *(from|import) .*$", "", block.text, flags=re.MULTILINE)))
    for node in ast.walk(ast.parse(block.text)):
        if isinstance(node, ast.Import):
            assert {import_module(alias.name).__name__ for alias in node.names} <= used
        if isinstance(node, ast.ImportFrom) and node.module and node.module != "__future__":
            for alias in node.names:
                assert hasattr(import_module(node.module), alias.name), alias.name
                assert alias.name in used, alias.name


def test_the_settings_on_the_page_are_settings() -> None:
    (block,) = blocks(SECTIONS["Offers"], "python")
    settings = vars(module(block))["LetterSettings"]
    assert issubclass(settings, Settings)
    settings()


@pytest.mark.parametrize("offer", [Offer, TransportOffer])
def test_every_field_of_an_offer_is_on_the_page(offer: type[msgspec.Struct]) -> None:
    for field in offer.__struct_fields__:
        assert f"`{field}`" in SECTIONS["Offers"], field


@pytest.mark.parametrize(
    "block", [block for block in blocks(TEXT, "toml") if block.title.endswith("config.toml")], ids=lambda b: b.text
)
def test_a_configuration_on_the_page_is_valid(block: Block, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(block.text)
    config = load(home=tmp_path, env={})
    Registry.load(config.plugins, entry_points=[*entry_points(group="patina"), HELLO]).check(config)


def test_the_entry_point_on_the_page_is_the_examples() -> None:
    (block,) = [block for block in blocks(TEXT, "toml") if block.title == "pyproject.toml"]
    with (EXAMPLE / "pyproject.toml").open("rb") as file:
        real = tomllib.load(file)["project"]["entry-points"]
    assert tomllib.loads(block.text)["project"]["entry-points"] == real


def test_every_command_on_the_page_exists() -> None:
    typed = [command.split() for block in blocks(TEXT, "console") for command in block.commands]
    inline = [command.split() for command in re.findall(r"`(patina [a-z][^`]*)`", TEXT)]
    names = {words[1] for words in [*typed, *inline] if words[0] == "patina"}
    assert names <= {*COMMANDS, *GROUPS, "hello", "--help"}


def test_every_link_leads_somewhere() -> None:
    page = PAGES / "reference" / "hooks.md"
    targets = [target for target in re.findall(r"\]\(([^)#]+)", TEXT) if not target.startswith("http")]
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_every_name_of_patina_on_the_page_exists() -> None:
    for name in re.findall(r"`(patina(?:\.\w+)+)`", TEXT):
        parent, _, last = name.rpartition(".")
        assert hasattr(import_module(parent), last) or import_module(name), name
