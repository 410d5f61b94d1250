"""From a file of 4-bit weights to a tokenizer and an encoder, on a file written here byte by byte."""

from __future__ import annotations

import struct
from base64 import b64decode
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from tokenizers import Tokenizer, normalizers

from patina.errors import Corrupt
from patina_onnx.e5 import charsmap, tokenizer
from patina_onnx.e5.encoder import encoder
from patina_onnx.e5.unigram import Unigram
from patina_onnx.e5.weights import Weights
from patina_onnx.session import Session
from patina_onnx.settings import Artefact

HIDDEN, LAYERS, HEADS, INNER, VOCABULARY, POSITIONS = 64, 2, 4, 128, 40, 24
EPSILON = 1e-12
PIECES = {
    "<s>": 0.0,
    "<pad>": 0.0,
    "</s>": 0.0,
    "<unk>": 0.0,
    "▁": -3.0,
    **dict.fromkeys("abcdehilmnoprstw½/2é", -9.0),
    "▁the": -4.0,
    "▁lamp": -7.0,
    "lamp": -8.0,
    "▁the▁lamp": -1.0,
    "er": -5.0,
    "<mask>": 0.0,
}
CHARACTERS = {"\n": " ", "\t": " ", "\u200b": " ", "\x7f": "", "ﬁ": "fi", "Ａ": "a", "½": "1⁄2", "𝒶": "a"}

Array = npt.NDArray[Any]


def packed(matrix: Array) -> tuple[bytes, Array]:
    """A matrix as 4-bit blocks, and what those blocks mean."""
    blocks = matrix.reshape(-1, 32)
    scales = (np.abs(blocks).max(axis=1) / 7).astype(np.float16)
    nibbles = np.clip(np.rint(blocks / scales[:, None].astype(np.float32)) + 8, 0, 15).astype(np.uint8)
    halves = nibbles[:, :16] | nibbles[:, 16:] << 4
    raw = b"".join(scale.tobytes() + half.tobytes() for scale, half in zip(scales, halves, strict=True))
    meant = (nibbles.astype(np.float32) - 8) * scales[:, None].astype(np.float32)
    return raw, meant.reshape(matrix.shape)


class Written:
    """A file of random weights, and its tensors as they are meant."""

    def __init__(self) -> None:
        random = np.random.default_rng(7)
        shapes: dict[str, tuple[int, ...]] = {
            "emb.word": (VOCABULARY, HIDDEN),
            "emb.pos": (POSITIONS * HIDDEN,),
            "emb.type": (2 * HIDDEN,),
            "emb.ln.w": (HIDDEN,),
            "emb.ln.b": (HIDDEN,),
        }
        for layer in range(LAYERS):
            square = dict.fromkeys(("q", "k", "v", "ao"), (HIDDEN, HIDDEN))
            for name, matrix in (square | {"fi": (INNER, HIDDEN), "fo": (HIDDEN, INNER)}).items():
                shapes |= {f"l{layer}.{name}.w": matrix, f"l{layer}.{name}.b": matrix[:1]}
            shapes |= {f"l{layer}.{name}.{part}": (HIDDEN,) for name in ("aln", "oln") for part in "wb"}
        self.tensors: dict[str, Array] = {}
        self._stored: dict[str, tuple[int, int, bytes]] = {}
        for name, shape in shapes.items():
            self._store(name, random.normal(0, 0.4, shape).astype(np.float32))
        self.data = self._header() + self._directory()

    def _store(self, name: str, value: Array) -> None:
        raw, meant = packed(value) if value.ndim > 1 else (value.tobytes(), value)
        self.tensors[name] = meant
        self._stored[name] = (int(value.ndim > 1), value.size, raw)

    def _header(self) -> bytes:
        texts = [piece.encode() for piece in PIECES]
        offsets = np.cumsum([0, *map(len, texts)]).astype("<u4")
        scores = np.array(list(PIECES.values()), "<f4")
        entries = b"".join(
            struct.pack(f"<IB{len(new)}I", ord(old), len(new), *map(ord, new)) for old, new in CHARACTERS.items()
        )
        sizes = (HIDDEN, LAYERS, HEADS, INNER, VOCABULARY, POSITIONS, 2, EPSILON, 32)
        return b"".join(
            [
                struct.pack("<4sI7ifi", b"E5S1", 1, *sizes),
                struct.pack("<5iQ", len(texts), 0, 2, 1, 3, offsets[-1]),
                offsets.tobytes(),
                scores.tobytes(),
                *texts,
                struct.pack("<iI", len(CHARACTERS), len(entries)),
                entries,
            ]
        )

    def _directory(self) -> bytes:
        size = 4 + sum(2 + len(name) + 21 for name in self._stored)
        offset = len(self._header()) + size
        listed, raw = struct.pack("<i", len(self._stored)), b""
        for name, (kind, count, data) in self._stored.items():
            listed += struct.pack("<H", len(name)) + name.encode()
            listed += struct.pack("<BIQQ", kind, count, offset + len(raw), len(data))
            raw += data
        return listed + raw


@pytest.fixture(scope="module")
def written() -> Written:
    return Written()


def erf(x: Array) -> Array:
    """Abramowitz and Stegun 7.1.26: right to 1.5e-7."""
    t = 1 / (1 + 0.3275911 * np.abs(x))
    powers = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t
    value: Array = np.sign(x) * (1 - powers * np.exp(-x * x))
    return value


