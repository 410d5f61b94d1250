"""The commands, by name. Each is imported when it is called; help needs only the words that stand here."""

import difflib
from collections.abc import Sequence
from importlib import import_module

from cyclopts import App

from patina import __version__
from patina.cli._lines import notice
from patina.cli._options import HABITS, load_config
from patina.errors import InvalidRequest, PatinaError, PluginError

ABOUT = "Ask your own code and documents. One daemon on this machine keeps them searchable."

COMMANDS = {
    "index": ("patina.cli.index:index", "Take in files and folders, and keep what is known of them current."),
    "scry": ("patina.cli.scry:scry", "Ask a question and see the passages that answer it."),
    "status": ("patina.cli.status:status", "How the daemon and its collections are."),
    "ping": ("patina.cli.status:ping", "Whether a daemon answers, and how fast."),
    "serve": ("patina.cli.serve:serve", "Run the daemon here until it is told to end."),
    "stats": ("patina.cli.stats:stats", "Count documents, passages and bytes."),
    "verify": ("patina.cli.verify:verify", "Check everything that is stored against itself."),
    "rebuild": ("patina.cli.rebuild:rebuild", "Derive indexes again from what is stored."),
    "commit": ("patina.cli.commit:commit", "Wait until all is on the disk and found by words."),
    "delete": ("patina.cli.delete:delete", "Take passages, documents or a collection away."),
    "export": ("patina.cli.export:export", "Write every passage to a file, one JSON object a line."),
    "import": ("patina.cli.import_:import_", "Take in what an export has."),
    "backup": ("patina.cli.backup:backup", "Write all that is stored to a file, while it goes on."),
    "restore": ("patina.cli.restore:restore", "Put a backup in the place of all that is stored."),
}
GROUPS = {
    "daemon": ("patina.cli.daemon:group", "See and end the daemon of this home."),
    "key": ("patina.cli.key:group", "Who may come in over HTTP, and what for."),
    "jobs": ("patina.cli.jobs:group", "What is under way, and what became of what was."),
    "plugins": ("patina.cli.plugins:group", "What is installed, and what of it works."),
    "config": ("patina.cli.config:group", "The settings in force."),
}


COMPLETION = "--install-completion"


def app_for(words: Sequence[str]) -> App:
    """The app that can answer this command line: plugins are loaded only when it needs them."""
    first = words[0] if words else "--help"
    app = App(name="patina", version=f"patina {__version__}", help=ABOUT, suppress_keyboard_interrupt=False)
    for name, (target, about) in COMMANDS.items():
        app.command(target, name=name, help=about, default_parameter=HABITS)
    for name, (target, about) in GROUPS.items():
        if first in {name, COMPLETION}:
            app.command(_loaded(target))
        else:
            app.command(target, name=name, help=about)
    app.register_install_completion_command(
        COMPLETION, add_to_startup=False, help="Write the completion of commands for this shell, plugins' too."
    )
    if first not in COMMANDS and first not in GROUPS and first != "--version":
        _add_plugin_commands(app, first)
    return app


def _loaded(target: str) -> App:
    module, _, function = target.partition(":")
    group: App = getattr(import_module(module), function)()
    return group


def _add_plugin_commands(app: App, first: str) -> None:
    asks_for_help = first.startswith("-")
    try:
        known = _known_after_plugins(app)
    except PatinaError as error:
        if not asks_for_help:
            raise
        notice(f"The commands of plugins are missing here: {error.message}")
        return
    if asks_for_help:
        return
    if first not in known:
        raise _unknown(first, known)
    _check_target(app, first)


def _known_after_plugins(app: App) -> set[str]:
    from patina.registry import Registry

    Registry.load(load_config().plugins).commands(app)
    return {name for name in app if not name.startswith("-")}


def _check_target(app: App, name: str) -> None:
    """A plugin's command is imported here and not while parsing, so that its failure is told as the plugin's."""
    try:
        app[name]
    except Exception as error:  # an edge: the code of a stranger is loaded
        raise PluginError(
            f"The command {name!r} comes from a plugin that cannot be loaded: {error}.",
            hint="See 'patina plugins', or leave the plugin out with [plugins] block.",
        ) from error


def _unknown(name: str, known: set[str]) -> InvalidRequest:
    near = difflib.get_close_matches(name, known, n=3)
    meant = f"Did you mean {' or '.join(near)}? " if near else ""
    return InvalidRequest(f"There is no command {name!r}.", hint=f"{meant}See 'patina --help'.")
