"""Ollama's own client: python ollama_client.py BASE_URL."""

import json
import sys

import ollama

MODEL = "multilingual-e5-small"
TEXTS = ["Where are the ships?", "Boats sleep in the harbour at night."]

client = ollama.Client(host=sys.argv[1])


def refusal(**more):
    try:
        client.embed(**{"model": MODEL, "input": "a", **more})
    except ollama.ResponseError as error:
        return [error.status_code, error.error]
    return None


print(
    json.dumps(
        {
            "text": client.embed(model=MODEL, input=TEXTS[0]).embeddings,
            "texts": client.embed(model=MODEL, input=TEXTS, keep_alive="5m", options={"num_ctx": 512}).embeddings,
            "older": [client.embeddings(model=f"{MODEL}:latest", prompt=TEXTS[0]).embedding],
            "short": client.embed(model=MODEL, input=TEXTS[0], dimensions=64).embeddings,
            "passage": client.embed(model=f"{MODEL}:passage", input=TEXTS[1]).embeddings,
            "cut": len(client.embed(model=MODEL, input="boats " * 2000).embeddings),
            "models": [model.model for model in client.list().models],
            "loaded": [model.model for model in client.ps().models],
            "refusals": [refusal(model="llama3"), refusal(input=""), refusal(input="boats " * 2000, truncate=False)],
        }
    )
)
