"""What is read of a model.onnx before onnxruntime opens it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import onnx
import pytest
from onnx import external_data_helper

from patina.errors import Corrupt, PatinaError, Refused
from patina_onnx.embedder import OnnxEmbedder
from patina_onnx.onnxfile import INSIDE, outline
from patina_onnx.settings import OnnxSettings

MakeModel = Callable[..., Path]


def test_every_way_to_external_data_is_known() -> None:
    """The schema of the installed onnx has no message field that leads there and that we do not follow."""
    messages = {name: getattr(onnx, name).DESCRIPTOR for name in INSIDE}
    for name, message in messages.items():
        ways = {
            field.number: field.message_type.name
            for field in message.fields
            if field.message_type is not None
            and (field.message_type.name in INSIDE or (name, field.name) == ("TensorProto", "external_data"))
        }
        assert INSIDE[name] == ways, name


@pytest.fixture
def divided(make_model: MakeModel) -> Path:
    """A model whose weights lie in a file of their own."""
    folder = make_model()
    model = onnx.load(folder / "model.onnx")
    onnx.save_model(model, folder / "model.onnx", save_as_external_data=True, location="weights", size_threshold=0)
    return folder


def point(folder: Path, location: str) -> None:
    """Make the model say that its weights are at `location`."""
    model = onnx.load(folder / "model.onnx", load_external_data=False)
    for tensor in model.graph.initializer:
        for entry in tensor.external_data:
            entry.value = location if entry.key == "location" else entry.value
    (folder / "model.onnx").write_bytes(model.SerializeToString())


def first_vector(folder: Path) -> bytes:
    embedder = OnnxEmbedder(OnnxSettings(model=str(folder)))
    return embedder.embed(embedder.tokenize(["the cat"], "passage")).vectors.tobytes()


def test_weights_beside_the_model_are_part_of_it(divided: Path, make_model: MakeModel) -> None:
    assert outline(divided / "model.onnx").external == [divided / "weights"]
    assert first_vector(divided) == first_vector(make_model("whole"))
    before = OnnxEmbedder(OnnxSettings(model=str(divided))).info.identity
    weights = bytearray((divided / "weights").read_bytes())
    weights[100] ^= 1
    (divided / "weights").write_bytes(weights)
    assert OnnxEmbedder(OnnxSettings(model=str(divided))).info.identity != before


def test_weights_that_are_missing_are_named(divided: Path) -> None:
    (divided / "weights").unlink()
    with pytest.raises(Corrupt, match="weights"):
        first_vector(divided)


def test_weights_elsewhere_are_refused(divided: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (divided / "weights").rename(outside)
    for location in ("../outside", str(outside)):
        point(divided, location)
        with pytest.raises(Refused, match="outside"):
            first_vector(divided)


@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_weights_behind_a_link_are_refused(divided: Path, tmp_path: Path, link: Callable[[Path, Path], None]) -> None:
    (divided / "weights").rename(tmp_path / "outside")
    link(tmp_path / "outside", divided / "weights")
    with pytest.raises(Refused, match="weights"):
        first_vector(divided)


def test_weights_behind_a_linked_folder_are_refused(divided: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (divided / "weights").rename(tmp_path / "elsewhere" / "weights")
    (divided / "link").symlink_to(tmp_path / "elsewhere")
    point(divided, "link/weights")
    with pytest.raises(Refused, match="link"):
        first_vector(divided)


@pytest.mark.parametrize("size", [1 << 40, 1 << 62, -1])
def test_a_size_that_nobody_has_is_damage(make_model: MakeModel, size: int) -> None:
    """What a file says of its sizes is not believed: no memory is taken for it, and the process lives."""
    folder = make_model()
    model = onnx.load(folder / "model.onnx")
    model.graph.initializer[0].dims[0] = size
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(Corrupt, match=r"model\.onnx"):
        first_vector(folder)


def test_weights_of_a_constant_within_a_branch_are_seen(tmp_path: Path) -> None:
    tensor = onnx.helper.make_tensor("t", onnx.TensorProto.FLOAT, [1], b"1234", raw=True)
    external_data_helper.set_external_data(tensor, "../secret")
    constant = onnx.helper.make_node("Constant", [], ["c"], value=tensor)
    branch = onnx.helper.make_graph([constant], "branch", [], [onnx.ValueInfoProto(name="c")])
    choice = onnx.helper.make_node("If", ["yes"], ["out"], then_branch=branch, else_branch=branch)
    graph = onnx.helper.make_graph([choice], "whole", [], [onnx.ValueInfoProto(name="out")])
    (tmp_path / "secret").touch()
    path = tmp_path / "model" / "model.onnx"
    path.parent.mkdir()
    path.write_bytes(onnx.helper.make_model(graph).SerializeToString())
    with pytest.raises(Refused, match="secret"):
        outline(path)


def test_a_model_cut_anywhere_is_found_or_whole(make_model: MakeModel) -> None:
    path = make_model() / "model.onnx"
    whole = path.read_bytes()
    for length in range(1, len(whole), 37):
        path.write_bytes(whole[:length])
        try:
            outline(path)
        except PatinaError as error:
            assert isinstance(error, Corrupt)


def test_endless_nesting_is_damage(tmp_path: Path) -> None:
    inner = b""
    for _ in range(200):  # a graph in an attribute of a node of a graph …
        for field in (6, 5, 1):
            inner = bytes([field << 3 | 2]) + length(inner) + inner
    path = tmp_path / "model.onnx"
    path.write_bytes(bytes([7 << 3 | 2]) + length(inner) + inner)
    with pytest.raises(Corrupt):
        outline(path)


def length(data: bytes) -> bytes:
    count, encoded = len(data), b""
    while count > 127:
        encoded, count = encoded + bytes([count & 127 | 128]), count >> 7
    return encoded + bytes([count])
