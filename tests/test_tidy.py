"""The house rules, enforced: who may import whom, how long things may be, and that nothing is left lying about."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]
CORE = PROJECT / "core" / "patina"
PLUGINS = PROJECT / "plugins"
KINDS = ("embedders", "indexes", "transports", "deployers")
MAX_FUNCTION_LINES = 50
MAX_MEAN_FUNCTION_LINES = 15
MAX_FILE_LINES = 400
BANNED_NAMES = re.compile(r"(Manager|Helper|Utils?|Base|Impl)$")

# From the ground up. A room imports only rooms below it; rooms of one line do not know each other.
FLOORS = (
    {"types", "identity"},
    {"errors", "meters", "_hooks"},
    {"places", "durable"},
    {"wire"},
    {"codec", "protocols", "hookspecs"},
    {"config"},
    {"registry", "lock"},
    {"store", "access"},
    {"models"},
    {"shelf"},
    {"ingest", "retrieval", "verify"},
    {"indexing"},
    {"jobs"},
    {"engine"},
    {"client"},
    {"daemon"},
    {"cli"},
)
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
OUTSIDE = {"testing", "__init__", "__main__"}  # stands beside the house; the façade and the door bell


def sources() -> list[Path]:
    return sorted([*CORE.rglob("*.py"), *PLUGINS.rglob("*.py")])


def room_of(path: Path) -> str:
    return path.relative_to(CORE).parts[0].removesuffix(".py")


def imports(path: Path) -> Iterator[str]:
    """Modules that a file imports when it runs: what stands under `if TYPE_CHECKING:` does not count."""
    tree = ast.parse(path.read_text())
    skipped = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            if node.module == "patina":
                yield from (f"patina.{alias.name}" for alias in node.names)
            else:
                yield node.module


def abstract(path: Path) -> bool:
    """A contract suite is a class whose factory method its user must write."""
    return path.is_relative_to(CORE / "testing" / "contracts")


def functions(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno is not None:
            yield f"{path.relative_to(PROJECT)}:{node.lineno} {node.name}", node.end_lineno - node.lineno + 1


def test_no_room_imports_upwards() -> None:
    upward = [
        f"{path.relative_to(PROJECT)} imports {module}"
        for path in CORE.rglob("*.py")
        if (room := room_of(path)) not in OUTSIDE
        for module in imports(path)
        if module.startswith("patina.")
        and (other := module.split(".")[1]) in FLOOR
        and other != room
        and FLOOR[other] >= FLOOR[room]
    ]
    assert not upward


def test_every_room_has_its_floor() -> None:
    rooms = {room_of(path) for path in CORE.rglob("*.py")} - OUTSIDE
    assert rooms <= FLOOR.keys()


def test_core_imports_no_plugin() -> None:
    plugins = {folder.name for kind in KINDS for folder in (PLUGINS / kind).glob("patina_*")}
    guilty = [
        f"{path.relative_to(PROJECT)} imports {module}"
        for path in CORE.rglob("*.py")
        for module in imports(path)
        if module.split(".")[0] in plugins
    ]
    assert not guilty


def test_plugins_import_only_the_public_names_of_patina_and_no_other_plugin() -> None:
    guilty = []
    for path in PLUGINS.rglob("*.py"):
        own = path.relative_to(PLUGINS).parts[1]
        for module in imports(path):
            parts = module.split(".")
            private = parts[0] == "patina" and any(
                part.startswith("_") and not part.startswith("__") for part in parts[1:]
            )
            other = parts[0].startswith("patina_") and parts[0] != own
            if private or other:
                guilty.append(f"{path.relative_to(PROJECT)} imports {module}")
    assert not guilty


def test_functions_fit_a_screen() -> None:
    lengths = [found for path in sources() for found in functions(path)]
    assert not [f"{name}: {lines} lines" for name, lines in lengths if lines > MAX_FUNCTION_LINES]
    assert sum(lines for _, lines in lengths) / len(lengths) <= MAX_MEAN_FUNCTION_LINES


def test_files_stay_small() -> None:
    lengths = {path: path.read_text().count("\n") for path in sources()}
    assert not [f"{path.relative_to(PROJECT)}: {n} lines" for path, n in lengths.items() if n > MAX_FILE_LINES]


def test_names_are_nouns_a_person_would_say() -> None:
    classes = [
        node.name
        for path in sources()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef)
    ]
    assert not [name for name in classes if BANNED_NAMES.search(name)]


def test_every_plugin_folder_is_registered() -> None:
    with (PROJECT / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)["project"]
    registered = {value.split(".")[0].split(":")[0] for value in project["entry-points"]["patina"].values()}
    folders = {folder.name for kind in KINDS for folder in (PLUGINS / kind).glob("*") if folder.name != "__pycache__"}
    assert folders == registered


@pytest.mark.parametrize(
    "banned", ["import pickle", "from pickle", "shell=True", "NotImplementedError", "TODO", "FIXME"]
)
def test_what_is_never_written(banned: str) -> None:
    assert not [
        str(path.relative_to(PROJECT)) for path in sources() if banned in path.read_text() and not abstract(path)
    ]


def test_state_lives_in_objects() -> None:
    """A module-level name bound to an empty container, or a `global` statement, is state that nobody owns."""
    guilty = []
    for path in sources():
        tree = ast.parse(path.read_text())
        guilty += [f"{path.relative_to(PROJECT)}:{n.lineno}" for n in ast.walk(tree) if isinstance(n, ast.Global)]
        for node in tree.body:
            value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
            if isinstance(value, ast.List | ast.Dict | ast.Set) and not ast.unparse(value).strip("[]{}()"):
                guilty.append(f"{path.relative_to(PROJECT)}:{node.lineno}")
    assert not guilty
