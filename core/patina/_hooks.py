"""The two pluggy markers of the project name "patina"."""

import pluggy

hookspec = pluggy.HookspecMarker("patina")
hookimpl = pluggy.HookimplMarker("patina")
