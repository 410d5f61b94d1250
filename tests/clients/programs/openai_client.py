"""OpenAI's own client, whichever version is installed: python openai_client.py BASE_URL."""

import base64
import json
import sys

import numpy as np
import openai

MODEL = "text-embedding-3-small"
TEXTS = ["Where are the ships?", "Boats sleep in the harbour at night."]
IDS = [[9241, 527, 279, 18198, 30], [1255, 1900, 6212, 304, 279, 75742, 520, 3814, 13]]

client = openai.OpenAI(base_url=f"{sys.argv[1]}/v1", api_key="unused", max_retries=0)


def vectors(given, **more):
    return [item.embedding for item in client.embeddings.create(model=MODEL, input=given, **more).data]


def refusal(**more):
    try:
        client.embeddings.create(**{"model": MODEL, "input": "a", **more})
    except openai.APIStatusError as error:
        return [type(error).__name__, error.code, error.param]
    return None


def from_base64(text):
    return np.frombuffer(base64.b64decode(text), "<f4").tolist()


usage = client.embeddings.create(model=MODEL, input=TEXTS).usage
print(
    json.dumps(
        {
            "version": openai.__version__,
            "text": vectors(TEXTS[0]),
            "texts": vectors(TEXTS),
            "floats": vectors(TEXTS, encoding_format="float"),
            "base64": [from_base64(text) for text in vectors(TEXTS, encoding_format="base64")],
            "ids": vectors(IDS[0]),
            "lists of ids": vectors(IDS),
            "short": vectors(TEXTS[0], dimensions=64),
            "passage": vectors(TEXTS[1], extra_body={"input_type": "passage"}),
            "models": [model.id for model in client.models.list()],
            "usage": [usage.prompt_tokens, usage.total_tokens],
            "refusals": [refusal(model="gpt-5"), refusal(input=""), refusal(dimensions=385), refusal(input=[100_300])],
        }
    )
)
