"""The HTTP door and its dialer keep what every transport promises."""

from pathlib import Path

from patina.protocols import Dialer, Door
from patina.testing import DialerContract, DoorContract
from patina_http.dialer import HttpDialer
from patina_http.door import HttpDoor
from patina_http.settings import HttpSettings


class TestHttpDoor(DoorContract):
    def door(self, folder: Path) -> Door:
        return HttpDoor(HttpSettings())

    def dialer(self) -> Dialer:
        return HttpDialer(HttpSettings())


class TestHttpDialer(DialerContract):
    def door(self, folder: Path) -> Door:
        return HttpDoor(HttpSettings())

    def dialer(self) -> Dialer:
        return HttpDialer(HttpSettings())
