"""Hugging Face's client, told that this is an endpoint of its own: python huggingface_client.py BASE_URL."""

import json
import sys

from huggingface_hub import InferenceClient
from huggingface_hub.errors import HfHubHTTPError

TEXTS = ["Where are the ships?", "Boats sleep in the harbour at night."]

client = InferenceClient(base_url=sys.argv[1])


def refusal(text, **more):
    try:
        client.feature_extraction(text, **more)
    except HfHubHTTPError as error:
        return [error.response.status_code, str(error)]
    return None


print(
    json.dumps(
        {
            "text": client.feature_extraction(TEXTS[0], normalize=True).tolist(),
            "texts": client.feature_extraction(TEXTS).tolist(),
            "passage": client.feature_extraction(TEXTS[1], prompt_name="passage", truncate=True).tolist(),
            "short": client.feature_extraction(TEXTS[0], dimensions=64).tolist(),
            "refusals": [refusal(""), refusal("boats " * 2000), refusal("a", normalize=False)],
        }
    )
)
