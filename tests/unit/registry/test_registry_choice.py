"""Choosing by name, a plugin's settings, and what plugins do by themselves."""

from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

import pytest
from cyclopts import App
from msgspec import Meta

import patina
from patina.config import Config, PluginSettings, load, rows, socket_path
from patina.errors import ConfigError, PluginError, Unavailable
from patina.registry import Registry
from patina.types import Secret


class EchoSettings(patina.Settings, frozen=True, kw_only=True):
    size: Annotated[int, Meta(ge=1)] = 3
    names: tuple[str, ...] = ()
    home: str = ""
    model_cache: str | None = None
    host: str = ""
    token: Secret | None = None

    def __post_init__(self) -> None:
        if self.size == 13:
            raise ValueError("13 brings bad luck")


class WireSettings(patina.Settings, frozen=True, kw_only=True):
    host: str = ""
    port: int = 0
    socket: str = ""
    home: str = "its own"
    model_cache: int = 0


class Echo:
    def __init__(self, settings: Any) -> None:
        if settings.names == ("gone",):
            raise Unavailable("The model is gone.")
        self.settings = settings

    def tokenize(self, texts: Any, kind: Any) -> Any: ...

    def embed(self, batch: Any) -> Any: ...

    def close(self) -> None: ...


class Wire:
    def __init__(self, settings: Any) -> None:
        self.settings = settings

    def listen(self, service: Any) -> Any: ...

    def connect(self, endpoint: Any, key: Any) -> Any: ...


class Plugin:
    @patina.hookimpl
    def patina_embedders(self) -> Any:
        return [patina.Offer(name="echo", config=EchoSettings, build=Echo)]

    @patina.hookimpl
    def patina_transports(self) -> Any:
        return [
            patina.TransportOffer(name="wire", config=WireSettings, listen=Wire, dial=Wire, schemes=("wire", "wires")),
            patina.TransportOffer(name="out", config=WireSettings, dial=Wire, schemes=("out",)),
        ]


@pytest.fixture
def registry() -> Registry:
    return Registry.load(entry_points=[], extra={"plugin": Plugin()})


def built(registry: Registry, config: Config) -> EchoSettings:
    echo: Any = registry.embedder("echo", config)
    return echo.settings  # type: ignore[no-any-return]


