"""Embeds with any directory that holds a model.onnx and a tokenizer.json; multilingual-e5-small by default."""
