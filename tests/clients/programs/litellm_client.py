"""LiteLLM, told that this is OpenAI: python litellm_client.py BASE_URL."""

import json
import sys

import litellm

TEXTS = ["Where are the ships?", "Boats sleep in the harbour at night."]


def vectors(given, model="openai/multilingual-e5-small"):
    reply = litellm.embedding(model=model, input=given, api_base=f"{sys.argv[1]}/v1", api_key="unused", max_retries=0)
    return [item["embedding"] for item in reply.data]


def refusal(**more):
    try:
        vectors(**{"given": "a", **more})
    except (litellm.NotFoundError, litellm.BadRequestError) as error:
        return type(error).__name__
    return None


print(
    json.dumps(
        {
            "text": vectors(TEXTS[0]),
            "texts": vectors(TEXTS),
            "refusals": [refusal(model="openai/gpt-5"), refusal(given="")],
        }
    )
)