def reference(t: dict[str, Array], ids: Sequence[int]) -> Array:
    """BERT as the paper has it, for one text."""

    def linear(name: str, x: Array) -> Array:
        product: Array = x @ t[f"{name}.w"].T + t[f"{name}.b"]
        return product

    def normal(name: str, x: Array) -> Array:
        spread = np.sqrt(x.var(axis=1, keepdims=True) + EPSILON)
        normalised: Array = (x - x.mean(axis=1, keepdims=True)) / spread * t[f"{name}.w"] + t[f"{name}.b"]
        return normalised

    def heads(x: Array) -> Array:
        return x.reshape(len(ids), HEADS, -1).transpose(1, 0, 2)

    rows = t["emb.pos"].reshape(-1, HIDDEN)[: len(ids)]
    x = normal("emb.ln", t["emb.word"][list(ids)] + rows + t["emb.type"][:HIDDEN])
    for layer in range(LAYERS):
        q, k, v = (heads(linear(f"l{layer}.{part}", x)) for part in "qkv")
        scores = np.exp(q @ k.transpose(0, 2, 1) / np.sqrt(HIDDEN / HEADS))
        heard = (scores / scores.sum(axis=2, keepdims=True) @ v).transpose(1, 0, 2).reshape(x.shape)
        x = normal(f"l{layer}.aln", x + linear(f"l{layer}.ao", heard))
        inner = linear(f"l{layer}.fi", x)
        x = normal(f"l{layer}.oln", x + linear(f"l{layer}.fo", inner * (1 + erf(inner / np.sqrt(2))) / 2))
    return x


def opened(data: bytes, artefact: Artefact, folder: Path) -> Session:
    path = folder / f"{artefact}.onnx"
    path.write_bytes(encoder(Weights(data), artefact).SerializeToString())
    return Session(path)


IDS = np.array([0, 5, 39, 17, 8, 2], np.int64)


def test_the_fp32_graph_computes_the_transformer(written: Written, tmp_path: Path) -> None:
    states = opened(written.data, "fp32", tmp_path)(IDS)
    assert np.abs(states - reference(written.tensors, IDS.tolist())).max() < 1e-4


def test_the_int8_graph_stays_close(written: Written, tmp_path: Path) -> None:
    states, true = opened(written.data, "int8", tmp_path)(IDS), reference(written.tensors, IDS.tolist())
    cosines = (states * true).sum(axis=1) / np.linalg.norm(states, axis=1) / np.linalg.norm(true, axis=1)
    assert cosines.min() > 0.99


def test_the_same_weights_make_the_same_file(written: Written) -> None:
    first, second = (encoder(Weights(written.data), "int8").SerializeToString() for _ in range(2))
    assert first == second


def test_weights_cut_short_are_damage(written: Written) -> None:
    for length in range(0, len(written.data), 5_003):
        with pytest.raises(Corrupt):
            encoder(Weights(written.data[:length]), "int8")


def test_a_damaged_header_is_damage_or_other_numbers(written: Written) -> None:
    for place in range(0, written.data.index(b"l0.q.w"), 31):
        changed = bytearray(written.data)
        changed[place] ^= 0x80
        with suppress(Corrupt):  # and nothing else is raised
            encoder(Weights(bytes(changed)), "int8")


@pytest.fixture
def tokenizer_file(written: Written, tmp_path: Path) -> Path:
    weights = Weights(written.data)
    path = tmp_path / "tokenizer.json"
    path.write_text(tokenizer.document(weights.pieces, weights.characters, 20))
    return path


TEXTS = (
    "",
    " ",
    "the lamp",
    "  the \n\t lamp  ",
    "thelamper\u200bthe",
    "\x7fthe\x7f lamp",
    "ﬁ Ａ ½ 𝒶",
    "e\u0301 is é",
    "漢字 ∎∎ the∎∎lamp ∎ ∎",
    "▁the▁lamp",
    "\r\n",
    "the " * 40,
)


def test_the_dictionary_and_the_package_cut_alike(tokenizer_file: Path) -> None:
    package = Tokenizer.from_file(str(tokenizer_file))
    for text, tokens in zip(TEXTS, Unigram(tokenizer_file, 20)(TEXTS), strict=True):
        encoding = package.encode(text)
        assert np.asarray(tokens.payload).tolist() == encoding.ids, text
        assert (tokens.count, tokens.truncated) == (len(encoding.ids), bool(encoding.overflowing)), text


def test_names_of_special_tokens_are_text(tokenizer_file: Path) -> None:
    [tokens] = Unigram(tokenizer_file, 20)(["<s> the </s>"])
    ids = np.asarray(tokens.payload).tolist()
    assert (ids[0], ids[-1]) == (0, 2)
    assert not {0, 2} & set(ids[1:-1])


def test_a_word_without_end_is_cut_and_costs_little(tokenizer_file: Path) -> None:
    [tokens] = Unigram(tokenizer_file, 20)(["lamp" * 500_000])
    assert (tokens.count, tokens.truncated) == (20, True)


def test_the_character_table_is_exact(tokenizer_file: Path) -> None:
    normaliser = Tokenizer.from_file(str(tokenizer_file)).normalizer
    for old, new in CHARACTERS.items():
        assert normaliser.normalize_str(f"x{old}y") == f"x{new}y"


@pytest.mark.parametrize("characters", [{}, {"a": "b"}, {"a": "", "é": "e", "漢": "字字", "🗝": "key"}])
def test_tables_of_any_size_are_packed(characters: dict[str, str]) -> None:
    normaliser = normalizers.Precompiled(b64decode(charsmap.packed(characters)))
    text = "zaé漢🗝z"
    assert normaliser.normalize_str(text) == "".join(characters.get(character, character) for character in text)
