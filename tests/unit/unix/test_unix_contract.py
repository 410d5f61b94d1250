"""The Unix door and its dialer keep what every transport promises."""

from pathlib import Path

from patina.protocols import Dialer, Door
from patina.testing import DialerContract, DoorContract
from patina_unix.dialer import UnixDialer
from patina_unix.door import UnixDoor
from patina_unix.settings import UnixSettings


class TestUnixDoor(DoorContract):
    def door(self, folder: Path) -> Door:
        return UnixDoor(UnixSettings(socket=str(folder / "private" / "p.sock")))

    def dialer(self) -> Dialer:
        return UnixDialer(UnixSettings())


class TestUnixDialer(DialerContract):
    def door(self, folder: Path) -> Door:
        return UnixDoor(UnixSettings(socket=str(folder / "p.sock")))

    def dialer(self) -> Dialer:
        return UnixDialer(UnixSettings())
