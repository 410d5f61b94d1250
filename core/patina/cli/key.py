"""`patina key`: who may come in over HTTP, and what for. Needs no daemon; one that runs sees every change at once."""

import os
import sys
from typing import Annotated

from cyclopts import App, Parameter
from msgspec import structs

from patina.access import AuditLog, Key, KeyRing
from patina.cli._jobs import moment
from patina.cli._lines import line, notice, show, show_json, table
from patina.cli._options import HABITS, OPTIONS, Options
from patina.config import Config, prepare_home, seconds
from patina.errors import InvalidRequest
from patina.types import Scope

NEVER = -1


def group() -> App:
    """The command group."""
    app = App(name="key", default_parameter=HABITS, help="Who may come in over HTTP, and what for.")
    app.command(create)
    app.command(listing, name="list")
    app.command(rename)
    app.command(revoke)
    return app


def create(
    *,
    label: Annotated[str, Parameter(help="Whose it is, or what for: it tells keys apart.")],
    scope: Annotated[
        tuple[Scope, ...], Parameter(help="What it allows; repeatable. 'write' has 'read', 'admin' has all.")
    ] = ("read",),
    expires: Annotated[str, Parameter(help="After how long: 12h, 30d; -1 is never.", show_default=True)] = "90d",
    options: Options = OPTIONS,
) -> int:
    """Make a key and print it, once: it is kept nowhere, only its hash is."""
    config = options.config()
    lifetime_s = seconds(expires)
    if not lifetime_s:
        raise InvalidRequest("A key that expires at once is of no use.", hint="Give it 12h, or 30d.", param="expires")
    key, text = _ring(config).create(label, tuple(dict.fromkeys(scope)), None if expires == str(NEVER) else lifetime_s)
    _note(config, "create_key", key)
    if options.json:
        show_json({**_public(key), "key": text.reveal()})
    else:
        sys.stdout.write(f"{text.reveal()}\n")
        notice(f"The key {key.id} {_until(key)}. It is not shown again: put it where its user finds it, as PATINA_KEY.")
    return 0


def listing(options: Options = OPTIONS) -> int:
    """Every key that is remembered, without what is secret of it."""
    keys = _ring(options.config()).known()
    if options.json:
        show_json({"keys": [_public(key) for key in keys]})
    elif keys:
        show(table([_row(key) for key in keys], ("key", "state", "scopes", "expires", "last used", "label")))
    else:
        show([line("There are no keys: nobody but you comes in.")])
    return 0


def rename(
    id: Annotated[str, Parameter(help="The key's id: what follows 'pat_'.")],
    label: Annotated[str, Parameter(help="Its new label.")],
    /,
    *,
    options: Options = OPTIONS,
) -> int:
    """Call a key something else."""
    config = options.config()
    return _changed(config, "rename_key", _ring(config).rename(id, label), options)


def revoke(id: Annotated[str, Parameter(help="The key's id.")], /, *, options: Options = OPTIONS) -> int:
    """Refuse a key from now on, also where a daemon runs."""
    config = options.config()
    return _changed(config, "revoke_key", _ring(config).revoke(id), options)


def _ring(config: Config) -> KeyRing:
    prepare_home(config)
    return KeyRing(config.data)


def _note(config: Config, action: str, key: Key) -> None:
    AuditLog(config.home).note("cli", f"uid {os.getuid()}", action, subject=key.id)


def _changed(config: Config, action: str, key: Key, options: Options) -> int:
    _note(config, action, key)
    if options.json:
        show_json(_public(key))
    else:
        show([line(f"The key {key.id} ({key.label}) {_until(key)}.")])
    return 0


def _public(key: Key) -> dict[str, object]:
    fields = structs.asdict(key)
    del fields["digest"]  # nobody can do anything with it, and so nobody needs it
    return {**fields, "state": key.state()}


def _until(key: Key) -> str:
    match key.state():
        case "live":
            return "lives until it is revoked" if key.expires is None else f"lives until {moment(key.expires)}"
        case "expired":
            return "has expired"
        case _:
            return "is revoked"


def _row(key: Key) -> tuple[str, ...]:
    expires = "never" if key.expires is None else moment(key.expires)
    used = "never" if key.used is None else moment(key.used)
    return key.id, key.state(), ",".join(key.scopes), expires, used, key.label