def test_a_plugin_gets_its_settings_from_every_layer(registry: Registry, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('[embedders.echo]\nsize = 4\nnames = ["file"]')
    assert built(registry, load(home=tmp_path, env={})).size == 4
    env = {"PATINA_EMBEDDERS_ECHO_SIZE": "5", "PATINA_EMBEDDERS_ECHO_NAMES": "a,b"}
    assert (
        built(registry, load(home=tmp_path, env=env)).size,
        built(registry, load(home=tmp_path, env=env)).names,
    ) == (
        5,
        ("a", "b"),
    )
    assert built(registry, load(home=tmp_path, env=env, flags={"embedders.echo.size": "6"})).size == 6
    assert built(registry, Config(home=tmp_path, embedders={"echo": {"size": 7}})).size == 7


def test_patina_fills_in_what_only_it_knows(registry: Registry, tmp_path: Path) -> None:
    config = load(home=tmp_path, env={"PATINA_DAEMON_PORT": "99", "PATINA_MODEL_CACHE": "/models"})
    settings = built(registry, config)
    assert (settings.home, settings.model_cache) == (str(tmp_path), "/models")
    assert settings.host == ""  # only transports are told where to listen
    door: Any = registry.door("wire", config)
    assert (door.settings.host, door.settings.port) == ("127.0.0.1", 99)
    assert door.settings.socket == str(socket_path(config))
    assert door.settings.home == "its own"  # a default of its own is not touched
    assert door.settings.model_cache == 0  # nor what means something else by the name


def test_what_a_person_sets_is_never_filled_over(registry: Registry, tmp_path: Path) -> None:
    config = Config(home=tmp_path, transports={"wire": {"host": "::1", "port": 0}})
    door: Any = registry.door("wire", config)
    assert (door.settings.host, door.settings.port) == ("::1", 0)
    overridden: Any = registry.door("wire", config, host="10.0.0.1", port=None)
    assert (overridden.settings.host, overridden.settings.port) == ("10.0.0.1", 0)


def test_bad_plugin_settings_come_in_one_error_with_their_origins(registry: Registry, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("[embedders.echo]\nsize = 0\nsiez = 1\ntoken = 5")
    config = load(home=tmp_path, env={"PATINA_EMBEDDERS_ECHO_NAMES": "a"})
    with pytest.raises(ConfigError) as caught:
        registry.settings("embedder", "echo", config)
    assert str(caught.value).splitlines()[1:] == [
        f"embedders.echo.size ({tmp_path}/config.toml): expected a whole number of at least 1, found 0.",
        f"embedders.echo.siez ({tmp_path}/config.toml) is no setting. Did you mean size?",
        f"embedders.echo.token ({tmp_path}/config.toml): expected text, found ***.",
    ]
    with pytest.raises(ConfigError, match=r"wire\.prot \(argument\) is no setting. Did you mean port\?"):
        registry.door("wire", Config(home=tmp_path), prot=1)


def test_what_the_plugin_itself_objects_to_is_a_config_error(registry: Registry, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"\[embedders\.echo\]: 13 brings bad luck"):
        registry.settings("embedder", "echo", Config(home=tmp_path, embedders={"echo": {"size": 13}}))


def test_an_error_of_patinas_own_passes_through_a_build(registry: Registry, tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="The model is gone"):
        built(registry, Config(home=tmp_path, embedders={"echo": {"names": ["gone"]}}))


def test_an_unknown_name_lists_what_is_installed(registry: Registry) -> None:
    with pytest.raises(ConfigError, match=r'no embedder "ech"\. Did you mean echo\? Installed: echo\.') as caught:
        registry.embedder("ech", Config())
    assert caught.value.outcome.exit_code == 2
    with pytest.raises(ConfigError, match=r'no transport "grpc"\. Installed: out, wire\.'):
        registry.door("grpc", Config())
    with pytest.raises(ConfigError, match=r'no index "x"\. Installed: none\.'):
        registry.index("x", Config())
    with pytest.raises(ConfigError, match=r'no deployer "x"\. Installed: none\.'):
        registry.deployer("x", Config())
    with pytest.raises(ConfigError, match=r'"out" of .* has no door'):
        registry.door("out", Config())


def test_a_dialer_is_chosen_by_scheme(registry: Registry) -> None:
    wire: Any = registry.dialer("wires", Config(daemon=Config().daemon))
    assert isinstance(wire, Wire)
    with pytest.raises(
        ConfigError, match=r'reaches "wirs:" endpoints\. Did you mean wire.*Installed: out, wire, wires'
    ):
        registry.dialer("wirs", Config())


class Rival:
    @patina.hookimpl
    def patina_transports(self) -> Any:
        return [patina.TransportOffer(name="rival", config=WireSettings, dial=Wire, schemes=("wire",))]


def test_two_strangers_for_one_scheme_are_named() -> None:
    registry = Registry.load(entry_points=[], extra={"plugin": Plugin(), "rival": Rival()})
    with pytest.raises(ConfigError, match=r"reached by rival .* and plugin|reached by plugin .* and rival"):
        registry.dialer("wire", Config())


def test_check_finds_everything_that_is_wrong_with_plugins(registry: Registry, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(
        '[defaults]\nembedder = "ehco"\nindex = "hybrid"\n[daemon]\ntransports = ["wire", "grpc"]\n'
        "[embedders.echo]\nsize = 0\ntoken = 1\n[embedders.eco]\nsize = 1\n"
        '[collections.notes]\nembedder = "echo"\n'
    )
    with pytest.raises(ConfigError) as caught:
        registry.check(load(home=tmp_path, env={"PATINA_EMBEDDERS_ECHO_SIEZ": "1"}))
    assert str(caught.value).splitlines()[1:] == [
        (
            "PATINA_EMBEDDERS_ECHO_SIEZ (environment) is no setting of an installed plugin. "
            "Did you mean PATINA_EMBEDDERS_ECHO_SIZE?"
        ),
        "[embedders.eco]: there is no embedder of this name. Did you mean echo? Installed: echo.",
        f"embedders.echo.size ({tmp_path}/config.toml): expected a whole number of at least 1, found 0.",
        f"embedders.echo.token ({tmp_path}/config.toml): expected text, found ***.",
        'daemon.transports: There is no transport "grpc". Installed: out, wire.',
        'defaults.embedder: There is no embedder "ehco". Did you mean echo? Installed: echo.',
        'defaults.index: There is no index "hybrid". Installed: none.',
        'collections.notes.index: There is no index "hybrid". Installed: none.',
    ]


def test_the_section_of_a_plugin_that_is_absent_is_let_pass(tmp_path: Path) -> None:
    """One broken upgrade of a stranger's plugin must not stop every command of its user."""
    config = Config(
        home=tmp_path,
        embedders={"absent": {"url": "x"}},
        variables={"PATINA_DEPLOYERS_KUBE_SIZE": "1"},
    )
    with pytest.raises(ConfigError, match=r"\[embedders\.absent\]"):
        Registry.load(extra={}).check(config)
    Registry.load(extra={"absent": object(), "broken": Mistyped()}).check(config)


class Mistyped:
    @patina.hookimpl
    def patina_embedder(self) -> Any: ...


def test_what_is_installed_passes_its_own_check(tmp_path: Path) -> None:
    Registry.load().check(Config(home=tmp_path))


def test_show_has_the_plugins_settings_with_their_origins_and_masks_their_secrets(
    registry: Registry, tmp_path: Path
) -> None:
    (tmp_path / "config.toml").write_text('[embedders.echo]\ntoken = "geheim"\n[indexes.later]\nfactor = 2')
    config = load(home=tmp_path, env={"PATINA_EMBEDDERS_ECHO_SIZE": "5"}, flags={"embedders.echo.names": "a"})
    shown = {row.key: row for row in rows(config, registry)}
    assert (shown["embedders.echo.size"].value, shown["embedders.echo.size"].origin) == (
        5,
        "environment PATINA_EMBEDDERS_ECHO_SIZE",
    )
    assert (shown["embedders.echo.names"].value, shown["embedders.echo.names"].origin) == (["a"], "flag")
    assert shown["embedders.echo.token"].value == "***"
    assert shown["embedders.echo.host"].origin == "default"
    assert (shown["embedders.echo.home"].value, shown["embedders.echo.home"].origin) == (str(tmp_path), "as home")
    assert shown["transports.wire.port"].origin == "as daemon.port"
    assert shown["indexes.later.factor"].value == 2  # nobody's section is shown as it was written
    assert "PATINA_EMBEDDERS_ECHO_SIZE" not in shown


class Commanding:
    @patina.hookimpl
    def patina_commands(self, app: App) -> None:
        app.command(lambda: None, name="hello", help="Says hello.")

    @patina.hookimpl
    def patina_lifespan(self, engine: Any) -> Any:
        @asynccontextmanager
        async def span() -> Any:
            engine.append("in")
            yield
            engine.append("out")

        return span()


class Failing:
    @patina.hookimpl
    def patina_commands(self) -> None:
        raise RuntimeError("not today")

    @patina.hookimpl
    def patina_lifespan(self) -> Any:
        return "junk"


class Quiet:
    @patina.hookimpl
    def patina_lifespan(self) -> None:
        return None


def test_a_transport_that_is_kept_out_is_missed_only_at_its_door(tmp_path: Path) -> None:
    config = Config(home=tmp_path, plugins=PluginSettings(block=["http"]))
    registry = Registry.load(config.plugins)
    registry.check(config)
    with pytest.raises(ConfigError, match=r'no transport "http"\. The plugin http .* is kept out by \[plugins\]'):
        registry.door("http", config)


async def test_commands_and_lifespans_of_a_failing_plugin_do_not_stop_the_others() -> None:
    plugins = {"a": Failing(), "b": Commanding(), "c": Quiet()}
    registry = Registry.load(entry_points=[], extra=plugins)
    app = App(name="patina")
    registry.commands(app)
    assert "hello" in set(app)
    engine: Any = []
    (span,) = registry.lifespans(engine)
    async with span:
        assert engine == ["in"]
    assert engine == ["in", "out"]
    errors = {each.name: each.error for each in registry.plugins}
    assert errors == {
        "a": "patina_commands failed: RuntimeError: not today."
        " patina_lifespan: str is no asynchronous context manager.",
        "b": None,
        "c": None,
    }


class ClosedDoor:
    @patina.hookimpl
    def patina_transports(self) -> Any:
        return [patina.TransportOffer(name="shut", config=WireSettings, listen=lambda _: object())]  # type: ignore[arg-type,return-value]


def test_a_door_that_is_none_is_a_plugin_error() -> None:
    registry = Registry.load(entry_points=[], extra={"shut": ClosedDoor()})
    with pytest.raises(PluginError, match="is no Door: it has no method listen"):
        registry.door("shut", Config())
