"""`patina plugins`: what is installed, and what of it works. Needs no daemon."""

from cyclopts import App

from patina.cli._lines import Line, Piece, line, show, show_json, table
from patina.cli._options import HABITS, OPTIONS, Options
from patina.errors import NotFound
from patina.registry import Plugin, Registry


def group() -> App:
    """The command group; by its own name it lists."""
    app = App(name="plugins", default_parameter=HABITS, help="What is installed, and what of it works.")
    app.default(listing)
    app.command(info)
    return app


def listing(options: Options = OPTIONS) -> int:
    """Every plugin: what it offers, how long it took to load, and why it does not work if it does not."""
    plugins = _installed(options)
    if options.json:
        show_json(plugins)
        return 0
    rows = [
        (each.name, f"{each.distribution} {each.version}", each.origin, _time(each), ", ".join(each.offers) or "-")
        for each in plugins
    ]
    problems = [line(Piece(f"! {each.name}: {_problem(each)}", "yellow")) for each in plugins if _problem(each)]
    show([*table(rows, ("plugin", "distribution", "origin", "load", "offers")), *problems])
    return 0


def info(name: str, options: Options = OPTIONS) -> int:
    """All about one plugin."""
    plugins = _installed(options)
    found = [each for each in plugins if each.name == name]
    if not found:
        raise NotFound(
            f"There is no plugin {name!r}.", hint=f"Installed: {', '.join(each.name for each in plugins) or 'none'}."
        )
    if options.json:
        show_json(found[0])
    else:
        show(_info(found[0]))
    return 0


def _installed(options: Options) -> list[Plugin]:
    return list(Registry.load(options.config().plugins).plugins)


def _info(plugin: Plugin) -> list[Line]:
    rows = [
        ("plugin", plugin.name),
        ("from", f"{plugin.distribution} {plugin.version}, {plugin.origin}"),
        ("hooks", ", ".join(plugin.hooks) or "-"),
        ("offers", ", ".join(plugin.offers) or "-"),
        ("load", _time(plugin)),
        ("problem", _problem(plugin) or "-"),
    ]
    return [line(Piece(f"{name:<9}", "dim"), value) for name, value in rows]


def _time(plugin: Plugin) -> str:
    return "-" if plugin.blocked else f"{plugin.load_ms:.1f} ms"


def _problem(plugin: Plugin) -> str:
    return plugin.error or ("blocked by [plugins]" if plugin.blocked else "")
