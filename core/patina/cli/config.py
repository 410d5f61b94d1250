"""`patina config`: the settings in force. Needs no daemon."""

from itertools import groupby
from typing import Annotated, Any

import msgspec
from cyclopts import App, Parameter

from patina.cli._lines import Line, Piece, line, notice, show, show_json
from patina.cli._options import HABITS, OPTIONS, Options
from patina.config import Row, rows
from patina.registry import Registry


def group() -> App:
    """The command group."""
    app = App(name="config", default_parameter=HABITS, help="The settings in force.")
    app.command(show_settings, name="show")
    return app


def show_settings(
    *,
    origin: Annotated[bool, Parameter(help="Say where each value comes from.")] = False,
    options: Options = OPTIONS,
) -> int:
    """Every setting, the plugins' too. Secrets are shown as ***."""
    config = options.config()
    registry = Registry.load(config.plugins)
    registry.check(config)
    settings = rows(config, registry)
    if options.json:
        show_json({row.key: {"value": row.value, "origin": row.origin} if origin else row.value for row in settings})
    else:
        show([each for section in _sections(settings) for each in _section_lines(*section, origin)])
    for note in config.notes:
        notice(note)
    return 0


def _sections(settings: list[Row]) -> list[tuple[str, list[Row]]]:
    return [(name, list(members)) for name, members in groupby(settings, lambda row: row.key.rpartition(".")[0])]


def _section_lines(name: str, settings: list[Row], origin: bool) -> list[Line]:
    lines = [line(), line(Piece(f"[{name}]", "bold"))] if name else []
    for row in settings:
        words = [f"{row.key.rpartition('.')[2]} = {_literal(row.value)}"]
        lines.append(line(*words, Piece(f"  # {row.origin}" if origin else "", "dim")))
    return lines


def _literal(value: Any) -> str:
    """As TOML writes it, nearly: JSON's words, with a name for nothing."""
    return "unset" if value is None else msgspec.json.encode(value).decode()
