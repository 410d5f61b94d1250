"""The options that many commands share, and the settings that come of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from patina import config
from patina.config import Config
from patina.errors import InvalidRequest

HABITS = Parameter(negative=(), consume_multiple=False, show_default=False)
"""How every option behaves: no --no-x, one value a time, and a default is told where it matters."""


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Options:
    json: Annotated[bool, Parameter(help="Machine output on stdout; notices stay on stderr.")] = False
    verbose: Annotated[bool, Parameter(name=["--verbose", "-v"], help="Say which daemon answers.")] = False
    debug: Annotated[bool, Parameter(help="Log everything; show where an error comes from.")] = False
    settings: Annotated[
        tuple[str, ...],
        Parameter(name="--set", help="KEY=VALUE for this run: daemon.port=0."),
    ] = ()

    def config(self, flags: Mapping[str, Any] = {}, *, trust_project: bool = False) -> Config:
        """The settings, with what the command line says on top."""
        return load_config({**dict(map(_assignment, self.settings)), **flags}, trust_project=trust_project)


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class LocalOptions(Options):
    standalone: Annotated[
        bool, Parameter(help="Answer in this process, never through a daemon; exit 4 beside one.")
    ] = False


OPTIONS = Options()
LOCAL = LocalOptions()


def load_config(flags: Mapping[str, Any] = {}, *, trust_project: bool = False) -> Config:
    project = config.find_project(Path.cwd())
    return config.load(project=project, flags=flags, trust_project=trust_project)


def _assignment(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise InvalidRequest(f"--set {text}: it takes KEY=VALUE.", hint="For example --set daemon.port=0.")
    return key, value
