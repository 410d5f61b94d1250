"""One configuration, layered: defaults < user's file < project's file < environment < flags.

`load` reads the layers and remembers where each value came from; `Config(home=...)` reads nothing. Every setting
`section.key` is `PATINA_SECTION_KEY` in the environment: lists are "a,b", booleans 0/1/true/false.
"""

from patina.config.durations import Duration, seconds
from patina.config.files import find_project
from patina.config.loading import load, prepare_home, socket_path
from patina.config.settings import (
    Config,
    DaemonSettings,
    IngestSettings,
    ModelSettings,
    PipelineSettings,
    PluginSettings,
    StoreSettings,
)
from patina.config.show import Row, rows

__all__ = [
    "Config",
    "DaemonSettings",
    "Duration",
    "IngestSettings",
    "ModelSettings",
    "PipelineSettings",
    "PluginSettings",
    "Row",
    "StoreSettings",
    "find_project",
    "load",
    "prepare_home",
    "rows",
    "seconds",
    "socket_path",
]
